package observe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/weir-stream/weir/runtime/clock"
)

// Profiler takes profiles, one at a time, and keeps the latest. Its methods may be called from any goroutine.
//
//	idle --Start--> taking one --it is there, Close--> idle
type Profiler struct {
	clock  clock.Clock
	take   func(ctx context.Context, mode string, length time.Duration) ([]byte, error)
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	going  sync.WaitGroup

	mu sync.Mutex // guards the following
	// taken are the latest first; only the first of them can be under way.
	taken  []*taken
	busy   bool
	closed bool
}

// NewProfiler returns a profiler. take takes a profile; it returns what there is when its context ends.
func NewProfiler(c clock.Clock, take func(ctx context.Context, mode string, length time.Duration) ([]byte, error)) *Profiler {
	p := &Profiler{clock: c, take: take}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// Profile is one that was taken or is being taken. Finished is zero until then.
type Profile struct {
	Mode, File          string
	Triggered, Finished time.Time
	Length              time.Duration
	Failure             string
}

type taken struct {
	Profile
	content []byte
}

// mostProfiles is how many are kept, as in Flink (rest.profiling.history-size).
const mostProfiles = 10

// The errors of Start that are the caller's.
var (
	ErrBusy   = errors.New("a profile is being taken; only one can be at a time")
	ErrClosed = errors.New("the process is ending")
)

// Start begins a profile.
func (p *Profiler) Start(mode string, length time.Duration) (Profile, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return Profile{}, ErrClosed
	case p.busy:
		return Profile{}, ErrBusy
	}
	now := p.clock.Now()
	one := &taken{Profile: Profile{Mode: mode, Triggered: now, Length: length, File: fmt.Sprintf("%s_%s.pprof", mode, now.UTC().Format("20060102_150405.000"))}}
	p.busy = true
	p.going.Go(func() { p.finish(one) })
	p.taken = append([]*taken{one}, p.taken...)
	p.taken = p.taken[:min(len(p.taken), mostProfiles)]
	return one.Profile, nil
}

func (p *Profiler) finish(one *taken) {
	content, err := p.take(p.ctx, one.Mode, one.Length)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy = false
	one.Finished, one.content = p.clock.Now(), content
	if err != nil {
		one.Failure = err.Error()
	}
}

// List returns what was taken, the latest first.
func (p *Profiler) List() []Profile {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := []Profile{}
	for _, t := range p.taken {
		all = append(all, t.Profile)
	}
	return all
}

// Content is that of a profile that has finished.
func (p *Profiler) Content(file string) ([]byte, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.taken, func(t *taken) bool { return t.File == file && !t.Finished.IsZero() && t.Failure == "" })
	if i < 0 {
		return nil, false
	}
	return p.taken[i].content, true
}

// Close ends the profile that is being taken, and waits for that.
func (p *Profiler) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	p.going.Wait()
}
