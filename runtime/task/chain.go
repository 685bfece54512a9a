package task

import (
	"errors"
	"fmt"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/operator"
)

// chain is the operators of one task, which call each other directly.
type chain struct {
	// links are in the order of the vertex, head first: each comes after those that feed it.
	links []link
	// opened counts, from the tail, those whose Open was called.
	opened int
	source Source
	// sinks are those links that may want no records for a while.
	sinks []throttled
}

// throttled is what the task needs of a sink operator.
type throttled interface{ Ready() (bool, error) }

// ready reports whether every sink of the chain wants records.
func (c *chain) ready() (bool, error) {
	for _, s := range c.sinks {
		if ready, err := s.Ready(); !ready || err != nil {
			return false, err
		}
	}
	return true, nil
}

type link struct {
	operator.Operator
	ctx *operator.Context
	// inputs has an operator.Input[T] for each input.
	inputs []any
}

// buildChain makes the operators from tail to head, since each is given what stands behind it. Writers has the
// operator.Input[T] that leads into each outgoing edge, by the edge's index.
func buildChain(spec *Spec, contexts func(link int, op *graph.ChainedOperator) *operator.Context, writers map[int]any) (chain, error) {
	operators := spec.Vertex.Operators
	c := chain{links: make([]link, len(operators))}
	at := make(map[*graph.ChainedOperator]int, len(operators))
	for i, op := range operators {
		at[op] = i
	}
	for i := len(operators) - 1; i >= 0; i-- {
		op := operators[i]
		out := operator.Outputs{Side: map[string][]any{}}
		for _, next := range op.Chained {
			connect(&out, next.SideOutput, c.links[at[next.To]].inputs[next.Input])
		}
		for _, edge := range op.Edges {
			connect(&out, edge.Stream.SideOutput, writers[edge.Index])
		}
		if !spec.Settings.ObjectReuse {
			out.NewCopy = op.Node.NewCopy
		}
		ctx := contexts(i, op)
		var instance operator.Instance
		err := guarded(ctx, func() (err error) {
			instance, err = op.Node.Factory(ctx, out)
			return err
		})
		if err != nil {
			return chain{}, err
		}
		c.links[i] = link{instance.Operator, ctx, instance.Inputs}
		if s, ok := instance.Operator.(throttled); ok {
			c.sinks = append(c.sinks, s)
		}
	}
	c.source, _ = c.links[0].Operator.(Source)
	return c, nil
}

func connect(out *operator.Outputs, side string, input any) {
	if side == "" {
		out.Main = append(out.Main, input)
		return
	}
	out.Side[side] = append(out.Side[side], input)
}

func (c *chain) open() error {
	for i := len(c.links) - 1; i >= 0; i-- {
		l := &c.links[i]
		c.opened++
		if err := guarded(l.ctx, l.Open); err != nil {
			return err
		}
	}
	return nil
}

func (c *chain) endInput(input int) error {
	head := &c.links[0]
	ender, ok := head.Operator.(operator.InputEnder)
	if !ok {
		return nil
	}
	return guarded(head.ctx, func() error { return ender.EndInput(input) })
}

func (c *chain) finish() error {
	for i := range c.links {
		if err := guarded(c.links[i].ctx, c.links[i].Finish); err != nil {
			return err
		}
	}
	return nil
}

// prepareBarrier has the operators emit what they hold back, head first, so that those behind take it in before they are marked.
func (c *chain) prepareBarrier(id ident.CheckpointID) error {
	for i := range c.links {
		if p, ok := c.links[i].Operator.(operator.BarrierPreparer); ok {
			if err := guarded(c.links[i].ctx, func() error { return p.PrepareBarrier(id) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// mark fixes the state of the operators that have any.
func (c *chain) mark(kind snapshot.MarkKind) ([]OperatorCapture, error) {
	var captures []OperatorCapture
	for i := range c.links {
		l := &c.links[i]
		s, ok := l.Operator.(operator.Stateful)
		if !ok {
			continue
		}
		err := guarded(l.ctx, func() error {
			capture, err := s.Mark(kind)
			if capture != nil {
				captures = append(captures, OperatorCapture{l.ctx.ID, capture})
			}
			return err
		})
		if err != nil {
			for _, taken := range captures {
				taken.Capture.Drop()
			}
			return nil, err
		}
	}
	return captures, nil
}

func (c *chain) checkpointComplete(id ident.CheckpointID) error {
	return c.tellListeners(
		func(l operator.CheckpointListener) error { return l.CheckpointComplete(id) },
		func(function any) error { return operator.NotifyComplete(function, id) })
}

func (c *chain) checkpointAborted(id ident.CheckpointID) error {
	return c.tellListeners(
		func(l operator.CheckpointListener) error { return l.CheckpointAborted(id) },
		func(function any) error { return operator.NotifyAborted(function, id) })
}

// tellListeners tells the operators that want to know, and the users' functions.
func (c *chain) tellListeners(tell func(operator.CheckpointListener) error, tellFunction func(any) error) error {
	for i := range c.links {
		if err := guarded(c.links[i].ctx, func() error {
			if caller, ok := c.links[i].Operator.(operator.FunctionCaller); ok {
				if err := tellFunction(caller.UserFunction()); err != nil {
					return err
				}
			}
			if l, ok := c.links[i].Operator.(operator.CheckpointListener); ok {
				return tell(l)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// drainer is an operator that has something to flush before its job is stopped: a sink.
type drainer interface{ Drain() error }

func (c *chain) drain() error {
	for i := range c.links {
		if d, ok := c.links[i].Operator.(drainer); ok {
			if err := guarded(c.links[i].ctx, d.Drain); err != nil {
				return err
			}
		}
	}
	return nil
}

// close closes what was opened, head first, and returns the errors together: one that fails keeps no other from closing.
func (c *chain) close() error {
	var all []error
	for i := len(c.links) - c.opened; i < len(c.links); i++ {
		l := &c.links[i]
		all = append(all, guarded(l.ctx, l.Close))
	}
	c.opened = 0
	return errors.Join(all...)
}

// guarded calls user code and places its errors and panics at the operator.
func guarded(ctx *operator.Context, call func() error) (err error) {
	defer ctx.Guard(&err)
	return call()
}

// input returns the head's input of that index.
func (c *chain) input(index int) (any, error) {
	if inputs := c.links[0].inputs; index < len(inputs) {
		return inputs[index], nil
	}
	return nil, fmt.Errorf("operator %s has no input %d", c.links[0].ctx.Name, index)
}
