package main

import (
	"fmt"
	"strings"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/streamtest"
)

// variant is one way to run a vector: the same outputs are expected of all.
type variant struct {
	backend string
	// plain turns slicing and pre-aggregation off.
	plain bool
	// used is what the runtime made of it.
	used used
}

func (v *variant) String() string {
	if v.plain {
		return v.backend + ", without slicing and pre-aggregation"
	}
	return v.backend
}

// replay runs a vector and returns nil if all came out that should.
func (v *vector) replay(how *variant) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case failure:
			err = r
		default:
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	var t subject
	defer t.cleanUp()
	p := v.build(&t, how)
	h := streamtest.New(&t, p.env, streamtest.StateBackend(how.backend), streamtest.DueTimersWait(), streamtest.BareInputs())
	r := replayer{program: p, harness: h, idle: map[*streamtest.Feed[event]]bool{}}
	for i, s := range v.Steps {
		at := fmt.Sprintf("step %d %s", i, s.text)
		t.at = at
		p.tied = p.firesTies(s)
		extra := r.do(s)
		if difference := p.compare(r.take(extra), v.Outputs[i]); difference != "" {
			return fmt.Errorf("%s\n%s", at, difference)
		}
	}
	return nil
}

// build makes the program.
func (v *vector) build(t streamtest.T, how *variant) *program {
	p := &program{variant: how, params: v.Operator.fresh()}
	kind := p.params.text("kind")
	build := builders[kind]
	if build == nil {
		fail("operator kind %q is not understood", kind)
	}
	p.env = streamtest.NewEnvironment(t, p.properties()...)
	build(p)
	if unread := p.params.unread(); len(unread) > 0 {
		fail("parameters of the operator that are not understood: %s", strings.Join(unread, ", "))
	}
	how.used = usedBy(p.env)
	return p
}

// usedBy looks for what windows became in a program.
func usedBy(env *stream.Environment) (u used) {
	for _, name := range streamtest.Operators(env) {
		u.sliced = u.sliced || strings.Contains(name, "sliced")
		u.preAggregated = u.preAggregated || strings.Contains(name, "pre-aggregat")
	}
	return u
}

// properties are those of the job's configuration that a vector sets.
func (p *program) properties() []string {
	var all []string
	if p.params.has("interval") {
		all = append(all, fmt.Sprintf("pipeline.auto-watermark-interval=%dms", p.params.number("interval")))
	}
	return all
}

// replayer does the steps of a vector with its program.
type replayer struct {
	*program
	harness *streamtest.Harness
	// n counts the elements.
	n int64
	// idle are the inputs that are.
	idle map[*streamtest.Feed[event]]bool
}

// wake has the watermark of a step pass where all inputs are idle. In Flink's harness and here, the operator then does not say that
// it is active again before its watermark, which nobody would heed behind several subtasks.
func (r *replayer) wake(s step) {
	if r.parallelism < 2 || len(r.idle) < len(r.inputs) {
		return
	}
	for _, in := range r.to(s) {
		in.Active()
		delete(r.idle, in)
	}
	r.main()
}

// do does one step and returns what is to be told besides the outputs.
func (r *replayer) do(s step) []item {
	if r.special != nil && r.special(s) {
		r.harness.Run()
		return nil
	}
	switch {
	case s.Element != nil:
		r.element(s)
	case s.Watermark != nil:
		r.wake(s)
		for _, in := range r.to(s) {
			in.Watermark(*s.Watermark)
		}
	case s.Status == "idle":
		for _, in := range r.to(s) {
			in.Idle()
			r.idle[in] = true
		}
	case s.Status == "active":
		for _, in := range r.to(s) {
			in.Active()
			delete(r.idle, in)
		}
	case s.ProcessingTime != nil:
		r.harness.SetProcessingTime(*s.ProcessingTime)
	case s.SnapshotRestore:
		r.parallelism = max(s.Parallelism, 1)
		clear(r.idle)
		r.harness.Restore(r.harness.Snapshot(), streamtest.Parallelism(r.parallelism))
		if r.restored != nil {
			return r.restored()
		}
	case s.EndOfInput:
		r.wake(s)
		r.harness.EndInput()
	default:
		fail("the step is not understood")
	}
	return nil
}

func (r *replayer) element(s step) {
	e := event{Key: s.Element.Key, Cmd: s.Element.Cmd, Value: s.Element.Value, N: r.n}
	r.n++
	in := r.inputs[max(s.Input, 1)-1]
	if s.Element.TS == nil {
		in.Send(e)
		return
	}
	in.SendAt(e, *s.Element.TS)
}

// to are the inputs that a step is about: one or both, or a channel of the only one.
func (r *replayer) to(s step) []*streamtest.Feed[event] {
	switch {
	case s.Channel != nil:
		return []*streamtest.Feed[event]{r.inputs[0].Channel(*s.Channel)}
	case s.Input > 0:
		return r.inputs[s.Input-1 : s.Input]
	}
	return r.inputs
}

// take is what has come out because of a step, side outputs last.
func (r *replayer) take(extra []item) []item {
	items := append(extra, r.main()...)
	for _, side := range r.sides {
		items = append(items, side()...)
	}
	return items
}

// subject stands for the test that a harness belongs to.
type subject struct {
	at       string
	cleanups []func()
}

// Helper implements streamtest.T.
func (*subject) Helper() {}

// Cleanup implements streamtest.T.
func (t *subject) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }

// Fatalf implements streamtest.T.
func (t *subject) Fatalf(format string, arguments ...any) {
	message := fmt.Sprintf(format, arguments...)
	if t.at != "" {
		message = t.at + ": " + message
	}
	panic(failure{message})
}

func (t *subject) cleanUp() {
	for i := len(t.cleanups) - 1; i >= 0; i-- {
		t.cleanups[i]()
	}
}
