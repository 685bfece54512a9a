package exchange

import (
	"errors"
	"fmt"
	"math"
	"math/rand"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/state/keygroup"
)

// received is what a lane's consumer has seen: records and events in their order.
type received struct {
	value     int64
	timestamp int64
	hash      uint64
	event     *element.Event
}

type recorder struct{ all []received }

func (r *recorder) Process(batch *element.Batch[int64]) error {
	for i, v := range batch.Values {
		got := received{value: v, timestamp: batch.TimestampAt(i)}
		if len(batch.Hashes) > 0 {
			got.hash = batch.Hashes[i]
		}
		r.all = append(r.all, got)
	}
	return nil
}

// bench is a writer with a consumer on each of its channels.
type bench struct {
	channels []*Channel[int64]
	writer   *Writer[int64]
	readers  []*Reader[int64]
	got      []*recorder
}

func newBench(channels, credits, capacity int, p Partitioner[int64]) *bench {
	b := &bench{}
	for range channels {
		c, r := NewChannel[int64](credits), &recorder{}
		b.channels, b.got = append(b.channels, c), append(b.got, r)
		b.readers = append(b.readers, NewReader(c, r))
	}
	b.writer = NewWriter(b.channels, p, Limits{MinRecords: capacity, MaxRecords: capacity, Bytes: 1, Credits: credits})
	return b
}

// consume takes one thing from a channel and reports whether there was any.
func (b *bench) consume(lane, limit int) bool {
	switch r := b.readers[lane]; r.Front() {
	case Records:
		if _, _, err := r.Deliver(limit); err != nil {
			panic(err)
		}
	case Event:
		event, _ := r.TakeEvent()
		b.got[lane].all = append(b.got[lane].all, received{event: &event})
	default:
		return false
	}
	return true
}

func (b *bench) drainAll() {
	for moved := true; moved; {
		b.writer.Drain()
		moved = false
		for lane := range b.readers {
			for b.consume(lane, math.MaxInt) {
				moved = true
			}
		}
	}
}

func batchOf(values ...int64) *element.Batch[int64] { return &element.Batch[int64]{Values: values} }

func sequence(from, to int64) *element.Batch[int64] {
	b := &element.Batch[int64]{}
	for v := from; v < to; v++ {
		b.Append(v, element.NoTimestamp)
	}
	return b
}

func mustRouter(t testing.TB, channels int) *keygroup.Router {
	router, err := keygroup.NewRouter(128, channels)
	if err != nil {
		t.Fatal(err)
	}
	return router
}

func mustKey[K comparable](t testing.TB) codec.Key[K] {
	key, err := codec.ForKey[K]()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func identity(v int64) int64 { return v }

// TestRandomSchedules holds writers of every partitioner against what they were given, whatever producer and consumers do
// in between: each record arrives once (or everywhere), with its timestamp, in order on its channel, and no event has
// moved past a record.
func TestRandomSchedules(t *testing.T) {
	partitioners := map[string]func(channels int) Partitioner[int64]{
		"forward":   func(int) Partitioner[int64] { return Forward[int64]{} },
		"broadcast": func(int) Partitioner[int64] { return &Broadcast[int64]{} },
		"copies":    func(int) Partitioner[int64] { return &Broadcast[int64]{Copy: identity} },
		"rebalance": func(n int) Partitioner[int64] { return &Rebalance[int64]{Next: n + 1} },
		"shuffle":   func(int) Partitioner[int64] { return &Shuffle[int64]{Seed: 7} },
		"hash": func(n int) Partitioner[int64] {
			return &Hash[int64, int64]{Selector: identity, Key: mustKey[int64](t), Router: mustRouter(t, n)}
		},
		"custom": func(int) Partitioner[int64] {
			return &Custom[int64, int64]{Selector: identity, Choose: func(key int64, n int) int { return int(key) % n }}
		},
	}
	for name, partitioner := range partitioners {
		t.Run(name, func(t *testing.T) {
			for seed := range int64(300) {
				random := rand.New(rand.NewSource(seed))
				channels := 1 + random.Intn(4)
				if name == "forward" {
					channels = 1
				}
				b := newBench(channels, 1+random.Intn(3), 1+random.Intn(6), partitioner(channels))
				sent, events := schedule(b, random)
				if err := check(b, sent, events, strings.HasPrefix(name, "broadcast") || name == "copies"); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				if name == "hash" {
					checkHashes(t, b)
				}
			}
		})
	}
}

// schedule lets producer and consumers take random turns and ends the input. It returns the timestamps of the records
// 0, 1, 2... and for each event how many records came before it.
func schedule(b *bench, random *rand.Rand) (timestamps []int64, events []int) {
	for range 60 {
		b.writer.Stamp(int64(len(timestamps)))
		switch random.Intn(8) {
		case 0, 1:
			batch := &element.Batch[int64]{}
			timed := random.Intn(2) == 0
			for range random.Intn(15) {
				at := element.NoTimestamp
				if timed && random.Intn(4) > 0 {
					at = random.Int63n(1000)
				}
				batch.Append(int64(len(timestamps)), at)
				timestamps = append(timestamps, at)
			}
			_ = b.writer.Process(batch)
		case 2:
			kinds := []element.Kind{element.Watermark, element.Idle, element.CheckpointBarrier}
			b.writer.Broadcast(element.Event{Kind: kinds[random.Intn(3)], Time: int64(len(events))})
			events = append(events, len(timestamps))
		case 3:
			b.writer.FlushIdle()
		case 4:
			b.writer.FlushOld(int64(random.Intn(len(timestamps) + 1)))
		case 5:
			b.writer.Drain()
		default:
			b.consume(random.Intn(len(b.readers)), 1+random.Intn(4))
		}
	}
	b.writer.Broadcast(element.Event{Kind: element.EndOfInput, Time: int64(len(events))})
	events = append(events, len(timestamps))
	b.drainAll()
	return timestamps, events
}

func check(b *bench, timestamps []int64, events []int, everywhere bool) error {
	arrivals := make([]int, len(timestamps))
	for lane, got := range b.got {
		last, event := int64(-1), 0
		for _, r := range got.all {
			if r.event != nil {
				if r.event.Time != int64(event) {
					return fmt.Errorf("channel %d: event %d where %d belongs", lane, r.event.Time, event)
				}
				event++
				continue
			}
			switch {
			case r.value <= last:
				return fmt.Errorf("channel %d: record %d behind %d", lane, r.value, last)
			case event < len(events) && int(r.value) >= events[event]:
				return fmt.Errorf("channel %d: record %d before event %d", lane, r.value, event)
			case event > 0 && int(r.value) < events[event-1]:
				return fmt.Errorf("channel %d: record %d behind event %d", lane, r.value, event-1)
			case r.timestamp != timestamps[r.value]:
				return fmt.Errorf("channel %d: record %d has timestamp %d, want %d", lane, r.value, r.timestamp, timestamps[r.value])
			}
			last = r.value
			arrivals[r.value]++
		}
		if event != len(events) {
			return fmt.Errorf("channel %d: %d of %d events", lane, event, len(events))
		}
	}
	want := 1
	if everywhere {
		want = len(b.got)
	}
	for v, n := range arrivals {
		if n != want {
			return fmt.Errorf("record %d arrived %d times, want %d", v, n, want)
		}
	}
	if b.writer.InFlight() != 0 || b.writer.Blocked() {
		return fmt.Errorf("%d batches in flight after all was consumed", b.writer.InFlight())
	}
	return nil
}

func checkHashes(t *testing.T, b *bench) {
	key, router := mustKey[int64](t), mustRouter(t, len(b.got))
	for lane, got := range b.got {
		for _, r := range got.all {
			if r.event != nil {
				continue
			}
			var want [1]uint64
			key.Hash([]int64{r.value}, want[:])
			if r.hash != want[0] || router.Channel(r.hash) != lane {
				t.Fatalf("record %d came over channel %d with hash %x; want channel %d, hash %x", r.value, lane, r.hash, router.Channel(want[0]), want[0])
			}
		}
	}
}

func TestCreditsBoundWhatIsInFlight(t *testing.T) {
	b := newBench(1, 3, 4, Forward[int64]{})
	if err := b.writer.Process(sequence(0, 42)); err != nil {
		t.Fatal(err)
	}
	if queued := b.readers[0].Queued(); queued != 3 || !b.writer.Blocked() || b.writer.InFlight() != 10 {
		t.Fatalf("%d batches queued, blocked %v, %d in flight; want 3, true, 10", queued, b.writer.Blocked(), b.writer.InFlight())
	}
	// 42 records of 8 bytes: two are in the batch that is being filled.
	if got, want := b.writer.Fill(), (Fill{Batches: 10, Room: 3, Bytes: 40 * 8, RoomBytes: 3 * 4 * 8}); got != want {
		t.Errorf("the channel is filled with %+v, want %+v", got, want)
	}
	if got, want := b.readers[0].Fill(), (Fill{Batches: 3, Room: 3, Bytes: 12 * 8}); got != want {
		t.Errorf("the consumer finds %+v, want %+v", got, want)
	}
	wakes := 0
	b.writer.AttachProducer(func() { wakes++ })
	if b.writer.Drain() {
		t.Error("Drain found room in a full channel")
	}
	for _, step := range []struct{ records, queued int }{{3, 3}, {1, 2}} {
		if n, _, _ := b.readers[0].Deliver(step.records); n != step.records {
			t.Fatalf("delivered %d records, want %d", n, step.records)
		}
		if queued := b.readers[0].Queued(); queued != step.queued {
			t.Errorf("%d batches queued after %d records, want %d: the credit of a batch comes back with its last record", queued, step.records, step.queued)
		}
	}
	if wakes != 1 {
		t.Errorf("%d wakes when the first credit came back, want 1", wakes)
	}
	b.writer.Drain()
	if queued := b.readers[0].Queued(); queued != 3 {
		t.Errorf("%d batches queued after a credit came back, want 3", queued)
	}
}

func TestEventsNeedNoCredit(t *testing.T) {
	b := newBench(1, 1, 2, Forward[int64]{})
	_ = b.writer.Process(sequence(0, 3))
	for range 10 {
		b.writer.Broadcast(element.Event{Kind: element.CheckpointBarrier})
	}
	b.drainAll()
	got := b.got[0].all
	if len(got) != 13 || got[2].value != 2 || got[3].event == nil {
		t.Errorf("received %+v; want three records, then ten barriers", got)
	}
}

// TestHalfFullBatchWaitsForTheConsumer is Nagle's algorithm, and that no record is forgotten by it.
func TestHalfFullBatchWaitsForTheConsumer(t *testing.T) {
	b := newBench(1, 4, 8, Forward[int64]{})
	wakes := 0
	b.writer.AttachProducer(func() { wakes++ })
	_ = b.writer.Process(batchOf(1))
	b.writer.FlushIdle()
	if queued := b.readers[0].Queued(); queued != 1 {
		t.Fatalf("%d batches queued; an idle consumer gets what there is", queued)
	}
	_ = b.writer.Process(batchOf(2))
	b.writer.FlushIdle()
	_ = b.writer.Process(batchOf(3))
	b.writer.FlushIdle()
	if queued := b.readers[0].Queued(); queued != 1 || wakes != 0 {
		t.Fatalf("%d batches queued, %d wakes; a batch is not sent before the last one was taken", queued, wakes)
	}
	b.consume(0, 8)
	if wakes != 1 {
		t.Fatalf("%d wakes; the producer waits for the consumer to move on", wakes)
	}
	b.writer.FlushIdle()
	b.consume(0, 8)
	if got := len(b.got[0].all); got != 3 || wakes != 1 {
		t.Errorf("%d records received, %d wakes; want 3 and no second wake, since nothing is held back", got, wakes)
	}
}

// TestDrainKeepsAskingForWhatFills is the case of a batch that began while others waited for credit: when these have
// gone, the consumer's progress must still wake the producer.
func TestDrainKeepsAskingForWhatFills(t *testing.T) {
	b := newBench(1, 1, 2, Forward[int64]{})
	wakes := 0
	b.writer.AttachProducer(func() { wakes++ })
	_ = b.writer.Process(sequence(0, 5)) // one batch in the channel, one without credit, half of one that fills
	b.writer.FlushIdle()
	b.consume(0, 2)
	if wakes != 1 || !b.writer.Drain() {
		t.Fatalf("%d wakes, blocked %v; want 1, false", wakes, b.writer.Blocked())
	}
	b.consume(0, 2)
	if wakes != 2 {
		t.Fatal("the producer was not told that it can publish the batch that it began")
	}
	b.writer.FlushIdle()
	b.consume(0, 2)
	if got := len(b.got[0].all); got != 5 {
		t.Errorf("%d records received, want 5", got)
	}
}

func TestFlushOld(t *testing.T) {
	b := newBench(2, 4, 8, &Custom[int64, int64]{Selector: identity, Choose: func(v int64, n int) int { return int(v) % n }})
	b.writer.Stamp(10)
	_ = b.writer.Process(batchOf(0))
	b.writer.Stamp(20)
	_ = b.writer.Process(batchOf(1, 2))
	b.writer.FlushOld(20)
	if b.readers[0].Queued() != 1 || b.readers[1].Queued() != 0 {
		t.Errorf("%d and %d batches queued; want that of channel 0 only, which began at 10", b.readers[0].Queued(), b.readers[1].Queued())
	}
	b.writer.FlushOld(21)
	if b.readers[1].Queued() != 1 {
		t.Error("the batch that began at 20 has not been flushed")
	}
}

func TestRebalanceIsEvenAtAnyTime(t *testing.T) {
	random := rand.New(rand.NewSource(3))
	for channels := 1; channels <= 7; channels++ {
		b := newBench(channels, 1000, 1, &Rebalance[int64]{Next: channels * 3})
		for range 200 {
			_ = b.writer.Process(sequence(0, int64(random.Intn(20))))
			least, most := math.MaxInt, 0
			for _, r := range b.readers {
				least, most = min(least, r.Queued()), max(most, r.Queued())
			}
			if most-least > 1 {
				t.Fatalf("%d channels: between %d and %d records", channels, least, most)
			}
		}
	}
}

func TestRebalanceOfDifferentProducersBeginsAtDifferentChannels(t *testing.T) {
	for producer := range 3 {
		b := newBench(3, 4, 1, &Rebalance[int64]{Next: producer})
		_ = b.writer.Process(batchOf(1))
		if b.readers[producer].Queued() != 1 {
			t.Errorf("producer %d began elsewhere", producer)
		}
	}
}

func TestShuffleIsUniformAndRepeatable(t *testing.T) {
	const n, channels = 30_000, 3
	deal := func(batch int64) [channels]int {
		b := newBench(channels, n, 1, &Shuffle[int64]{Seed: 12345})
		for from := int64(0); from < n; from += batch {
			_ = b.writer.Process(sequence(from, from+batch))
		}
		var counts [channels]int
		for i, r := range b.readers {
			counts[i] = r.Queued()
		}
		return counts
	}
	ones, hundreds := deal(1), deal(100)
	if ones != hundreds {
		t.Errorf("the sequence depends on the batches: %v, %v", ones, hundreds)
	}
	for _, count := range ones {
		if math.Abs(float64(count)-n/channels) > 5*math.Sqrt(n/channels) {
			t.Errorf("channels got %v of %d records", ones, n)
		}
	}
}

func TestBroadcastCopiesForAllButTheFirst(t *testing.T) {
	channels := []*Channel[*int]{NewChannel[*int](2), NewChannel[*int](2)}
	p := &Broadcast[*int]{Copy: func(v *int) *int { c := *v; return &c }}
	w := NewWriter(channels, p, Limits{MinRecords: 4, MaxRecords: 4, Credits: 2})
	value := 5
	_ = w.Process(&element.Batch[*int]{Values: []*int{&value}, Timestamps: []int64{9}})
	first, second := w.lanes[0].filling.batch, w.lanes[1].filling.batch
	if first.Values[0] != &value || second.Values[0] == &value || *second.Values[0] != 5 || second.Timestamps[0] != 9 {
		t.Errorf("first %v, second %v", first, second)
	}
}

func TestBadKeysAndChannelsAreRefused(t *testing.T) {
	nan := &Hash[float64, int64]{
		Selector: func(v int64) float64 { return math.Log(float64(v)) }, Key: mustKey[float64](t),
		Router: mustRouter(t, 2), Operator: "logs -> count",
	}
	err := newBench(2, 1, 1, nan).writer.Process(batchOf(1, -1))
	if err == nil || !strings.Contains(err.Error(), "logs -> count") || !strings.Contains(err.Error(), "NaN") {
		t.Errorf("NaN as a key: %v", err)
	}
	for _, channel := range []int{-1, 2} {
		custom := &Custom[int64, int64]{Selector: identity, Choose: func(int64, int) int { return channel }, Operator: "a -> b"}
		err := newBench(2, 1, 1, custom).writer.Process(batchOf(1))
		if err == nil || !strings.Contains(err.Error(), "a -> b") || !strings.Contains(err.Error(), fmt.Sprint(channel)) {
			t.Errorf("channel %d of 2: %v", channel, err)
		}
	}
}

var errSelector = errors.New("no such field")

func panickingSelector(int64) int64 { panic(errSelector) }

func TestPanicOfAnEdgesFunctionNamesTheEdge(t *testing.T) {
	for name, p := range map[string]Partitioner[int64]{
		"key selector": &Hash[int64, int64]{Selector: panickingSelector, Key: mustKey[int64](t), Router: mustRouter(t, 1), Operator: "map -> sum"},
		"partitioner":  &Custom[int64, int64]{Selector: panickingSelector, Operator: "map -> sum"},
	} {
		func() {
			defer func() {
				err, _ := recover().(error)
				if !errors.Is(err, errSelector) || !strings.Contains(err.Error(), name+" of map -> sum") {
					t.Errorf("panic %v; want one that names the %s of the edge", err, name)
				}
				if !strings.Contains(string(debug.Stack()), "panickingSelector") {
					t.Errorf("the stack of the %s's panic has lost where it began", name)
				}
			}()
			_ = newBench(1, 1, 1, p).writer.Process(batchOf(1))
		}()
	}
}

func TestOverflowHookIsCalledOnceTheReserveIsFull(t *testing.T) {
	b := newBench(1, 1, 1, Forward[int64]{})
	calls, stop := 0, errors.New("canceled")
	b.writer.OnOverflow(func() error { calls++; return stop })
	if err := b.writer.Process(sequence(0, maxPending)); err != nil || calls != 0 {
		t.Fatalf("%v, %d calls with %d batches waiting", err, calls, b.writer.pending)
	}
	if err := b.writer.Process(sequence(0, 10)); err != stop || calls != 1 {
		t.Errorf("%v, %d calls with %d batches waiting; want the hook's error", err, calls, b.writer.pending)
	}
}

func TestAConsumerThatComesLateIsToldOfAll(t *testing.T) {
	b := newBench(1, 4, 1, Forward[int64]{})
	_ = b.writer.Process(sequence(0, 3))
	told := 0
	b.readers[0].Attach(func() { told++ })
	_ = b.writer.Process(batchOf(3))
	if told != 4 {
		t.Errorf("told of %d batches, want 4", told)
	}
}

func TestCapacity(t *testing.T) {
	limits := Limits{MinRecords: 32, MaxRecords: 1024, Bytes: 256 << 10, Credits: 4}
	for _, c := range []struct{ channels, bytes, want int }{{1, 16, 1024}, {8, 24, 341}, {100, 16, 40}, {1000, 16, 32}, {1, 1 << 20, 32}} {
		if got := limits.capacity(c.channels, c.bytes); got != c.want {
			t.Errorf("%d channels of records of %d bytes: capacity %d, want %d", c.channels, c.bytes, got, c.want)
		}
	}
	if got := (Limits{}).capacity(1, 8); got != 1 {
		t.Errorf("capacity %d without limits; a batch holds one record at least", got)
	}
}

// TestNothingIsAllocated covers a channel that flows freely and one under steady back pressure, where a batch of input is
// several batches of the channel.
func TestNothingIsAllocated(t *testing.T) {
	for _, records := range []int64{100, 16 * 6} {
		batch := sequence(0, records)
		b := newBench(2, 4, 16, &Hash[int64, int64]{Selector: identity, Key: mustKey[int64](t), Router: mustRouter(t, 2)})
		for _, r := range b.got {
			r.all = make([]received, 0, 1<<16)
		}
		backPressured := records == 96
		run := func() {
			_ = b.writer.Process(batch)
			for lane := range b.readers {
				b.got[lane].all = b.got[lane].all[:0]
			}
			for {
				for lane := range b.readers {
					b.consume(lane, 16)
				}
				if b.writer.Drain() && (backPressured || b.writer.InFlight() == 0) {
					break
				}
			}
		}
		for range 100 {
			run()
		}
		if allocs := testing.AllocsPerRun(200, run); allocs != 0 {
			t.Errorf("%v allocations for a batch of %d records, back-pressured %v", allocs, records, backPressured)
		}
	}
}

// TestABurstGivesItsShellsBack checks that what waited for credit is not kept for ever.
func TestABurstGivesItsShellsBack(t *testing.T) {
	b := newBench(1, 2, 1, Forward[int64]{})
	_ = b.writer.Process(sequence(0, 500))
	b.drainAll()
	l := &b.writer.lanes[0]
	if len(l.spare) > 2 || len(l.pending) != 0 {
		t.Errorf("%d spare and %d pending shells left", len(l.spare), len(l.pending))
	}
	for _, s := range l.pending[:cap(l.pending)] {
		if s != nil {
			t.Fatal("the list of waiting shells still holds one")
		}
	}
	for _, s := range l.spare[:cap(l.spare)][len(l.spare):] {
		if s != nil {
			t.Fatal("the list of spare shells still holds one that was dropped")
		}
	}
}

func TestSharedShellIsNotWrittenWhileItIsRead(t *testing.T) {
	b := newBench(1, 1, 2, Forward[int64]{})
	_ = b.writer.Process(sequence(0, 2))
	front := b.channels[0].front()
	_ = b.writer.Process(sequence(2, 20))
	b.writer.Drain()
	b.writer.FlushIdle()
	if want := []int64{0, 1}; !reflect.DeepEqual(front.batch.Values, want) {
		t.Errorf("the batch in the consumer's hands became %v", front.batch.Values)
	}
}

// TestNoReleaseIsMissed has the consumer take a batch at just about the time at which the producer decides whether to wait
// for that. Whatever the order, the producer publishes what it holds back, at once or when it is woken.
func TestNoReleaseIsMissed(t *testing.T) {
	const nanos = 1e9
	b := newBench(1, 4, 8, Forward[int64]{})
	var woken, taken atomic.Int64
	var over atomic.Bool
	defer over.Store(true)
	b.writer.AttachProducer(func() { woken.Add(1) })
	go func() {
		for n := 0; !over.Load(); n++ {
			if b.readers[0].Front() == Records {
				got, _, _ := b.readers[0].Deliver(8)
				b.got[0].all = b.got[0].all[:0]
				taken.Add(int64(got))
			} else if n%64 == 0 {
				runtime.Gosched()
			}
		}
	}()
	watch := clock.System()
	await := func(what string, done func() bool) {
		started := watch.Nanos()
		for n := 1; !done(); n++ {
			if n%1000 == 0 && watch.Nanos()-started > 10e9 {
				t.Fatalf("waiting for %s: nothing comes any more", what)
			}
			if n > 100 {
				runtime.Gosched()
			}
		}
	}
	pair := [2]*element.Batch[int64]{batchOf(1), batchOf(2)}
	round, started := int64(0), watch.Nanos()
	for ; watch.Nanos()-started < nanos; round++ {
		await("the consumer", func() bool { return taken.Load() == 2*round })
		_ = b.writer.Process(pair[0])
		b.writer.FlushIdle()
		for range round % 50 {
			woken.Load() // the two sides meet at a different point each time
		}
		before := woken.Load()
		_ = b.writer.Process(pair[1])
		b.writer.FlushIdle()
		await("a wake", func() bool { return b.writer.lanes[0].filling == nil || woken.Load() > before })
		b.writer.FlushIdle()
	}
	await("the end", func() bool { return taken.Load() == 2*round })
}
