package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// phase is a time in which something was going on beside the neighbour.
type phase struct {
	name       string // "" if nothing was
	begun, end time.Time
}

// isolating is one run.
type isolating struct {
	options
	*cluster
	out       io.Writer
	neighbour string
	phases    []phase
	// failures counts how often evil jobs have failed as they were meant to, by their names.
	failures map[string]int
}

// settle is how long things may calm down before the neighbour is left alone for what is measured, ending how long it may take an evil job to end.
func (o options) settle() time.Duration { return min(o.alone, time.Second) }

const ending = 500 * time.Millisecond

// run returns how often each evil job has failed.
func run(ctx context.Context, o options, chosen []evil, folder string, out io.Writer) (failures map[string]int, err error) {
	c, err := start(ctx, o.weir, folder, 2, "taskmanager.numberOfTaskSlots=2", "taskmanager.memory.process.size=544m")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	i := &isolating{options: o, cluster: c, out: out, failures: map[string]int{}}
	count := i.records(chosen)
	if err := i.startNeighbour(ctx, count); err != nil {
		return nil, err
	}
	for range o.rounds {
		for _, e := range chosen {
			if err := i.alone(ctx); err != nil {
				return nil, err
			}
			if err := i.beside(ctx, e); err != nil {
				return nil, fmt.Errorf("beside %s: %w", e.name, err)
			}
		}
	}
	return i.failures, i.judge(ctx, count)
}

// records is how many records the neighbour needs to outlive all phases, with time for what starts and ends between.
func (i *isolating) records(chosen []evil) int64 {
	turns := time.Duration(i.rounds * len(chosen))
	return int64((turns*(i.phase+i.options.alone+i.settle()+ending) + 2*time.Second).Seconds() * rate)
}

// startNeighbour has the neighbour's subtasks on two TaskManagers: a job fills slots up where others are already, so another one comes before.
func (i *isolating) startNeighbour(ctx context.Context, count int64) error {
	before, err := i.submit(ctx, nil, 1, "--job", "placeholder")
	if err != nil {
		return err
	}
	if err := i.await(ctx, before, (*details).running); err != nil {
		return err
	}
	properties := []string{
		"execution.checkpointing.dir=" + filepath.Join(i.folder, "checkpoints"), "restart-strategy.type=none",
	}
	if i.neighbour, err = i.submit(ctx, properties, 2, "--job", "neighbour", "--records", fmt.Sprint(count), "--output", filepath.Join(i.folder, "output")); err != nil {
		return err
	}
	if err := i.await(ctx, i.neighbour, (*details).running); err != nil {
		return err
	}
	places, err := i.places(ctx, i.neighbour)
	if err != nil {
		return err
	}
	if len(places) != 2 {
		return fmt.Errorf("the neighbour runs on %d TaskManagers, not on 2", len(places))
	}
	return i.cancel(ctx, before)
}

// alone leaves the neighbour alone for a phase.
func (i *isolating) alone(ctx context.Context) error {
	if i.options.alone == 0 {
		return nil
	}
	if err := pause(ctx, i.settle()); err != nil {
		return err
	}
	p := phase{begun: time.Now()}
	err := pause(ctx, i.options.alone)
	p.end = time.Now()
	i.phases = append(i.phases, p)
	return err
}

// beside runs an evil job for a phase.
func (i *isolating) beside(ctx context.Context, e evil) error {
	p := phase{name: e.name, begun: time.Now()}
	defer func() {
		p.end = time.Now()
		i.phases = append(i.phases, p)
	}()
	over, cancel := context.WithTimeout(ctx, i.phase)
	defer cancel()
	if e.planned {
		return i.refused(ctx, over, e)
	}
	properties := append([]string{"restart-strategy.type=fixed-delay", "restart-strategy.fixed-delay.attempts=1000000", "restart-strategy.fixed-delay.delay=200ms"}, e.properties...)
	job, err := i.submit(ctx, properties, 2, "--job", e.name)
	if err != nil {
		return err
	}
	<-over.Done()
	failures, err := i.hurt(ctx, e, job)
	if err != nil {
		return err
	}
	for _, f := range failures {
		if e.reason != "" && strings.Contains(f, e.reason) {
			i.failures[e.name]++
		} else {
			return fmt.Errorf("it fails for another reason than it should: %s", f)
		}
	}
	return i.cancel(ctx, job)
}

// hurt waits until a job has failed, if it should, and returns its failures.
func (i *isolating) hurt(ctx context.Context, e evil, job string) ([]string, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 20*time.Second, errors.New("it never failed"))
	defer cancel()
	for {
		failures, err := i.cluster.failures(ctx, job)
		if err != nil || len(failures) > 0 || e.reason == "" {
			return failures, err
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// refused submits a job that cannot be planned, again and again.
func (i *isolating) refused(ctx, over context.Context, e evil) error {
	for over.Err() == nil {
		_, err := i.submit(ctx, nil, 2, "--job", e.name)
		if err == nil || !strings.Contains(err.Error(), e.reason) {
			return fmt.Errorf("it was not refused as it should: %w", err)
		}
		i.failures[e.name]++
		_ = pause(over, 200*time.Millisecond)
	}
	return ctx.Err()
}

// written is how many bytes are in the logs of workers.
func (i *isolating) written() (bytes int64, err error) {
	err = filepath.WalkDir(filepath.Join(i.folder, "log"), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			bytes += info.Size()
		} else if errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		return err
	})
	return bytes, err
}
