package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/weir-stream/weir/benchmarks/checkpoint/internal/job"
	"github.com/weir-stream/weir/benchmarks/internal/stats"
)

// The aims: for slices always, for the others with the hot keys, for the time with local storage.
const (
	sliceAim  = 1.0 // ms, at p99.9
	timeAim   = 300 // ms
	cpuAim    = 0.3 // seconds a checkpoint
	uploadAim = 2.0 // bytes uploaded per changed byte
)

// steady is what was measured of the checkpoints of one kind of job.
type steady struct {
	Backend, Pattern, Storage string
	Keys                      int64
	IntervalSeconds           float64
	Checkpoints, Failed       int
	Bases                     int
	// Marks and Slices are nanoseconds of CPU time of the task's thread.
	Marks, Slices job.Times
	// Millis is from trigger to completed, MillisP99 and so on among them.
	Millis stats.Summary
	// CPU is processor seconds a checkpoint, beyond those of the job without checkpoints in the same time.
	CPU stats.Summary
	// CPUMean is the mean of it; Without is what the job uses in an interval without them.
	CPUMean, Without float64
	// Upload is bytes uploaded per changed byte, UploadMean over all of them together.
	Upload        stats.Summary
	UploadMean    float64
	UploadedBytes float64
	PeakBytes     int64
}

func measureSteady(o options, r *report) error {
	r.say("CHECKPOINTS of a job with %d keys of 100 bytes, of which one in %d changes in %v; to %s storage", o.keys, share, usual, o.place())
	dir, err := os.MkdirTemp("", "weir-checkpoint-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, backend := range o.allBackends() {
		for _, pattern := range o.allPatterns() {
			for range o.times(1) {
				if err := measureIntervals(o, r, dir, backend, pattern); err != nil {
					return fmt.Errorf("%s, %s: %w", backend, pattern, err)
				}
			}
		}
	}
	return nil
}

// measureIntervals measures at the interval and at five times that.
func measureIntervals(o options, r *report, dir, backend, pattern string) error {
	if err := measureOne(o, r, dir, backend, pattern); err != nil || o.long == 0 {
		return err
	}
	o.checkpoints, o.interval = o.long, 5*o.interval
	return measureOne(o, r, dir, backend, pattern)
}

// measureOne has half of the intervals without checkpoints before those with them, and half after.
func measureOne(o options, r *report, dir, backend, pattern string) error {
	var without []float64
	var with *job.Outcome
	for turn, checkpoints := range []int{(o.checkpoints + 3) / 4, o.checkpoints, (o.checkpoints + 3) / 4} {
		order, err := o.order(dir, backend, pattern)
		if err != nil {
			return err
		}
		order.Checkpoints = checkpoints
		what := "with checkpoints"
		if turn != 1 {
			order.Storage, what = "", "without checkpoints"
		}
		if o.profiles != "" {
			order.Profile = filepath.Join(o.profiles, fmt.Sprintf("%s-%s-%s-%v-%d.pprof", backend, pattern, o.place(), o.interval, turn))
		}
		o.progress("%s, %s keys, every %v: %s", backend, pattern, o.interval, what)
		outcome, err := measureJob(order)
		if err != nil {
			return err
		}
		if turn == 1 {
			with = outcome
		} else {
			without = append(without, outcome.CPU...)
		}
	}
	o.show(r, o.summarize(backend, pattern, with, without))
	return nil
}

func measureJob(o job.Order) (*job.Outcome, error) {
	p, err := start(o)
	if err != nil {
		return nil, err
	}
	e, err := p.await(job.Measured, patience(o))
	if err != nil {
		return nil, err
	}
	p.kill()
	if o.Storage != "" {
		return e.Outcome, cleanUp(o)
	}
	return e.Outcome, os.RemoveAll(o.Scratch)
}

func (o *options) summarize(backend, pattern string, with *job.Outcome, without []float64) *steady {
	s := &steady{
		Backend: backend, Pattern: pattern, Storage: o.place(), Keys: o.keys, IntervalSeconds: o.interval.Seconds(),
		Checkpoints: len(with.Checkpoints), Failed: with.Failed, Marks: with.Marks, Slices: with.Slices, PeakBytes: with.Peak,
		Millis: stats.Summarize(stats.Of(with.Checkpoints, func(c job.Checkpoint) float64 { return c.Millis })),
	}
	s.Without = mean(without)
	var cpu, upload []float64
	var uploaded, changed float64
	for i, c := range with.Checkpoints {
		if c.Base {
			s.Bases++
		}
		cpu = append(cpu, with.CPU[i]-s.Without)
		entries := o.distinct(pattern, c.Records)
		upload = append(upload, float64(c.Bytes)/(entries*job.EntryBytes))
		uploaded, changed = uploaded+float64(c.Bytes), changed+entries*job.EntryBytes
	}
	s.CPU, s.CPUMean = stats.Summarize(cpu), mean(cpu)
	s.Upload, s.UploadMean, s.UploadedBytes = stats.Summarize(upload), uploaded/changed, uploaded/float64(len(cpu))
	return s
}

// distinct is how many keys as many changes have changed: of random ones that is expected.
func (o *options) distinct(pattern string, changes int64) float64 {
	if pattern == "hot" {
		return float64(min(changes, o.keys/share))
	}
	return expectedDistinct(float64(o.keys), float64(changes))
}

func mean(values []float64) (m float64) {
	for _, v := range values {
		m += v / float64(len(values))
	}
	return m
}

func (o *options) show(r *report, s *steady) {
	hot := s.Pattern == "hot"
	aim := func(text string, met, counts bool) string {
		if !counts {
			return ""
		}
		return "  aim " + text + " " + verdict(met)
	}
	micros := func(t job.Times) string {
		return fmt.Sprintf("p50 %.0f  p99.9 %.0f  longest %.0f us of %d", float64(t.P50)/1e3, float64(t.P999)/1e3, float64(t.Max)/1e3, t.Count)
	}
	r.add(s,
		fmt.Sprintf("\n%s, %s keys, every %v: %d checkpoints, %d with everything, %d failed", s.Backend, s.Pattern, time.Duration(s.IntervalSeconds*1e9), s.Checkpoints, s.Bases, s.Failed),
		fmt.Sprintf("  CPU time of slices    %s%s", micros(s.Slices), aim("p99.9 1000 us", float64(s.Slices.P999)/1e6 <= sliceAim, true)),
		fmt.Sprintf("  CPU time of marks     %s", micros(s.Marks)),
		fmt.Sprintf("  trigger to completed  %s ms%s", spread(s.Millis, 0), aim("300 ms", s.Millis.Median <= timeAim, hot && s.Storage == "local")),
		fmt.Sprintf("  CPU a checkpoint      %s s, mean %.2f; the job itself %.2f in that time%s", spread(s.CPU, 2), s.CPUMean, s.Without, aim("0.3 s", s.CPUMean <= cpuAim, hot)),
		fmt.Sprintf("  uploaded per changed  %s, all together %.2f; %.1f MB each%s", spread(s.Upload, 2), s.UploadMean, s.UploadedBytes/1e6, aim("2", s.UploadMean <= uploadAim, hot)),
		fmt.Sprintf("  resident at most      %.0f MB", float64(s.PeakBytes)/1e6),
	)
}

// spread shows a median with the least and the greatest.
func spread(s stats.Summary, digits int) string {
	return fmt.Sprintf("%.*f (%.*f to %.*f)", digits, s.Median, digits, s.Min, digits, s.Max)
}
