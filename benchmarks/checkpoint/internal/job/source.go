package job

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connector/splits"
)

// change is a record.
type change struct {
	Key int64
	// Due is when it was to come, in nanoseconds since 1970; 0 while each key comes once.
	Due int64
}

// source is what comes, by the wall clock: what was due while nobody read it is the backlog of whoever goes on.
type source struct{ order Order }

func newSource(o Order) connector.Source[change] { return source{o} }

func (source) Name() string  { return "Changes" }
func (source) Kind() string  { return "changes" }
func (source) Bounded() bool { return false }

func (s source) NewEnumerator(ctx connector.EnumeratorContext) (connector.Enumerator, error) {
	return splits.NewEnumerator(ctx, splits.Plan{
		Fixed: true,
		List: func() ([]connector.Split, error) {
			var all []connector.Split
			for i := range ctx.Parallelism() {
				l := lane{next: int64(i), stride: int64(ctx.Parallelism())}
				all = append(all, connector.Split{ID: fmt.Sprint("lane-", i), State: l.encode()})
			}
			return all, nil
		},
		Weigh: func(connector.Split) (int64, error) { return 1, nil },
	}), nil
}

func (s source) NewReader(ctx connector.ReaderContext) (connector.Reader[change], error) {
	return &reader{order: s.order, ctx: ctx, queue: splits.NewQueue(ctx), scatter: newScatter(s.order.Keys)}, nil
}

// lane is the state of a split: every stride-th record from next on. Record number Keys was due at start.
type lane struct{ next, stride, start int64 }

func (l lane) encode() (to []byte) {
	for _, n := range []int64{l.next, l.stride, l.start} {
		to = binary.BigEndian.AppendUint64(to, uint64(n))
	}
	return to
}

func decodeLane(b []byte) (lane, error) {
	if len(b) != 24 {
		return lane{}, fmt.Errorf("%x is no position of this source", b)
	}
	number := func(i int) int64 { return int64(binary.BigEndian.Uint64(b[8*i:])) }
	return lane{number(0), number(1), number(2)}, nil
}

// tick is how often a reader looks for what is due.
const tick = time.Millisecond

type reader struct {
	order   Order
	ctx     connector.ReaderContext
	queue   splits.Queue
	scatter scatter
	ids     []string
	lanes   []lane
}

func (r *reader) Open() error {
	r.queue.Request()
	return nil
}

func (r *reader) AddSplits(added []connector.Split) error {
	for _, s := range added {
		l, err := decodeLane(s.State)
		if err != nil {
			return err
		}
		r.ids, r.lanes = append(r.ids, s.ID), append(r.lanes, l)
	}
	r.queue.Add(nil)
	return nil
}

func (r *reader) NoMoreSplits() { r.queue.NoMore() }

func (r *reader) Poll(out *connector.Output[change]) (connector.Status, error) {
	if len(r.lanes) == 0 {
		r.queue.Request()
		return connector.Waiting, nil // it may get none, and yet does not end
	}
	now := r.ctx.Clock.Now().UnixNano()
	loading := false
	for i := range r.lanes {
		l := &r.lanes[i]
		out.Split(r.ids[i])
		for l.next < r.order.Keys && out.Room() > 0 {
			out.Emit(change{Key: r.scatter.of(uint64(l.next))})
			l.next += l.stride
		}
		loading = loading || l.next < r.order.Keys
		if l.next >= r.order.Keys && l.start == 0 {
			l.start = now
		}
		for l.next >= r.order.Keys && out.Room() > 0 {
			due := l.start + int64(float64(l.next-r.order.Keys)/r.order.Rate*1e9)
			if due > now {
				break
			}
			out.Emit(change{Key: r.changed(l.next - r.order.Keys), Due: due})
			l.next += l.stride
		}
	}
	if loading || out.Room() == 0 {
		return connector.More, nil
	}
	r.ctx.WakeAt(r.ctx.Clock.Nanos() + int64(tick))
	return connector.Waiting, nil
}

// changed is the key of the i-th change.
func (r *reader) changed(i int64) int64 {
	if r.order.Hot > 0 {
		return r.scatter.of(uint64(i % r.order.Hot))
	}
	at, _ := bits.Mul64(mix(uint64(i)), uint64(r.order.Keys))
	return int64(at)
}

func (r *reader) Snapshot() (left []connector.Split, err error) {
	for i, l := range r.lanes {
		left = append(left, connector.Split{ID: r.ids[i], State: l.encode()})
	}
	return left, nil
}

func (r *reader) Close() error { return nil }

// scatter visits all keys, neighbours far apart.
type scatter struct{ n, stride uint64 }

func newScatter(keys int64) scatter {
	s := scatter{n: uint64(keys)}
	for s.stride = uint64(float64(keys)*0.6180339887) | 1; divisor(s.stride, s.n) != 1; s.stride += 2 {
	}
	return s
}

func (s scatter) of(i uint64) int64 {
	high, low := bits.Mul64(i, s.stride)
	return int64(bits.Rem64(high, low, s.n))
}

func divisor(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
