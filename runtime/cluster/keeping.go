package cluster

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"

	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/message"
)

// keepCheckpoints has a job that takes checkpoints, and says nothing of where, keep them in a folder of the JobManager, which goes with it. Memory would be that of
// one process, and a worker that is started anew could not go on from it. The error says that not all TaskManagers can reach the folder.
func (j *JobManager) keepCheckpoints(ctx context.Context, properties map[string]string) error {
	c, _, err := config.Load("", pairs(properties))
	if err != nil {
		return err
	}
	if config.Get(c, config.CheckpointsDirectory) != "" || config.Get(c, config.CheckpointInterval) == 0 && config.Get(c, config.RecoveryPath) == "" {
		return nil
	}
	overview, err := j.Ask(ctx, &message.ClientRequest{Body: &message.ClientRequest_Overview{Overview: &message.RequestClusterOverview{}}})
	if err != nil {
		return err
	}
	for _, e := range overview.GetOverview().GetExecutors() {
		host, _, err := net.SplitHostPort(e.GetAddress().GetHost())
		if err != nil || !j.here(host) {
			return fmt.Errorf("the job takes checkpoints and does not say where they go, and TaskManager %s is on another machine than the JobManager: "+
				"set %s to a place that all of them reach, such as s3://bucket/folder or a shared folder", e.GetId(), config.CheckpointsDirectory.Key())
		}
	}
	folder := filepath.Join(j.folder, "checkpoints")
	if folder, err = filepath.Abs(folder); err != nil {
		return err
	}
	properties[config.CheckpointsDirectory.Key()] = "file://" + folder
	j.around.Log.Warn("a job's checkpoints are kept until the JobManager ends, and TaskManagers on other machines cannot use them: set "+config.CheckpointsDirectory.Key(), "folder", folder)
	return nil
}

// here reports whether a host is the JobManager's machine, by its name.
func (j *JobManager) here(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, config.Get(j.configuration, config.JobManagerAddress)) || strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// pairs writes properties as key=value.
func pairs(properties map[string]string) []string {
	var all []string
	for key, text := range properties {
		all = append(all, key+"="+text)
	}
	return all
}
