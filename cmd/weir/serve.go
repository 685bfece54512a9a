package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/cluster"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/logs"
	"github.com/weir-stream/weir/runtime/taskmanager"
)

// serving is a process of a cluster, in the foreground.
type serving struct {
	options
	// daemon says that start-cluster has started the process: it writes its log to a file and leaves a record.
	daemon bool
	record record
}

func (s *serving) flags(c *cobra.Command) {
	s.options.flags(c)
	c.Flags().BoolVar(&s.daemon, "daemon", false, "log to a file and leave a record, for stop-cluster")
	c.Flags().IntVar(&s.record.Number, "number", 0, "the process's `number` among those of its kind on this machine")
	for _, hidden := range []string{"daemon", "number"} {
		if err := c.Flags().MarkHidden(hidden); err != nil {
			panic(err)
		}
	}
}

// secretsVariable has the options whose values are secrets, as a list in JSON, from start-cluster.
const secretsVariable = "WEIR_SECRET_PROPERTIES"

// configure reads the configuration, with what start-cluster has not written on the command line.
func (s *serving) configure(c *cobra.Command, defaults ...string) (config.Configuration, error) {
	if text := os.Getenv(secretsVariable); s.daemon && text != "" {
		var secrets []string
		if err := json.Unmarshal([]byte(text), &secrets); err != nil {
			return config.Configuration{}, wrong(c, fmt.Errorf("%s: %w", secretsVariable, err))
		}
		s.properties = append(s.properties, secrets...)
	}
	return s.load(c, defaults...)
}

// service is a JobManager or TaskManager.
type service interface {
	Failed() context.Context
	Close() error
}

// run starts a process, and ends it when the command is interrupted or the process cannot go on. The start may add to the record.
func (s *serving) run(c *cobra.Command, role string, start func(cluster.Surroundings, logs.Folder) (service, error)) (err error) {
	folder, err := logFolder()
	if err != nil {
		return err
	}
	s.record.Role, s.record.PID = role, os.Getpid()
	name := processName(role, s.record.Number) + ".log"
	if err := os.MkdirAll(folder.Path, 0o750); err != nil {
		return err
	}
	file, err := folder.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	var to io.Writer = file
	if s.daemon {
		s.record.Log = filepath.Join(folder.Path, name)
	} else { // what the REST API shows is there in either case
		to = io.MultiWriter(c.ErrOrStderr(), file)
		output, err := os.OpenFile(filepath.Join(folder.Path, processName(role, s.record.Number)+".out"), os.O_CREATE|os.O_WRONLY, 0o640)
		if err != nil {
			return err
		}
		output.Close()
	}
	log := slog.New(slog.NewTextHandler(to, nil))
	defer func() {
		if err != nil && s.daemon {
			log.Error("the process ends", "cause", err)
		}
	}()
	p, err := start(cluster.Surroundings{
		Clock: clock.System(), Log: log, Environ: os.Environ(), Logs: &logs.Group{Folder: folder, Process: processName(role, s.record.Number)},
	}, folder)
	if err != nil {
		return err
	}
	if err := s.leaveRecord(); err != nil {
		return errors.Join(err, p.Close())
	}
	log.Info("the process serves", "role", role, "pid", s.record.PID, "rpc", s.record.RPC, "rest", s.record.REST)
	select {
	case <-c.Context().Done():
		log.Info("the process was asked to end")
	case <-p.Failed().Done():
		err = context.Cause(p.Failed())
	}
	return errors.Join(err, p.Close(), s.removeRecord())
}

func (s *serving) leaveRecord() error {
	if !s.daemon {
		return nil
	}
	folder, err := folderOf(pidVariable, "run")
	if err == nil {
		s.record.Started, err = startOf(s.record.PID)
	}
	if err != nil {
		return err
	}
	return s.record.write(folder)
}

func (s *serving) removeRecord() error {
	if !s.daemon {
		return nil
	}
	folder, err := folderOf(pidVariable, "run")
	if err != nil {
		return err
	}
	return s.record.remove(folder)
}

func newJobManager() *cobra.Command {
	s := &serving{}
	c := &cobra.Command{Use: "jobmanager", Short: "Run a JobManager in the foreground", Args: exactly(0, "nothing"), RunE: func(c *cobra.Command, _ []string) error {
		configuration, err := s.configure(c)
		if err != nil {
			return err
		}
		return s.run(c, "jobmanager", func(around cluster.Surroundings, _ logs.Folder) (service, error) {
			j, err := cluster.StartJobManager(configuration, around)
			if err != nil {
				return nil, err
			}
			s.record.RPC, s.record.REST = j.Address(), j.RESTURL()
			s.record.tell(configuration)
			return j, nil
		})
	}}
	s.flags(c)
	return c
}

func newTaskManager() *cobra.Command {
	s := &serving{}
	c := &cobra.Command{Use: "taskmanager", Short: "Run a TaskManager in the foreground", Args: exactly(0, "nothing"), RunE: func(c *cobra.Command, _ []string) error {
		configuration, err := s.configure(c, "taskmanager.numberOfTaskSlots=1")
		if err != nil {
			return err
		}
		return s.run(c, "taskmanager", func(around cluster.Surroundings, folder logs.Folder) (service, error) {
			folder.Megabytes, folder.Backups = outputMegabytes, outputBackups
			outputs := &logs.Outputs{
				Folder: folder, Prefix: processName("taskmanager", s.record.Number) + "-", Most: int64(config.Get(configuration, config.WorkerOutputLimit)),
			}
			return cluster.StartTaskManager(configuration, around, func(spec taskmanager.Spec) (stdout, stderr io.WriteCloser, err error) {
				if stdout, err = outputs.Open(spec.Job.String() + ".out"); err != nil {
					return nil, nil, err
				}
				if stderr, err = outputs.Open(spec.Job.String() + ".log"); err != nil {
					stdout.Close()
					return nil, nil, err
				}
				return stdout, stderr, nil
			})
		})
	}}
	s.flags(c)
	return c
}
