// Package window has the operator that gathers the records of a keyed stream in windows, for any assigner, trigger and
// evictor. Tumbling and sliding windows with the default trigger that keep one accumulator have a faster one, in package
// sliced.
package window

import (
	"errors"
	"fmt"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/keyed"
	"github.com/weir-stream/weir/runtime/operator/process"
	"github.com/weir-stream/weir/state"
)

// Config is a windowed stream with what is done to each window.
type Config[K comparable, In, Out any] struct {
	keyed.Stream[K, In]
	Assigner operator.WindowAssigner
	// NewTrigger makes the trigger of a subtask; nil stands for the assigner's default.
	NewTrigger func() operator.Trigger
	// Evictor may be nil.
	Evictor operator.Evictor
	// Lateness is how long a window in event time is kept after the watermark has reached its end, in milliseconds.
	Lateness int64
	// Late names the side output of records that come too late; its name is empty if they are dropped.
	Late operator.OutputTag[In]
	// Contents says what a window keeps, and has the function.
	Contents Contents[K, In, Out]
}

// Factory makes the operator. The configuration has passed Describe.
func (c Config[K, In, Out]) Factory() operator.Factory {
	return func(ctx *operator.Context, out operator.Outputs) (operator.Instance, error) {
		o := newWindowing(c, ctx, out)
		return operator.Instance{Operator: o, Inputs: []any{operator.Input[In](o)}}, nil
	}
}

// Trigger makes a trigger.
func (c Config[K, In, Out]) Trigger() operator.Trigger {
	if c.NewTrigger == nil {
		return c.Assigner.NewDefaultTrigger()
	}
	return c.NewTrigger()
}

// Describe returns the states of the operator, or all that is wrong with the configuration.
func (c Config[K, In, Out]) Describe() ([]snapshot.State, error) {
	trigger := c.Trigger()
	if trigger == nil {
		return nil, errors.New("the factory of the trigger returns nil")
	}
	wrong := []error{c.checkAssigner(), c.checkTrigger(trigger), c.checkEvictor(), c.checkLateness()}
	contents := c.Contents.make(c.Evictor)
	states, err := layoutOf(trigger, contents, c.merges())
	wrong = append(wrong, err, process.CheckWindow[K](contents.function()), c.checkMerging(contents, states))
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	keys := state.Keys[K]{Codec: c.Key}
	windowed, err := state.WindowedKeys(keys)
	if err != nil {
		return nil, err
	}
	described := append(keyed.DescribeFields(windowed, states.perWindow()), keyed.DescribeFields(keys, states.perKey())...)
	return append(described, keyed.DescribeTimerService(timersName, windowed)...), nil
}

func (c *Config[K, In, Out]) merges() bool {
	_, merges := c.Assigner.(operator.MergingAssigner)
	return merges
}

func (c *Config[K, In, Out]) checkAssigner() error {
	return named("window assigner", c.Assigner, errors.Join(c.Assigner.Check(), operator.ReadsOnly[In](c.Assigner)))
}

func (c *Config[K, In, Out]) checkTrigger(trigger operator.Trigger) error {
	problem := errors.Join(operator.ReadsOnly[In](trigger), process.CheckTrigger(trigger))
	if checked, ok := trigger.(operator.CheckedTrigger); ok {
		problem = errors.Join(problem, checked.Check())
	}
	if _, can := trigger.(operator.MergingTrigger); !can && c.merges() {
		problem = errors.Join(problem, errors.New("it is used on windows that merge, but has no OnMerge"))
	}
	problem = named("trigger", trigger, problem)
	if wrapping, ok := trigger.(operator.WrappingTrigger); ok {
		for _, inner := range wrapping.Wrapped() {
			problem = errors.Join(problem, c.checkTrigger(inner))
		}
	}
	return problem
}

func (c *Config[K, In, Out]) checkEvictor() error {
	if c.Evictor == nil {
		return nil
	}
	return named("evictor", c.Evictor, errors.Join(c.Evictor.Check(), operator.ReadsOnly[In](c.Evictor)))
}

func (c *Config[K, In, Out]) checkLateness() error {
	if c.Lateness < 0 {
		return fmt.Errorf("an allowed lateness of %d ms: it must not be negative", c.Lateness)
	}
	return nil
}

func (c *Config[K, In, Out]) checkMerging(contents contents[K, In, Out], states layout) error {
	if !c.merges() {
		return nil
	}
	if !contents.canMerge() {
		return errors.New("the windows merge, but the aggregate has no Merge: give it the method Merge(a, b Acc) Acc")
	}
	if len(states.function.perWindow) > 0 {
		return fmt.Errorf("the windows merge, so the function cannot have state per window (%q): keep it per key",
			states.function.perWindow[0].Descriptor.Name)
	}
	return nil
}

func named(role string, what any, problem error) error {
	if problem == nil {
		return nil
	}
	return fmt.Errorf("%s %T: %w", role, what, problem)
}
