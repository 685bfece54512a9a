package exchange

import (
	"fmt"
	"log/slog"
	"math"
	"math/rand"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/network/transport"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/metrics"
)

// link is two processes as far as a transport can tell.
type link struct {
	nodes   [2]*transport.Transport
	members [2]*transport.Member
}

func newLink(t testing.TB, compression transport.Compression) *link {
	t.Helper()
	l, job, c := &link{}, ident.NewID(), clock.System()
	for i := range l.nodes {
		var err error
		l.nodes[i], err = transport.Listen(transport.Config{
			Cluster: "test", Listen: "127.0.0.1:0", Clock: c, Log: slog.New(slog.DiscardHandler), Compression: compression,
			Metrics: metrics.NewRegistry(c, func(string) {}).Root(metrics.LevelTaskManager),
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(l.nodes[i].Close)
		if l.members[i], err = l.nodes[i].Join(job); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// ends makes both ends of a channel from one process to the other one.
func ends[T any](t testing.TB, l *link, n, from, credits int, r Remote[T]) (sending, receiving *Channel[T]) {
	t.Helper()
	if r.Codec == nil {
		r.Codec = mustCodec[T](t)
	}
	a, b, key := l.members[from], l.members[1-from], transport.ChannelKey{Edge: int32(n)}
	s, err := a.Send(b.Location(), key, func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	to, err := b.Receive(a.Location(), key, credits)
	if err != nil {
		t.Fatal(err)
	}
	return NewSendingChannel(s, r), NewReceivingChannel(to, r)
}

func mustCodec[T any](t testing.TB) codec.Codec[T] {
	t.Helper()
	c, err := codec.For[T]()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// await waits until a condition holds that other goroutines bring about.
func await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	timer := time.NewTimer(20 * time.Second)
	defer timer.Stop()
	for tries := 0; !holds(); tries++ {
		if tries < 10 {
			runtime.Gosched()
			continue
		}
		select {
		case <-timer.C:
			t.Fatalf("it did not come to %s", what)
		case <-time.After(10 * time.Microsecond):
		}
	}
}

// gathered is what a consumer of any type has seen.
type gathered[T any] struct {
	values []T
	times  []int64
	hashes []uint64
	// events are those that came, with the number of records before each.
	events []element.Mark
}

func (g *gathered[T]) Process(b *element.Batch[T]) error {
	for i := range b.Values {
		g.values = append(g.values, b.Values[i])
		g.times = append(g.times, b.TimestampAt(i))
	}
	g.hashes = append(g.hashes, b.Hashes...)
	return nil
}

// take consumes what is in front of a reader and reports whether there was anything.
func (g *gathered[T]) take(r *Reader[T], limit int) (bool, error) {
	switch r.Front() {
	case Records:
		_, _, err := r.Deliver(limit)
		return true, err
	case Event:
		event, _ := r.TakeEvent()
		g.events = append(g.events, element.Mark{At: len(g.values), Event: event})
		return true, nil
	}
	return false, nil
}

type row struct {
	ID    int64
	Name  string
	Tags  []string
	Data  []byte
	Score float64
}

func randomRow(random *rand.Rand) row {
	r := row{ID: random.Int63(), Score: random.Float64(), Name: strings.Repeat("n", random.Intn(40))}
	for range random.Intn(3) {
		r.Tags = append(r.Tags, fmt.Sprint("tag", random.Intn(100)))
	}
	switch random.Intn(200) {
	case 0:
		r.Data = make([]byte, 20_000+random.Intn(150_000)) // about a frame, and more
	case 1, 2, 3:
		r.Data = make([]byte, random.Intn(9000))
	default:
		r.Data = make([]byte, random.Intn(30))
	}
	random.Read(r.Data)
	return r
}

// TestRandomGraphsOverConnections runs several edges between two processes in both directions, with producers and consumers that do something at
// random moments, and compares what came with what was sent: each record once, in its order, with time and hash, and each event in its place.
func TestRandomGraphsOverConnections(t *testing.T) {
	for _, compression := range []transport.Compression{transport.NoCompression, transport.S2, transport.Zstd} {
		t.Run(compression.String(), func(t *testing.T) {
			l := newLink(t, compression)
			for seed := range int64(4) {
				t.Run(fmt.Sprint(seed), func(t *testing.T) {
					channels := 2 + int(seed)%5
					done := make(chan string, channels)
					for n := range channels {
						random := rand.New(rand.NewSource(seed*100 + int64(n)))
						sending, receiving := ends[row](t, l, int(seed)*100+n, n%2, 1+random.Intn(5), Remote[row]{Edge: "a -> b"})
						want := make(chan *gathered[row], 1)
						go func() { want <- produceRows(random.Int63(), sending) }()
						go func() { done <- consumeRows(rand.New(rand.NewSource(seed)), receiving, want) }()
					}
					for range channels {
						select {
						case problem := <-done:
							if problem != "" {
								t.Error(problem)
							}
						case <-time.After(20 * time.Second):
							t.Fatal("a channel stands still")
						}
					}
				})
			}
		})
	}
}

// produceRows drives a writer as a task would, and returns what it wrote.
func produceRows(seed int64, channel *Channel[row]) *gathered[row] {
	random := rand.New(rand.NewSource(seed))
	sent := &gathered[row]{}
	w := NewWriter([]*Channel[row]{channel}, Forward[row]{}, Limits{MinRecords: 1 + random.Intn(200), MaxRecords: 1000, Bytes: 1 << 20, Credits: 2})
	woken := make(chan struct{}, 1)
	w.AttachProducer(func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	})
	wait := func() error {
		for !w.Drain() {
			w.FlushIdle()
			if !w.Drain() {
				<-woken
			}
		}
		return nil
	}
	w.OnOverflow(wait)
	event := func(e element.Event) {
		sent.events = append(sent.events, element.Mark{At: len(sent.values), Event: e})
		w.Broadcast(e)
	}
	for range 60 {
		switch random.Intn(6) {
		case 0:
			event(element.Event{Kind: element.Watermark, Time: random.Int63()})
		case 1:
			event(element.Event{Kind: element.CheckpointBarrier, Barrier: &element.Barrier{
				Checkpoint: ident.CheckpointID(random.Int63()), ExactlyOnce: true, Stop: random.Intn(2) == 0, Folder: strings.Repeat("f", random.Intn(100)), Millis: -3,
			}})
			event(element.Event{Kind: element.LatencyMarker, Time: -random.Int63(), Origin: &element.Origin{
				Source: ident.OperatorID{1, byte(random.Intn(256))}, Subtask: ident.SubtaskIndex(random.Int31()),
			}})
		case 2:
			w.FlushIdle()
		case 3:
			for range random.Intn(600) {
				event(element.Event{Kind: element.Watermark, Time: int64(len(sent.events))})
			}
		default:
			b := &element.Batch[row]{}
			span := int64(1) << random.Intn(50)
			timed, hashed := random.Intn(3) > 0, len(sent.hashes) == len(sent.values) && seed%2 == 0
			for range random.Intn(700) {
				at := element.NoTimestamp
				if timed && random.Intn(100) > 0 {
					at = random.Int63n(span)
				}
				b.Append(randomRow(random), at)
				if hashed {
					b.Hashes = append(b.Hashes, random.Uint64())
				}
			}
			_ = sent.Process(b)
			_ = w.Process(b)
			for w.Blocked() && random.Intn(3) > 0 {
				_ = wait()
			}
		}
	}
	event(element.Event{Kind: element.EndOfInput})
	for w.Blocked() {
		_ = wait()
	}
	channel.sending.to.Close(true)
	return sent
}

func consumeRows(random *rand.Rand, channel *Channel[row], sent chan *gathered[row]) string {
	got := &gathered[row]{}
	r := NewReader(channel, got)
	come := make(chan struct{}, 100_000)
	r.Attach(func() { come <- struct{}{} })
	for n := len(got.events); n == 0 || got.events[n-1].Event.Kind != element.EndOfInput; n = len(got.events) {
		taken, err := got.take(r, 1+random.Intn(300))
		if err != nil {
			return err.Error()
		}
		if !taken {
			<-come
		}
		if random.Intn(20) == 0 {
			runtime.Gosched()
		}
	}
	want := <-sent
	switch {
	case len(got.values) != len(want.values):
		return fmt.Sprintf("%d records came, %d were sent", len(got.values), len(want.values))
	case !reflect.DeepEqual(got.values, want.values):
		return "records have changed"
	case !reflect.DeepEqual(got.times, want.times):
		return "event times have changed"
	case !reflect.DeepEqual(got.hashes, want.hashes):
		return fmt.Sprintf("%d hashes came, %d were sent", len(got.hashes), len(want.hashes))
	case !reflect.DeepEqual(got.events, want.events):
		return fmt.Sprintf("events have changed: %d came, %d were sent", len(got.events), len(want.events))
	}
	return ""
}

// TestRecordsKeepTheirOwnMemory keeps what was decoded while the channel goes on.
func TestRecordsKeepTheirOwnMemory(t *testing.T) {
	l := newLink(t, transport.NoCompression)
	sending, receiving := ends[row](t, l, 1, 0, 2, Remote[row]{})
	w := NewWriter([]*Channel[row]{sending}, Forward[row]{}, Limits{MinRecords: 1, MaxRecords: 1, Bytes: 1, Credits: 2})
	got := &gathered[row]{}
	r := NewReader(receiving, got)
	random := rand.New(rand.NewSource(4))
	var want []row
	for range 100 {
		b := &element.Batch[row]{Values: []row{randomRow(random)}}
		want = append(want, b.Values...)
		_ = w.Process(b)
		await(t, "a record", func() bool { w.Drain(); taken, _ := got.take(r, 10); return taken })
	}
	if !reflect.DeepEqual(got.values, want) {
		t.Error("records that were kept have changed")
	}
}

func TestARecordThatIsTooLargeIsNamed(t *testing.T) {
	l := newLink(t, transport.NoCompression)
	sending, receiving := ends[[]byte](t, l, 1, 0, 2, Remote[[]byte]{Edge: "images -> resize", MaxRecord: 100_000})
	w := NewWriter([]*Channel[[]byte]{sending}, Forward[[]byte]{}, Limits{MinRecords: 1, MaxRecords: 1, Bytes: 1, Credits: 2})
	await(t, "an open channel", sending.sending.to.Ready)
	_ = w.Process(&element.Batch[[]byte]{Values: [][]byte{make([]byte, 99_000)}})
	got := &gathered[[]byte]{}
	r := NewReader(receiving, got)
	await(t, "the record", func() bool { _, _ = got.take(r, 1); return len(got.values) == 1 && len(got.values[0]) == 99_000 })
	await(t, "credit", sending.sending.to.Ready)
	defer func() {
		if text := fmt.Sprint(recover()); !strings.Contains(text, "images -> resize") || !strings.Contains(text, "100000 are the most") {
			t.Errorf("panicked with %q", text)
		}
	}()
	_ = w.Process(&element.Batch[[]byte]{Values: [][]byte{make([]byte, 100_001)}})
}

// TestABarrierPassesWithoutCredit fills a channel, then sends a barrier: it is at the consumer before that takes anything.
func TestABarrierPassesWithoutCredit(t *testing.T) {
	l := newLink(t, transport.NoCompression)
	sending, receiving := ends[int64](t, l, 1, 0, 1, Remote[int64]{})
	w := NewWriter([]*Channel[int64]{sending}, Forward[int64]{}, Limits{MinRecords: 1, MaxRecords: 1, Bytes: 1, Credits: 1})
	await(t, "an open channel", sending.sending.to.Ready)
	_ = w.Process(batchOf(7))
	w.Broadcast(element.Event{Kind: element.CheckpointBarrier, Barrier: &element.Barrier{Checkpoint: 3}})
	if w.Blocked() {
		t.Error("a barrier waits for credit")
	}
	await(t, "both", func() bool { return receiving.queued() == 2 })
	_ = w.Process(batchOf(8))
	w.Broadcast(element.Event{Kind: element.CheckpointBarrier, Barrier: &element.Barrier{Checkpoint: 4}})
	if !w.Blocked() {
		t.Error("a record without credit is not held back")
	}
	got := &gathered[int64]{}
	r := NewReader(receiving, got)
	await(t, "all", func() bool { w.Drain(); _, _ = got.take(r, 1); return len(got.events) == 2 })
	if !reflect.DeepEqual(got.values, []int64{7, 8}) || got.events[0].At != 1 || got.events[1].At != 2 {
		t.Errorf("got %v and %v", got.values, got.events)
	}
}

// TestARestWaitsForTheConsumer is Nagle's rule over a connection: a batch that was begun leaves when all before it was taken.
func TestARestWaitsForTheConsumer(t *testing.T) {
	l := newLink(t, transport.NoCompression)
	sending, receiving := ends[int64](t, l, 1, 0, 4, Remote[int64]{})
	w := NewWriter([]*Channel[int64]{sending}, Forward[int64]{}, Limits{MinRecords: 100, MaxRecords: 100, Bytes: 1, Credits: 4})
	woken := make(chan struct{}, 100)
	w.AttachProducer(func() { woken <- struct{}{} })
	await(t, "an open channel", sending.sending.to.Ready)
	_ = w.Process(sequence(0, 3))
	w.FlushIdle() // nothing is on its way: it leaves
	await(t, "a frame", func() bool { return receiving.queued() == 1 })
	_ = w.Process(sequence(3, 5))
	w.FlushIdle()
	got := &gathered[int64]{}
	r := NewReader(receiving, got)
	if w.InFlight() != 1 {
		t.Errorf("%d frames in flight", w.InFlight())
	}
	_, _ = got.take(r, math.MaxInt)
	select {
	case <-woken:
	case <-time.After(20 * time.Second):
		t.Fatal("the consumer's progress has not woken the producer")
	}
	w.FlushIdle()
	await(t, "the rest", func() bool { _, _ = got.take(r, math.MaxInt); return len(got.values) == 5 })
}

func TestTheErrorOfAConnectionComesBehindTheRecords(t *testing.T) {
	l := newLink(t, transport.NoCompression)
	sending, receiving := ends[int64](t, l, 1, 0, 4, Remote[int64]{})
	w := NewWriter([]*Channel[int64]{sending}, Forward[int64]{}, Limits{MinRecords: 1, MaxRecords: 1, Bytes: 1, Credits: 4})
	await(t, "an open channel", sending.sending.to.Ready)
	_ = w.Process(sequence(0, 3))
	await(t, "frames", func() bool { return receiving.queued() == 3 })
	l.nodes[0].Close()
	got := &gathered[int64]{}
	r := NewReader(receiving, got)
	var err error
	await(t, "an error", func() bool { _, err = got.take(r, 1); return err != nil })
	if len(got.values) != 3 || !strings.Contains(err.Error(), "is broken") {
		t.Errorf("%d records, then %v", len(got.values), err)
	}
}

type fixed struct{ Key, Value int64 }

// TestNothingIsAllocatedPerRecord sends and takes batches of a fixed-size type with times and hashes, and of strings.
func TestNothingIsAllocatedPerRecord(t *testing.T) {
	l := newLink(t, transport.NoCompression)
	t.Run("fixed", func(t *testing.T) {
		values := make([]fixed, 700)
		if n := allocations(t, l, 1, values); n > 1 {
			t.Errorf("%v allocations for 700 records", n)
		}
	})
	t.Run("strings", func(t *testing.T) {
		values := make([]string, 700)
		for i := range values {
			values[i] = fmt.Sprint("value ", i)
		}
		if n := allocations(t, l, 2, values); n > 4 {
			t.Errorf("%v allocations for 700 strings", n)
		}
	})
}

func allocations[T any](t *testing.T, l *link, edge int, values []T) float64 {
	sending, receiving := ends[T](t, l, edge, 0, 4, Remote[T]{})
	w := NewWriter([]*Channel[T]{sending}, Forward[T]{}, Limits{MinRecords: len(values), MaxRecords: len(values), Bytes: 1, Credits: 4})
	b := &element.Batch[T]{}
	for i, v := range values {
		b.Append(v, int64(i%100))
		b.Hashes = append(b.Hashes, uint64(i))
	}
	counter := &counting[T]{}
	r := NewReader(receiving, counter)
	come := make(chan struct{}, 1)
	wake := func() {
		select {
		case come <- struct{}{}:
		default:
		}
	}
	w.AttachProducer(wake)
	r.Attach(wake)
	await(t, "an open channel", sending.sending.to.Ready)
	return testing.AllocsPerRun(200, func() {
		before := counter.records
		_ = w.Process(b)
		for counter.records < before+len(values) {
			w.Drain()
			w.FlushIdle()
			if r.Front() == Records {
				_, _, _ = r.Deliver(math.MaxInt)
			} else {
				<-come
			}
		}
	})
}

type counting[T any] struct{ records int }

func (c *counting[T]) Process(b *element.Batch[T]) error {
	c.records += len(b.Values)
	return nil
}

// FuzzPayload decodes whatever comes; what decodes has parts of equal length.
func FuzzPayload(f *testing.F) {
	events := appendEvent(nil, 1, element.Event{Kind: element.CheckpointBarrier, Barrier: &element.Barrier{Checkpoint: 9, Folder: "x"}})
	good := make([]byte, payloadHeader)
	payload{flags: flagHashes, times: times2, events: 1, records: 2, bytes: 16}.put(good)
	good = append(good, make([]byte, 16)...)
	good = appendTimes(good, times2, -5, []int64{-5, 100})
	good = append(appendHashes(good, []uint64{1, 2}), events...)
	f.Add(good, false)
	f.Add([]byte{flagPiece, 1, 2, 3}, false)
	only := make([]byte, payloadHeader)
	payload{events: 2}.put(only)
	only = appendEvent(appendEvent(only, 0, element.Event{Kind: element.Watermark, Time: -1}), 0, element.Event{Kind: element.EndOfInput})
	f.Add(only, true)
	f.Add(appendEvent(slices.Clone(only), 0, element.Event{Kind: element.LatencyMarker, Time: 5, Origin: &element.Origin{Subtask: 3}}), true)
	marker := make([]byte, payloadHeader)
	payload{events: 1}.put(marker)
	f.Add(appendEvent(marker, 0, element.Event{Kind: element.LatencyMarker, Time: 5, Origin: &element.Origin{Subtask: 3}}), true)
	f.Fuzz(func(t *testing.T, src []byte, event bool) {
		r := &receiving[int64]{remote: Remote[int64]{Codec: mustCodec[int64](t), MaxRecord: 1 << 16}, event: event}
		s := new(slot[int64])
		whole, err := r.decode(src, s)
		if err != nil {
			return
		}
		if !whole {
			if whole, err = r.decode(good, s); whole && err == nil {
				t.Error("two records continue a piece of one")
			}
			return
		}
		if len(s.batch.Values) == 0 && len(s.marks) == 0 {
			t.Error("an empty frame was taken")
		}
		if n := len(s.batch.Timestamps); n != 0 && n != s.batch.Len() {
			t.Errorf("%d times for %d records", n, s.batch.Len())
		}
		if n := len(s.batch.Hashes); n != 0 && n != s.batch.Len() {
			t.Errorf("%d hashes for %d records", n, s.batch.Len())
		}
		for i, m := range s.marks {
			if (m.Event.Kind == element.LatencyMarker) != (m.Event.Origin != nil) {
				t.Errorf("a %s event of %v", m.Event.Kind, m.Event.Origin)
			}
			if m.At < 0 || m.At > s.batch.Len() || i > 0 && m.At < s.marks[i-1].At {
				t.Errorf("event %d stands at %d of %d", i, m.At, s.batch.Len())
			}
		}
	})
}
