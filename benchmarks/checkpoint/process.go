package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/weir-stream/weir/benchmarks/checkpoint/internal/job"
	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/checkpoint/storage/stores"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/config"
)

// process is a running job.
type process struct {
	command *exec.Cmd
	stderr  bytes.Buffer
	events  chan job.Event
}

func start(o job.Order) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	p := &process{command: exec.Command(self, job.Role, string(encoded)), events: make(chan job.Event, 64)}
	p.command.Stderr = &p.stderr
	p.command.SysProcAttr = dieWithParent()
	stdout, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.events)
		for lines := json.NewDecoder(stdout); ; {
			var e job.Event
			if lines.Decode(&e) != nil {
				return
			}
			p.events <- e
		}
	}()
	return p, nil
}

// await returns the next event of a kind.
func (p *process) await(kind job.Kind, limit time.Duration) (job.Event, error) {
	late := time.After(limit)
	for {
		select {
		case e, ok := <-p.events:
			if !ok {
				err := p.command.Wait()
				return e, fmt.Errorf("the job has ended (%w): %s", err, strings.TrimSpace(p.stderr.String()))
			}
			if e.Kind == kind {
				return e, nil
			}
		case <-late:
			p.kill()
			return job.Event{}, fmt.Errorf("after %v the job is not %s yet: %s", limit, kind, strings.TrimSpace(p.stderr.String()))
		}
	}
}

// kill ends the process by SIGKILL and returns when it is dead.
func (p *process) kill() {
	_ = p.command.Process.Kill()
	for range p.events {
	}
	_ = p.command.Wait()
}

// patience is how long a job may take to bring its keys and take some checkpoints.
func patience(o job.Order) time.Duration {
	return 2*time.Minute + time.Duration(o.Keys)*20*time.Microsecond + 10*time.Duration(o.Checkpoints+5)*o.Interval
}

// storeOf opens a job's folder.
func storeOf(o job.Order) (storage.Store, error) {
	c, _, err := config.Load("", o.Properties)
	if err != nil {
		return nil, err
	}
	return stores.New(c, clock.System()).Open(strings.TrimSuffix(o.Storage, "/") + "/" + o.ID)
}

// cleanUp removes what a job has left.
func cleanUp(o job.Order) error {
	if err := os.RemoveAll(o.Scratch); err != nil {
		return err
	}
	store, err := storeOf(o)
	if err != nil {
		return err
	}
	var names []string
	for object, err := range storage.All(context.Background(), store, "") {
		if err != nil {
			return err
		}
		names = append(names, object.Name)
	}
	return store.Delete(context.Background(), names...)
}
