package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/weir-stream/weir/benchmarks/internal/cable"
	"github.com/weir-stream/weir/benchmarks/internal/fleet"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/client"
)

// bench is a cluster of two TaskManagers of a slot each, on which the job has one subtask of each vertex, so that nothing comes while its worker is gone.
type bench struct {
	fleet  *fleet.Fleet
	rest   *client.Client
	folder string
	// binary is that of the job, and known its name on the cluster.
	binary, known string
	marks         int
}

const (
	taskManagers = 2
	// patience is how long anything may take.
	patience = time.Minute
	// large is how many bytes the binary has that is uploaded.
	large = 50 << 20
)

func newBench(ctx context.Context, o options, folder string) (b *bench, err error) {
	b = &bench{folder: folder}
	if b.binary, err = os.Executable(); err != nil {
		return nil, err
	}
	b.fleet, err = fleet.New(fleet.Options{Weir: o.weir, Folder: filepath.Join(folder, "cluster"), TaskManagers: taskManagers, Direct: true, Properties: []string{
		"taskmanager.numberOfTaskSlots=1", "heartbeat.timeout=" + o.timeout.String(),
	}})
	if err != nil {
		return nil, err
	}
	b.rest = b.fleet.REST()
	for node := range cable.Node(1 + taskManagers) {
		if err := b.fleet.Start(node); err != nil {
			return nil, errors.Join(err, b.close())
		}
	}
	if err := b.ready(ctx); err != nil {
		return nil, errors.Join(err, b.close())
	}
	// What jobs are started from is everywhere when they have run once.
	if b.known, err = b.rest.Upload(ctx, b.binary, "failover.jar"); err != nil {
		return nil, errors.Join(err, b.close())
	}
	for range 2 * taskManagers {
		if _, err := b.submitKnown(ctx); err != nil {
			return nil, errors.Join(err, b.close())
		}
	}
	return b, nil
}

func (b *bench) close() error { b.fleet.Close(); return nil }

// ready waits until all slots are there.
func (b *bench) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return b.fleet.Await(ctx, taskManagers)
}

// run starts the job from a binary that the cluster has, and returns its mark.
func (b *bench) run(ctx context.Context, program string) (job ident.JobID, mark string, err error) {
	b.marks++
	mark = filepath.Join(b.folder, fmt.Sprint("mark-", b.marks))
	job, err = b.rest.Run(ctx, program, client.Run{Arguments: []string{role, "--mark", mark}, Parallelism: 1, Configuration: map[string]string{
		"execution.checkpointing.dir": filepath.Join(b.folder, "checkpoints"), "execution.checkpointing.interval": "500ms",
	}})
	return job, mark, err
}

// seen waits for a mark.
func seen(mark string) error {
	var failed error
	return cmp.Or(await("output", func() bool {
		_, failed = os.Stat(mark)
		return !errors.Is(failed, fs.ErrNotExist)
	}), failed)
}

// await looks every millisecond whether something is so, which is as exact as the figures are.
func await(what string, so func() bool) error {
	ends := time.Now().Add(patience)
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for !so() {
		if now := <-ticker.C; now.After(ends) {
			return fmt.Errorf("%s did not come within %v", what, patience)
		}
	}
	return nil
}

// end cancels a job.
func (b *bench) end(ctx context.Context, job ident.JobID) error {
	if err := b.rest.Cancel(ctx, job); err != nil {
		return err
	}
	_, err := b.rest.Await(ctx, job)
	return err
}

func (b *bench) submitKnown(ctx context.Context) (time.Duration, error) {
	begun := time.Now()
	job, mark, err := b.run(ctx, b.known)
	if err == nil {
		err = seen(mark)
	}
	took := time.Since(begun)
	if err != nil {
		return 0, err
	}
	return took, b.end(ctx, job)
}

func (b *bench) submitLarge(ctx context.Context) (time.Duration, error) {
	file, err := b.pad()
	if err != nil {
		return 0, err
	}
	defer os.Remove(file)
	begun := time.Now()
	program, err := b.rest.Upload(ctx, file, "large.jar")
	if err != nil {
		return 0, err
	}
	job, mark, err := b.run(ctx, program)
	if err == nil {
		err = seen(mark)
	}
	took := time.Since(begun)
	if err != nil {
		return 0, err
	}
	return took, errors.Join(b.end(ctx, job), b.rest.Remove(ctx, program))
}

// pad makes a binary of the job that nobody has, with random bytes behind it.
func (b *bench) pad() (file string, err error) {
	data, err := os.ReadFile(b.binary)
	if err != nil {
		return "", err
	}
	noise := make([]byte, max(large-len(data), 1<<10))
	if _, err := rand.Read(noise); err != nil {
		return "", err
	}
	file = filepath.Join(b.folder, "large")
	return file, os.WriteFile(file, bytes.Join([][]byte{data, noise}, nil), 0o700)
}

// interrupt has the job run until it has completed checkpoints, does harm to the TaskManager that it runs on, and returns how long it took until there
// was output again.
func (b *bench) interrupt(ctx context.Context, harm func(cable.Node) (undo func() error, err error)) (time.Duration, error) {
	job, mark, err := b.run(ctx, b.known)
	if err == nil {
		err = seen(mark)
	}
	if err == nil {
		_, err = b.rest.Checkpoint(ctx, job, false)
	}
	if err != nil {
		return 0, err
	}
	node, err := b.where()
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	undo, err := harm(node)
	if err != nil {
		return 0, err
	}
	if err := os.Remove(mark); err != nil {
		return 0, err
	}
	err = seen(mark)
	took := time.Since(begun)
	if err != nil {
		return 0, err
	}
	return took, errors.Join(undo(), b.end(ctx, job), b.ready(ctx))
}

// where is the TaskManager that has a worker.
func (b *bench) where() (cable.Node, error) {
	for _, node := range b.fleet.TaskManagers() {
		if len(b.fleet.Process(node).Children()) > 0 {
			return node, nil
		}
	}
	return 0, errors.New("no TaskManager has a worker")
}

func (b *bench) killWorker(ctx context.Context) (time.Duration, error) {
	return b.interrupt(ctx, func(node cable.Node) (func() error, error) {
		return func() error { return nil }, kill(b.fleet.Process(node).Children()...)
	})
}

// kill ends processes, and returns when they are gone.
func kill(pids ...int) error {
	fleet.Signal(syscall.SIGKILL, pids...)
	return await("the end of killed processes", func() bool { return !slices.ContainsFunc(pids, fleet.Alive) })
}

func (b *bench) killTaskManager(ctx context.Context) (time.Duration, error) {
	return b.interrupt(ctx, func(node cable.Node) (func() error, error) {
		workers := b.fleet.Process(node).Children()
		b.fleet.Kill(node)
		return func() error { return b.fleet.Start(node) }, kill(workers...)
	})
}

func (b *bench) freeze(ctx context.Context) (time.Duration, error) {
	return b.interrupt(ctx, func(node cable.Node) (func() error, error) {
		pids := append([]int{b.fleet.Process(node).PID()}, b.fleet.Process(node).Children()...)
		fleet.Signal(syscall.SIGSTOP, pids...)
		return func() error { fleet.Signal(syscall.SIGCONT, pids...); return nil }, nil
	})
}
