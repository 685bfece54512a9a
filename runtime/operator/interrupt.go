package operator

import "sync/atomic"

// Interrupt lets an operator give way to what is urgent (a cancellation, the question whether the subtask is alive) in
// the middle of a batch. A task looks at its mailbox between slices of its work, sized by how long its records took so
// far; a function that was fast and suddenly takes 10 ms for each record would keep it from there for as long as a
// whole batch takes. So every loop that calls a user's function for each record looks before each call, which costs an
// atomic load of a counter that hardly anybody writes (0.3 ns):
//
//	urgent := ctx.Urgent()
//	for i, v := range batch.Values {
//		if operator.Waits(urgent) {
//			if err := ctx.GiveWay(); err != nil {
//				return err
//			}
//		}
//		values[i] = function(v)
//	}
//
// Map and Filter, whose whole work may be an addition, look once in Stride records, since even that load keeps the
// compiler from a tight loop.
//
// The other actions of the mailbox (checkpoints, timers, splits) wait for the end of the slice, since they may touch operators.
// The zero Interrupt never interrupts; tests of single operators have it.
type Interrupt struct {
	// Waiting counts the urgent actions that wait.
	Waiting *atomic.Int32
	// Serve runs them, and returns ErrCanceled if the subtask is canceled. The subtask's goroutine calls it.
	Serve func() error
}

// Stride is the number of records between two looks of an operator that looks seldom: a function that takes 10 ms for each
// record then keeps what is urgent waiting for 160 ms.
const Stride = 16

var neverUrgent atomic.Int32

// Urgent is the number of urgent actions that wait, for Waits; it is taken before a loop.
func (c *Context) Urgent() *atomic.Int32 {
	if c.Interrupt.Waiting == nil {
		return &neverUrgent
	}
	return c.Interrupt.Waiting
}

// Waits reports whether there is something to give way to. The compiler makes an instruction of it, also in generic code
// of packages that do not import sync/atomic, where it makes a call of urgent.Load itself.
func Waits(urgent *atomic.Int32) bool { return urgent.Load() != 0 }

// GiveWay does what is urgent. After an error, which is ErrCanceled, the operator returns it at once.
func (c *Context) GiveWay() error {
	if c.Interrupt.Serve == nil {
		return nil
	}
	return c.Interrupt.Serve()
}
