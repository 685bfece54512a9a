package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/weir-stream/weir/benchmarks/checkpoint/internal/job"
	"github.com/weir-stream/weir/benchmarks/internal/stats"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/storage"
)

// backlogRate is that of the source that a restored job has to catch up with, records a second.
const backlogRate = 50_000

// revival is one job that was killed and went on, in seconds since the kill.
type revival struct {
	// Process is until its process had started the job, Restoring until the first subtask read its state, Output until the first record,
	// Caught until the backlog was gone.
	Process, Restoring, Output, Caught float64
	// Download is how long the files of the checkpoint take to be copied here, without a job.
	Download float64 `json:",omitempty"`
}

// revived is what was measured of several.
type revived struct {
	Part, Backend, Storage             string
	Keys                               int64
	From, To                           int
	Process, Restoring, Output, Caught stats.Summary
	Download                           stats.Summary
	AimSeconds                         float64
	Met                                bool
}

func measureRestore(o options, r *report) error {
	r.say("RESTORE of a job with %d keys of 100 bytes, killed by SIGKILL between two checkpoints and started again; a source of %d records a second goes on", o.keys, backlogRate)
	r.say("meanwhile. Seconds since the kill: median of %d (least to greatest). Storage: %s", o.times(5), o.place())
	return measureRevivals(o, r, "restore", o.parallelism, o.parallelism)
}

func measureRescale(o options, r *report) error {
	r.say("RESCALE of a job with %d keys of 100 bytes: killed, and started again with another parallelism. Seconds since the kill: median of %d", o.keys, o.times(5))
	r.say("(least to greatest). Storage: %s", o.place())
	for _, p := range [][2]int{{1, 2}, {2, 1}} {
		if err := measureRevivals(o, r, "rescale", p[0], p[1]); err != nil {
			return err
		}
	}
	return nil
}

func measureRevivals(o options, r *report, part string, from, to int) error {
	dir, err := os.MkdirTemp("", "weir-checkpoint-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, backend := range o.allBackends() {
		var all []revival
		order, err := o.order(dir, backend, "uniform")
		if err != nil {
			return err
		}
		order.Rate, order.Parallelism = backlogRate, from
		if o.profiles != "" {
			order.Profile = filepath.Join(o.profiles, fmt.Sprintf("%s-%s-%s-%d-%d.pprof", part, backend, o.place(), from, to))
		}
		o.progress("%s: the keys come", backend)
		p, err := start(order)
		if err != nil {
			return err
		}
		if _, err := p.await(job.Ready, patience(order)); err != nil {
			return err
		}
		for len(all) < o.times(5) {
			o.progress("%s, %d to %d subtasks: %d of %d", backend, from, to, len(all)+1, o.times(5))
			one, next, err := revive(order, p, to, o.remote())
			if err != nil {
				return err
			}
			o.progress("first output after %.2f s, backlog gone after %.2f s", one.Output, one.Caught)
			all = append(all, one)
			if p = next; from != to && len(all) < o.times(5) { // back to where it is measured from
				if _, p, err = revive(order, p, from, false); err != nil {
					return err
				}
			}
		}
		p.kill()
		if err := cleanUp(order); err != nil {
			return err
		}
		o.showRevived(r, part, backend, from, to, all)
	}
	return nil
}

// revive kills a job and starts it again with a parallelism. It returns the new process when that has caught up and taken a checkpoint.
func revive(o job.Order, p *process, parallelism int, download bool) (one revival, next *process, err error) {
	time.Sleep(o.Interval * 4 / 10) // so much of an interval is to be done again in each run
	killed := time.Now()
	p.kill()
	old := o.Scratch + "-old" // to remove it takes long, and is nothing that a job would wait for
	if err := os.Rename(o.Scratch, old); err != nil {
		return one, nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(old)) }()
	if err := os.MkdirAll(o.Scratch, 0o700); err != nil {
		return one, nil, err
	}
	if download {
		if one.Download, err = bareDownload(o); err != nil {
			return one, nil, err
		}
		killed = time.Now() // what it took is not the job's
	}
	o.Resumed, o.Parallelism = true, parallelism
	if next, err = start(o); err != nil {
		return one, nil, err
	}
	for _, stage := range []struct {
		kind job.Kind
		at   *float64
	}{{job.Started, &one.Process}, {job.Restoring, &one.Restoring}, {job.First, &one.Output}, {job.Caught, &one.Caught}} {
		e, err := next.await(stage.kind, 3*time.Minute)
		if err != nil {
			return one, nil, err
		}
		*stage.at = float64(e.At-killed.UnixNano()) / 1e9
	}
	_, err = next.await(job.Ready, time.Minute+20*o.Interval)
	return one, next, err
}

// bareDownload copies the files of the newest checkpoint to this machine, 16 at a time, and returns the seconds that it took.
func bareDownload(o job.Order) (float64, error) {
	store, err := storeOf(o)
	if err != nil {
		return 0, err
	}
	ctx := context.Background()
	metadata, _, err := job.Newest(ctx, store)
	if err != nil {
		return 0, err
	}
	var files []*snapshot.FileRef
	metadata.EachFile(func(f *snapshot.FileRef) {
		if f.GetName() != "" {
			files = append(files, f)
		}
	})
	began := time.Now()
	failed := make(chan error, len(files))
	var all sync.WaitGroup
	slots := make(chan struct{}, 16)
	for i, f := range files {
		all.Add(1)
		go func() {
			defer all.Done()
			slots <- struct{}{}
			defer func() { <-slots }()
			failed <- downloadOne(ctx, store, f, filepath.Join(o.Scratch, fmt.Sprint("bare-", i)))
		}()
	}
	all.Wait()
	seconds := time.Since(began).Seconds()
	for range files {
		if err := <-failed; err != nil {
			return 0, err
		}
	}
	return seconds, nil
}

func downloadOne(ctx context.Context, store storage.Store, f *snapshot.FileRef, path string) error {
	from, err := store.Open(ctx, f.Name)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.Create(path)
	if err != nil {
		return err
	}
	defer os.Remove(path)
	stream := from.Stream(int64(f.Offset), int64(f.Length))
	defer stream.Close()
	if _, err := io.Copy(to, stream); err != nil {
		return err
	}
	return to.Close()
}

func (o *options) showRevived(r *report, part, backend string, from, to int, all []revival) {
	s := &revived{
		Part: part, Backend: backend, Storage: o.place(), Keys: o.keys, From: from, To: to,
		Process: of(all, func(v revival) float64 { return v.Process }), Restoring: of(all, func(v revival) float64 { return v.Restoring }),
		Output: of(all, func(v revival) float64 { return v.Output }), Caught: of(all, func(v revival) float64 { return v.Caught }),
	}
	figure, text := s.Caught, ""
	switch {
	case part == "rescale" && backend == "pebble":
		figure, s.AimSeconds = s.Output, 0.5
	case part == "rescale":
	case o.remote():
		s.Download = of(all, func(v revival) float64 { return v.Download })
		s.AimSeconds = 1.5 * s.Download.Median
		text = fmt.Sprintf("; bare download %s", spread(s.Download, 2))
	case backend == "pebble":
		s.AimSeconds = 1
	default:
		s.AimSeconds = 1 + 0.25e-6*float64(o.keys)
	}
	line := fmt.Sprintf("  %-8s %d to %d subtasks: first output %s, backlog gone %s (process up %.2f, reads state %.2f)%s",
		backend, from, to, spread(s.Output, 2), spread(s.Caught, 2), s.Process.Median, s.Restoring.Median, text)
	if s.AimSeconds > 0 {
		s.Met = figure.Median <= s.AimSeconds
		line += fmt.Sprintf("; aim %.2f %s", s.AimSeconds, verdict(s.Met))
	}
	r.add(s, line)
}

func of(all []revival, pick func(revival) float64) stats.Summary {
	return stats.Summarize(stats.Of(all, pick))
}

// expectedDistinct is how many of n keys as many random draws are expected to have hit.
func expectedDistinct(n, draws float64) float64 {
	return -n * math.Expm1(draws*math.Log1p(-1/n))
}
