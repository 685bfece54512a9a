package window

import "github.com/weir-stream/weir/runtime/operator"

// calls shares the one call of the clock that an operator has between its timers and the removal of expired state.
type calls struct {
	ctx *operator.Context
	// timer and cleaning are when either wants to be called.
	timer, cleaning int64
}

func newCalls(ctx *operator.Context) *calls {
	return &calls{ctx: ctx, timer: operator.NoCall, cleaning: operator.NoCall}
}

// forTimers is the operator's context for those who ask for the calls of timers.
func (c *calls) forTimers() *operator.Context {
	ctx := *c.ctx
	ctx.CallAt = func(at int64) {
		c.timer = at
		c.ctx.CallAt(min(c.timer, c.cleaning))
	}
	return &ctx
}

// come says that the call has come: none is pending now.
func (c *calls) come() { c.timer, c.cleaning = operator.NoCall, operator.NoCall }

// clean takes note of when expired state is to be removed next.
func (c *calls) clean(next int64) {
	if next != c.cleaning {
		c.cleaning = next
		c.ctx.CallAt(min(c.timer, c.cleaning))
	}
}
