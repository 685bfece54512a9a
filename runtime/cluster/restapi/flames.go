package restapi

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/observe"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// FlameOptions say how stacks are sampled for flame graphs.
type FlameOptions struct {
	Enabled bool
	// Refresh is how old samples may be.
	Refresh time.Duration
	Samples int
	Pause   time.Duration
	Depth   int
}

// flames keeps the samples of vertices that somebody has looked at:
//
//	unknown --asked for--> being sampled --> known --older than Refresh, asked for--> being sampled, and the old ones are shown
//
// Its methods may be called from any goroutine.
type flames struct {
	options FlameOptions
	clock   clock.Clock
	sample  func(ctx context.Context, job ident.JobID, vertex ident.VertexID, number int) (*message.StackSamples, error)
	ctx     context.Context // ends with close
	cancel  context.CancelFunc
	going   sync.WaitGroup

	mu    sync.Mutex
	known map[flameKey]*sampled
}

type flameKey struct {
	job    ident.JobID
	vertex ident.VertexID
}

type sampled struct {
	busy    bool
	at      time.Time
	samples *message.StackSamples
}

// mostSampled is how many vertices samples are kept of.
const mostSampled = 100

func newFlames(o FlameOptions, c clock.Clock, sample func(context.Context, ident.JobID, ident.VertexID, int) (*message.StackSamples, error)) *flames {
	f := &flames{options: o, clock: c, sample: sample, known: map[flameKey]*sampled{}}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	return f
}

// of returns the latest samples, nil while there are none, and begins to sample anew if it is time.
func (f *flames) of(key flameKey) (*message.StackSamples, time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.known[key]
	if s == nil {
		f.makeRoom()
		s = &sampled{}
		f.known[key] = s
	}
	if !s.busy && f.ctx.Err() == nil && (s.at.IsZero() || f.clock.Since(s.at) >= f.options.Refresh) {
		s.busy = true
		f.going.Go(func() { f.take(key, s) })
	}
	return s.samples, s.at
}

// makeRoom needs the lock.
func (f *flames) makeRoom() {
	for key, s := range f.known {
		if len(f.known) < mostSampled {
			return
		}
		if !s.busy {
			delete(f.known, key)
		}
	}
}

func (f *flames) take(key flameKey, s *sampled) {
	var samples *message.StackSamples
	var err error
	for _, number := range f.numbers(s) {
		if samples, err = f.sample(f.ctx, key.job, key.vertex, number); err != nil {
			break
		}
		f.mu.Lock()
		s.samples, s.at = samples, f.clock.Now()
		f.mu.Unlock()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s.busy = false
}

// quick is how many samples are taken first, so that whoever asks for the first time soon sees something.
const quick = 10

// numbers are how many samples are taken at a time.
func (f *flames) numbers(s *sampled) []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s.samples == nil && f.options.Samples > quick {
		return []int{quick, f.options.Samples}
	}
	return []int{f.options.Samples}
}

func (f *flames) close() {
	f.cancel()
	f.going.Wait()
}

// FlameGraph shows what the subtasks of a vertex do, by stacks that were sampled when somebody asked for the last time.
func (c *Cluster) FlameGraph(ctx context.Context, id ident.JobID, vertex ident.VertexID, subtask int, kind string) (*view.FlameGraph, error) {
	s, err := c.summary(ctx, id)
	if err != nil {
		return nil, err
	}
	switch {
	case !c.options.Flames.Enabled:
		return &view.FlameGraph{Disabled: true}, nil
	case s.GetState().Ended():
		return nil, nil
	}
	samples, at := c.flames.of(flameKey{id, vertex})
	if samples == nil {
		return &view.FlameGraph{Waiting: true}, nil
	}
	return &view.FlameGraph{End: at, Root: flameOf(samples, subtask, kind)}, nil
}

// Kinds of flame graphs, by Flink's names.
const (
	onProcessor  = "ON_CPU"
	offProcessor = "OFF_CPU"
)

// flameOf makes a tree of stacks: those of one subtask, or of all (-1), which ran, which waited, or both.
func flameOf(samples *message.StackSamples, subtask int, kind string) *view.Frame {
	root := &view.Frame{Name: "root"}
	for _, s := range samples.GetSamples() {
		if subtask >= 0 && int(s.GetSubtask()) != subtask || s.GetWaiting() && strings.EqualFold(kind, onProcessor) || !s.GetWaiting() && strings.EqualFold(kind, offProcessor) {
			continue
		}
		at := root
		at.Samples += s.GetCount()
		for _, f := range s.GetFrames() {
			if int(f) >= len(samples.GetFunctions()) {
				break
			}
			at = below(at, samples.GetFunctions()[f])
			at.Samples += s.GetCount()
		}
	}
	return root
}

func below(f *view.Frame, name string) *view.Frame {
	i := slices.IndexFunc(f.Children, func(child *view.Frame) bool { return child.Name == name })
	if i < 0 {
		i = len(f.Children)
		f.Children = append(f.Children, &view.Frame{Name: name})
	}
	return f.Children[i]
}

// sample has all TaskManagers look at the stacks of a vertex's subtasks.
func (c *Cluster) sample(ctx context.Context, job ident.JobID, vertex ident.VertexID, number int) (*message.StackSamples, error) {
	resources, err := c.resources(ctx)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var going sync.WaitGroup
	merged := &message.StackSamples{}
	o := c.options.Flames
	for _, e := range resources.GetExecutors() {
		if !slices.ContainsFunc(e.GetJobs(), func(id []byte) bool { return idOf(id) == job }) {
			continue
		}
		going.Go(func() {
			// One that is frozen is not waited for.
			ctx, cancel := context.WithTimeout(ctx, 2*time.Duration(number)*o.Pause+c.options.MetricsTimeout)
			defer cancel()
			part, err := c.at(e).Stacks(ctx, job, vertex, number, o.Pause, o.Depth)
			if err != nil {
				c.options.Log.Warn("a TaskManager does not show what its tasks do", "taskmanager", e.GetId(), "cause", err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			observe.MergeStacks(merged, part)
		})
	}
	going.Wait()
	return merged, ctx.Err()
}
