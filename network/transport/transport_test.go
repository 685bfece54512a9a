package transport

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/metrics"
)

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
		case <-time.After(10 * time.Microsecond): // to spin would keep the scheduler from the network
		}
	}
}

// logged is a log that a test can read.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Contains(l.text.String(), text)
}

// node is a transport of a test.
type node struct {
	*Transport
	log *logged
}

func configOf(log *logged) Config {
	c := clock.System()
	return Config{
		Cluster: "test", Listen: "127.0.0.1:0", Clock: c, Log: slog.New(slog.NewTextHandler(log, nil)),
		Metrics: metrics.NewRegistry(c, func(string) {}).Root(metrics.LevelTaskManager),
	}
}

func listen(t testing.TB, change ...func(*Config)) *node {
	t.Helper()
	n := &node{log: &logged{}}
	config := configOf(n.log)
	for _, f := range change {
		f(&config)
	}
	var err error
	if n.Transport, err = Listen(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Transport.Close)
	return n
}

// checkGoroutines fails the test if it ends with more goroutines than it began with.
func checkGoroutines(t testing.TB) {
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		await(t, "as few goroutines as before", func() bool { return runtime.NumGoroutine() <= before })
	})
}

// pair is two workers of a job; first dials.
type pair struct {
	t             testing.TB
	nodes         [2]*node
	first, second *Member
}

func newPair(t testing.TB, change ...func(*Config)) *pair {
	t.Helper()
	checkGoroutines(t)
	p := &pair{t: t, nodes: [2]*node{listen(t, change...), listen(t, change...)}}
	if !dials(p.nodes[0].Location(), p.nodes[1].Location()) {
		p.nodes[0], p.nodes[1] = p.nodes[1], p.nodes[0]
	}
	job := ident.NewID()
	p.first, p.second = p.nodes[0].join(t, job), p.nodes[1].join(t, job)
	return p
}

func (n *node) join(t testing.TB, job ident.JobID) *Member {
	t.Helper()
	m, err := n.Join(job)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// channel is both ends of one.
type channel struct {
	*Sender
	*Receiver
	failed chan error
}

func key(n int) ChannelKey { return ChannelKey{Epoch: 1, Edge: int32(n), Producer: 2, Consumer: 3} }

func open(t testing.TB, from, to *Member, k ChannelKey, credits int) *channel {
	t.Helper()
	c := &channel{failed: make(chan error, 1)}
	var err error
	if c.Sender, err = from.Send(to.Location(), k, func(err error) { c.failed <- err }); err != nil {
		t.Fatal(err)
	}
	if c.Receiver, err = to.Receive(from.Location(), k, credits); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *channel) ready(t testing.TB) *channel {
	t.Helper()
	await(t, "an open channel", c.Ready)
	return c
}

func (c *channel) send(text string, event bool) {
	b := NewBuffer()
	b.SetLength(len(append(b.Room(), text...)))
	c.Send(b, event)
}

// next returns the next frame, which need not be there yet.
func (c *channel) next(t testing.TB) (text string) {
	t.Helper()
	await(t, "a frame", func() bool {
		b, event, err := c.Next()
		if err != nil {
			t.Fatal(err)
		}
		if b == nil {
			return false
		}
		text = string(b.Payload())
		c.Done(b)
		c.Release(event)
		return true
	})
	return text
}

// takeOne waits for a frame in a goroutine of its own, as long as the test does.
func (c *channel) takeOne() {
	for {
		if b, event, err := c.Next(); b != nil {
			c.Done(b)
			c.Release(event)
			return
		} else if err != nil {
			return
		}
		<-time.After(10 * time.Microsecond)
	}
}

func TestFramesGoBothWaysOverOneConnection(t *testing.T) {
	p := newPair(t)
	there := open(t, p.first, p.second, key(1), 4).ready(t)
	back := open(t, p.second, p.first, key(2), 4).ready(t)
	for i := range 100 {
		await(t, "credit", func() bool { return there.Ready() && back.Ready() })
		there.send(fmt.Sprint("there ", i), i%3 == 0)
		back.send(fmt.Sprint("back ", i), false)
		if got := there.next(t); got != fmt.Sprint("there ", i) {
			t.Fatalf("frame %d is %q", i, got)
		}
		if got := back.next(t); got != fmt.Sprint("back ", i) {
			t.Fatalf("frame %d is %q", i, got)
		}
	}
	for _, n := range p.nodes {
		n.mu.Lock()
		if len(n.connections) != 1 {
			t.Errorf("%d connections", len(n.connections))
		}
		n.mu.Unlock()
	}
	await(t, "all taken", func() bool { return there.Idle() && back.Idle() })
}

// TestEitherEndMayComeFirst makes channels whose ends come in any order, on either side, before and after the connection is there.
func TestEitherEndMayComeFirst(t *testing.T) {
	p := newPair(t)
	for i := range 12 {
		from, to := p.first, p.second
		if i%2 == 1 {
			from, to = to, from
		}
		c := &channel{}
		makeSender := func() { c.Sender, _ = from.Send(to.Location(), key(i), func(error) {}) }
		makeReceiver := func() { c.Receiver, _ = to.Receive(from.Location(), key(i), 1) }
		if i%4 < 2 {
			makeSender()
			if i > 4 {
				open(t, from, to, key(100+i), 1).ready(t) // so that the lone end is certainly known to the connection
			}
			if c.Ready() || c.EventReady() {
				t.Fatal("a channel without a consumer has credit")
			}
			makeReceiver()
		} else {
			makeReceiver()
			if i > 4 {
				open(t, from, to, key(100+i), 1).ready(t)
			}
			makeSender()
		}
		c.ready(t).send("x", false)
		if got := c.next(t); got != "x" {
			t.Fatalf("got %q", got)
		}
	}
}

// TestCreditBoundsWhatIsSent sends far more than there is credit for.
func TestCreditBoundsWhatIsSent(t *testing.T) {
	p := newPair(t)
	c := open(t, p.first, p.second, key(1), 3).ready(t)
	for i := range 20 { // one batch of 20 frames: the first is ready, the others wait
		c.send(fmt.Sprint(i), false)
	}
	if c.Ready() {
		t.Error("a channel with waiting frames is ready")
	}
	await(t, "three frames", func() bool { return c.Queued() == 3 })
	other := open(t, p.first, p.second, key(2), 1).ready(t)
	other.send("other", false)
	if other.next(t) != "other" || c.Queued() != 3 {
		t.Errorf("%d frames came with credit for 3", c.Queued())
	}
	for i := range 20 {
		if got := c.next(t); got != fmt.Sprint(i) {
			t.Fatalf("frame %d is %q", i, got)
		}
	}
	await(t, "credit again", func() bool { return c.Ready() && c.Idle() })
}

func TestEventsNeedNoCreditOfRecords(t *testing.T) {
	p := newPair(t)
	c := open(t, p.first, p.second, key(1), 1).ready(t)
	c.send("record", false)
	for i := range eventCredits + 5 {
		if c.EventReady() != (i < eventCredits) || c.Ready() {
			t.Fatalf("ready for event %d: %v, for records: %v", i, c.EventReady(), c.Ready())
		}
		c.send(fmt.Sprint("event ", i), true)
	}
	await(t, "the frames with credit", func() bool { return c.Queued() == 1+eventCredits })
	if got := c.next(t); got != "record" {
		t.Errorf("the first frame is %q", got)
	}
	for i := range eventCredits + 5 {
		if got := c.next(t); got != fmt.Sprint("event ", i) {
			t.Errorf("event %d is %q", i, got)
		}
	}
}

// TestAProducerIsWokenByCredit checks that no notification is missed between asking and looking.
func TestAProducerIsWokenByCredit(t *testing.T) {
	p := newPair(t)
	c := open(t, p.first, p.second, key(1), 1).ready(t)
	woken := make(chan struct{}, 1000)
	c.Sender.Attach(func() { woken <- struct{}{} })
	for i := range 200 {
		c.Want(true)
		c.send("x", false)
		go c.takeOne()
		for !c.Ready() || !c.Idle() {
			select {
			case <-woken:
			case <-time.After(20 * time.Second):
				t.Fatalf("the producer was not woken in round %d", i)
			}
		}
		c.Want(false)
	}
}

// TestSlowChannelsAreBoundedAndStallNothing has 100 channels that nobody reads beside one that flows.
func TestSlowChannelsAreBoundedAndStallNothing(t *testing.T) {
	p := newPair(t)
	const credits = 4
	full := strings.Repeat("x", PayloadSize)
	var slow []*channel
	for i := range 100 {
		c := open(t, p.first, p.second, key(i), credits).ready(t)
		for range 3 * credits {
			c.send(full, false)
		}
		slow = append(slow, c)
	}
	fast := open(t, p.first, p.second, key(1000), credits).ready(t)
	for i := range 2000 {
		await(t, "credit", fast.Ready)
		fast.send(fmt.Sprint(i, full[:i]), false)
		if got := fast.next(t); len(got) != len(fmt.Sprint(i))+i {
			t.Fatalf("frame %d has %d bytes", i, len(got))
		}
	}
	for _, c := range slow {
		if n := c.Queued(); n != credits {
			t.Fatalf("%d frames wait in a slow channel with credit for %d", n, credits)
		}
	}
	in := p.nodes[1].counts.bytesIn.Count()
	if most := int64(100*credits*FrameSize + 3000*FrameSize); in > most {
		t.Errorf("%d bytes came in", in)
	}
}

func TestABrokenConnectionEndsEveryChannelAndANewAttemptWorks(t *testing.T) {
	p := newPair(t)
	there := open(t, p.first, p.second, key(1), 4).ready(t)
	back := open(t, p.second, p.first, key(2), 4).ready(t)
	there.send("before", false)
	await(t, "the frame", func() bool { return there.Queued() == 1 })
	p.nodes[0].sever()
	for _, c := range []*channel{there, back} {
		var err error
		select {
		case err = <-c.failed:
		case <-time.After(20 * time.Second):
			t.Fatal("a producer was not told")
		}
		if text := err.Error(); !strings.Contains(text, p.first.job.String()) || !strings.Contains(text, "127.0.0.1:") || !strings.Contains(text, "check") {
			t.Errorf("the error says %q", text)
		}
		c.Sender.Close(false)
	}
	if got := there.next(t); got != "before" { // what came is read first
		t.Errorf("got %q", got)
	}
	for _, c := range []*channel{there, back} {
		await(t, "an error", func() bool { _, _, err := c.Next(); return err != nil })
		c.Receiver.Close()
	}
	next := key(1)
	next.ProducerAttempt, next.ConsumerAttempt = 1, 1
	again := open(t, p.first, p.second, next, 4).ready(t)
	again.send("after", false)
	if got := again.next(t); got != "after" {
		t.Errorf("got %q", got)
	}
}

// sever cuts the connections of a node as a network does.
func (n *node) sever() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.connections {
		c.net.(*net.TCPConn).SetLinger(0)
		c.net.Close()
	}
}

// TestNothingOfAnotherAttemptArrives opens ends that differ in one part of their key.
func TestNothingOfAnotherAttemptArrives(t *testing.T) {
	p := newPair(t)
	for i, change := range []func(*ChannelKey){
		func(k *ChannelKey) { k.Epoch++ }, func(k *ChannelKey) { k.Edge++ }, func(k *ChannelKey) { k.Producer++ },
		func(k *ChannelKey) { k.ProducerAttempt++ }, func(k *ChannelKey) { k.Consumer++ }, func(k *ChannelKey) { k.ConsumerAttempt++ },
	} {
		k := key(10 * i)
		other := k
		change(&other)
		s, _ := p.first.Send(p.second.Location(), k, func(error) {})
		if _, err := p.second.Receive(p.first.Location(), other, 4); err != nil {
			t.Fatal(err)
		}
		open(t, p.first, p.second, key(1000+i), 1).ready(t)
		if s.Ready() {
			t.Errorf("the channel of %s has credit of that of %s", k, other)
		}
	}
}

func TestAProducerThatEndedStillDelivers(t *testing.T) {
	p := newPair(t)
	c := open(t, p.first, p.second, key(1), 2).ready(t)
	for i := range 10 {
		c.send(fmt.Sprint(i), false)
	}
	c.Sender.Close(true)
	for i := range 10 {
		if got := c.next(t); got != fmt.Sprint(i) {
			t.Fatalf("frame %d is %q", i, got)
		}
	}
	dropped := open(t, p.first, p.second, key(2), 2).ready(t)
	for i := range 10 {
		dropped.send(fmt.Sprint(i), false)
	}
	dropped.Sender.Close(false)
	dropped.next(t)
	dropped.next(t)
	other := open(t, p.first, p.second, key(3), 1).ready(t)
	other.send("x", false)
	other.next(t)
	if dropped.Queued() != 0 {
		t.Error("a canceled producer goes on sending")
	}
}

// TestCloseSendsWhatHasCredit closes the producing side at once: the consumer reads all, then that the peer has left.
func TestCloseSendsWhatHasCredit(t *testing.T) {
	p := newPair(t)
	c := open(t, p.first, p.second, key(1), 64).ready(t)
	for i := range 64 {
		c.send(fmt.Sprint(i, strings.Repeat("x", 30000)), false)
	}
	c.Sender.Close(true)
	p.nodes[0].Transport.Close()
	for i := range 64 {
		if got := c.next(t); !strings.HasPrefix(got, fmt.Sprint(i)) {
			t.Fatalf("frame %d is %q", i, got[:5])
		}
	}
	await(t, "an error", func() bool {
		_, _, err := c.Next()
		return err != nil && strings.Contains(err.Error(), "closed it")
	})
}

// TestCloseWaitsForTheCreditOfEndedProducers closes the producing side while most of its frames wait for credit.
func TestCloseWaitsForTheCreditOfEndedProducers(t *testing.T) {
	p := newPair(t)
	c := open(t, p.first, p.second, key(1), 2).ready(t)
	for i := range 50 {
		c.send(fmt.Sprint(i), false)
	}
	c.Sender.Close(true)
	closed := make(chan struct{})
	go func() { p.nodes[0].Transport.Close(); close(closed) }()
	for i := range 50 {
		if got := c.next(t); got != fmt.Sprint(i) {
			t.Fatalf("frame %d is %q", i, got)
		}
	}
	<-closed
}

func TestAConsumerThatClosedIsNoFailure(t *testing.T) {
	p := newPair(t)
	c := open(t, p.first, p.second, key(1), 2).ready(t)
	c.send("x", false)
	c.Receiver.Close()
	await(t, "no credit", func() bool { return !c.Ready() })
	select {
	case err := <-c.failed:
		t.Error(err)
	default:
	}
	other := open(t, p.first, p.second, key(2), 1).ready(t)
	other.send("y", false)
	other.next(t)
}

func TestSilenceAndLateConnections(t *testing.T) {
	manual := clock.NewManual(time.Unix(1000, 0))
	p := newPair(t, func(c *Config) { c.Clock = manual; c.Silence = 3 * time.Second; c.ConnectTimeout = 5 * time.Second })
	// Only the two watches have timers whenever time goes on.
	calm := func() { await(t, "no handshake", func() bool { return manual.Timers() == 2 }) }
	calm()
	open(t, p.first, p.second, key(1), 2).ready(t)
	calm()
	second := func() {
		if err := manual.WaitTimers(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		manual.Advance(time.Second)
	}
	// heard has a second go by, in which both sides hear of each other.
	heard := func() {
		var before [2]int64
		for i, n := range p.nodes {
			before[i] = n.counts.bytesIn.Count()
		}
		second()
		for i, n := range p.nodes {
			await(t, "pings", func() bool { return n.counts.bytesIn.Count() >= before[i]+headerSize })
		}
	}
	for range 20 { // nobody sends anything but pings
		heard()
	}
	counter := p.nodes[1].counts.broken[brokenSilence]
	if counter.Count() != 0 {
		t.Fatal("a living connection was given up")
	}
	// A peer that is frozen: its kernel takes what comes, and it says nothing.
	calm()
	r := p.rawPeer(t)
	calm()
	frozen, err := p.second.Receive(r.location, key(3), 1)
	if err != nil {
		t.Fatal(err)
	}
	// A peer that would have to dial, and does not.
	late, err := p.first.Receive("0", key(7), 1)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		heard()
	}
	for want, c := range map[string]*Receiver{"nothing was heard": frozen, "no connection for": late} {
		await(t, "an error", func() bool {
			_, _, err := c.Next()
			return err != nil && strings.Contains(err.Error(), want)
		})
	}
	if counter.Count() != 1 {
		t.Errorf("%d connections broke by silence", counter.Count())
	}
}
