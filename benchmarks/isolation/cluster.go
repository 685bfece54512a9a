package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// cluster is real processes: a JobManager and TaskManagers, by weir start-cluster.
type cluster struct {
	weir, folder, rest string
}

func (c *cluster) command(ctx context.Context, arguments ...string) (string, error) {
	cmd := exec.CommandContext(ctx, c.weir, arguments...)
	cmd.Env = append(os.Environ(), "WEIR_LOG_DIR="+filepath.Join(c.folder, "log"), "WEIR_PID_DIR="+filepath.Join(c.folder, "run"), "WEIR_CONF_DIR=")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("weir %s: %w\n%s", arguments[0], err, out.String())
	}
	return out.String(), err
}

// start starts so many TaskManagers.
func start(ctx context.Context, weir, folder string, taskManagers int, properties ...string) (*cluster, error) {
	c := &cluster{weir: weir, folder: folder}
	arguments := []string{"start-cluster", "--taskmanagers", fmt.Sprint(taskManagers)}
	for _, p := range append([]string{"rest.port=0", "jobmanager.rpc.port=0", "jobmanager.rpc.address=127.0.0.1", "rest.bind-address=127.0.0.1", "taskmanager.host=127.0.0.1"}, properties...) {
		arguments = append(arguments, "-D", p)
	}
	out, err := c.command(ctx, arguments...)
	if err != nil {
		return nil, err
	}
	_, at, found := strings.Cut(strings.TrimSpace(out), "REST at ")
	if !found {
		return nil, fmt.Errorf("weir start-cluster does not say where REST is:\n%s", out)
	}
	c.rest = at
	return c, nil
}

func (c *cluster) stop() error {
	_, err := c.command(context.Background(), "stop-cluster")
	return err
}

// submit runs this binary as a job, and returns its id.
func (c *cluster) submit(ctx context.Context, properties []string, parallelism int, arguments ...string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	line := []string{"run", "-d", "-m", strings.TrimPrefix(c.rest, "http://"), "-p", fmt.Sprint(parallelism)}
	for _, p := range properties {
		line = append(line, "-D", p)
	}
	out, err := c.command(ctx, append(append(line, self, "--"), arguments...)...)
	if err != nil {
		return "", err
	}
	_, id, found := strings.Cut(out, "JobID ")
	if !found {
		return "", fmt.Errorf("weir run does not name the job:\n%s", out)
	}
	return strings.Fields(id)[0], nil
}

func (c *cluster) cancel(ctx context.Context, job string) error {
	if _, err := c.command(ctx, "cancel", "-m", strings.TrimPrefix(c.rest, "http://"), job); err != nil {
		return err
	}
	return c.await(ctx, job, func(d *details) bool { return d.ended() })
}

// details is what REST tells of a job.
type details struct {
	State    string `json:"state"`
	Vertices []struct {
		ID     string           `json:"id"`
		Status string           `json:"status"`
		Tasks  map[string]int64 `json:"tasks"`
	} `json:"vertices"`
}

func (d *details) ended() bool {
	return d.State == "FINISHED" || d.State == "CANCELED" || d.State == "FAILED"
}

func (d *details) running() bool {
	for _, v := range d.Vertices {
		if v.Status != "RUNNING" {
			return false
		}
	}
	return d.State == "RUNNING" && len(d.Vertices) > 0
}

func (c *cluster) details(ctx context.Context, job string) (*details, error) {
	d := new(details)
	return d, c.get(ctx, "/jobs/"+job, d)
}

// await waits until something holds for a job.
func (c *cluster) await(ctx context.Context, job string, holds func(*details) bool) error {
	for {
		d, err := c.details(ctx, job)
		if err != nil || holds(d) {
			return err
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("job %s is still %s: %w", job, d.State, err)
		}
	}
}

// places are the TaskManagers that a job's tasks run on.
func (c *cluster) places(ctx context.Context, job string) (map[string]bool, error) {
	d, err := c.details(ctx, job)
	if err != nil {
		return nil, err
	}
	all := map[string]bool{}
	for _, v := range d.Vertices {
		var vertex struct {
			Subtasks []struct {
				TaskManager string `json:"taskmanager-id"`
				Attempt     int    `json:"attempt"`
			} `json:"subtasks"`
		}
		if err := c.get(ctx, "/jobs/"+job+"/vertices/"+v.ID, &vertex); err != nil {
			return nil, err
		}
		for _, s := range vertex.Subtasks {
			all[s.TaskManager] = true
		}
	}
	return all, nil
}

// failures are the stack traces in a job's history of exceptions.
func (c *cluster) failures(ctx context.Context, job string) ([]string, error) {
	var exceptions struct {
		History struct {
			Entries []struct {
				Stacktrace string `json:"stacktrace"`
			} `json:"entries"`
		} `json:"exceptionHistory"`
	}
	if err := c.get(ctx, "/jobs/"+job+"/exceptions?maxExceptions=1000", &exceptions); err != nil {
		return nil, err
	}
	var all []string
	for _, e := range exceptions.History.Entries {
		all = append(all, e.Stacktrace)
	}
	return all, nil
}

func (c *cluster) get(ctx context.Context, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.rest+path, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New("GET " + path + ": " + response.Status)
	}
	return json.NewDecoder(response.Body).Decode(into)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
