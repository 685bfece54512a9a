package main

import (
	"github.com/weir-stream/weir/api/stream"
)

// lookUps is an asynchronous function whose work on each record the vector completes.
type lookUps struct {
	futures map[int64]stream.ResultFuture[row]
	// invoked are the records that the function was called for since the last restore.
	invoked []int64
}

// Invoke implements stream.AsyncFunction.
func (l *lookUps) Invoke(in event, result stream.ResultFuture[row]) error {
	l.futures[in.N] = result
	l.invoked = append(l.invoked, in.N)
	return nil
}

// invokedAgain stands for the order in which unordered records are invoked again, which is that of a hash set in Flink.
const invokedAgain = "invokedAgain"

// asyncCapacity is more than the records of any vector.
const asyncCapacity = 1 << 20

func buildAsync(p *program) {
	p.params.must("onTimeout", "complete with one {n, timeout: true}")
	options := stream.AsyncOptions[event, row]{Capacity: asyncCapacity, Timeout: p.params.millis("timeout")}
	if options.Timeout > 0 {
		options.OnTimeout = func(in event) ([]row, error) { return []row{rowOf(fields{"n": in.N, "timeout": true})}, nil }
	}
	switch mode := p.params.text("mode"); mode {
	case "ordered":
		options.Order = stream.Ordered
	case "unordered":
		options.Order, p.ties.clock = stream.Unordered, true
	default:
		fail("mode %q is not understood", mode)
	}
	calls := &lookUps{futures: map[int64]stream.ResultFuture[row]{}}
	emits(p, stream.AsyncWith(p.input(), func() *lookUps {
		calls.invoked = nil
		return calls
	}, options))
	p.special = func(s step) bool {
		if s.Complete == nil {
			return false
		}
		n := int64(*s.Complete)
		future, ok := calls.futures[n]
		if !ok {
			fail("record %d is complete before it was looked up", n)
		}
		var results []row
		for _, r := range s.Results {
			results = append(results, rowOf(fields{"n": n, "result": r}))
		}
		future.Complete(results...)
		return true
	}
	p.restored = func() []item {
		if len(calls.invoked) == 0 {
			return nil
		}
		return []item{{InvokedAgain: calls.invoked}}
	}
	if options.Order == stream.Unordered {
		p.sets = append(p.sets, invokedAgain)
	}
}
