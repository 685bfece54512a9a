package main

import (
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/network/exchange"
	"github.com/weir-stream/weir/network/identity"
	"github.com/weir-stream/weir/network/transport"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/state/keygroup"
)

// credits is the default of taskmanager.network.memory.buffers-per-channel.
const credits = 4

// byExchange is the shuffle by network/exchange, without an engine around it: a writer with a local channel and one to the peer, and the readers of two such channels.
func byExchange[T record[T]](o order) (outcome, error) {
	member, closeAll, err := joinAs(o)
	if err != nil {
		return outcome{}, err
	}
	defer closeAll()
	failed := make(chan error, 1)
	s, err := shuffleOf[T](o, member, failed)
	if err != nil {
		return outcome{}, err
	}
	// The first record makes sure that both are connected.
	go func() { s.produce(o) }()
	done := make(chan outcome, 1)
	go func() { done <- s.consume() }()
	select {
	case result := <-done:
		<-s.produced
		return result, nil
	case err := <-failed:
		return outcome{}, err
	}
}

func joinAs(o order) (*transport.Member, func(), error) {
	c := clock.System()
	config := transport.Config{
		Cluster: "benchmark", Listen: o.Addresses[o.Index], Clock: c, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Metrics: metrics.NewRegistry(c, func(string) {}).Root(metrics.LevelTaskManager),
	}
	switch o.How {
	case withTLS:
		config.TLS = &identity.Files{
			Certificate: filepath.Join(o.Folder, certificateFile), Key: filepath.Join(o.Folder, keyFile), Authorities: filepath.Join(o.Folder, certificateFile),
		}
	case withS2:
		config.Compression = transport.S2
	}
	t, err := transport.Listen(config)
	if err != nil {
		return nil, nil, err
	}
	member, err := t.Join(ident.Derive("network benchmark"))
	return member, t.Close, err
}

// shuffle is one process's part.
type shuffle[T record[T]] struct {
	writer        *exchange.Writer[T]
	inbox         *exchange.Inbox
	readers       []*exchange.Reader[T]
	counter       *counter[T]
	wakeProducer  chan struct{}
	wakeConsumer  chan struct{}
	opened        chan struct{}
	produced      chan struct{}
	flushOutgoing func()
}

func wakeBy(signal chan struct{}) func() {
	return func() {
		select {
		case signal <- struct{}{}:
		default:
		}
	}
}

// Process implements exchange.Sink.
func (s *shuffle[T]) Process(b *element.Batch[T]) error {
	s.counter.add(b.Values)
	return nil
}

func shuffleOf[T record[T]](o order, member *transport.Member, failed chan error) (*shuffle[T], error) {
	s := &shuffle[T]{
		counter: new(counter[T]), wakeProducer: make(chan struct{}, 1), wakeConsumer: make(chan struct{}, 1),
		opened: make(chan struct{}), produced: make(chan struct{}),
	}
	values, err := codec.For[T]()
	if err != nil {
		return nil, err
	}
	keyCodec, err := codec.ForKey[int64]()
	if err != nil {
		return nil, err
	}
	router, err := keygroup.NewRouter(128, 2)
	if err != nil {
		return nil, err
	}
	peer := o.Addresses[1-o.Index]
	mine, theirs := int32(o.Index), int32(1-o.Index)
	sender, err := member.Send(peer, transport.ChannelKey{Producer: mine, Consumer: theirs}, func(err error) { failed <- err })
	if err != nil {
		return nil, err
	}
	receiver, err := member.Receive(peer, transport.ChannelKey{Producer: theirs, Consumer: mine}, credits)
	if err != nil {
		return nil, err
	}
	remote := exchange.Remote[T]{Codec: values, Edge: "source -> count"}
	local := exchange.NewChannel[T](credits)
	channels := []*exchange.Channel[T]{local, local}
	channels[theirs] = exchange.NewSendingChannel(sender, remote)
	s.writer = exchange.NewWriter(channels, &exchange.Hash[int64, T]{Selector: T.key, Key: keyCodec, Router: router, Operator: "source"},
		exchange.Limits{MinRecords: 32, MaxRecords: batchSize, Bytes: 4 << 20, Credits: credits})
	s.writer.AttachProducer(wakeBy(s.wakeProducer))
	s.inbox = exchange.NewInbox(wakeBy(s.wakeConsumer))
	for i, c := range []*exchange.Channel[T]{local, exchange.NewReceivingChannel(receiver, remote)} {
		r := exchange.NewReader(c, s)
		r.Attach(func() { s.inbox.Push(int32(i)) })
		s.readers = append(s.readers, r)
	}
	s.flushOutgoing = func() { sender.Close(true) }
	return s, nil
}

// room waits until nothing waits for credit.
func (s *shuffle[T]) room() {
	for s.writer.Blocked() && !s.writer.Drain() {
		<-s.wakeProducer
	}
}

func (s *shuffle[T]) produce(o order) {
	defer close(s.produced)
	// A watermark on every channel, which comes when the peer is there.
	s.writer.Broadcast(element.Event{Kind: element.CheckpointBarrier, Barrier: &element.Barrier{Checkpoint: 1}})
	s.room()
	<-s.opened
	g := newGenerator[T](o.Index)
	batch := &element.Batch[T]{Values: make([]T, batchSize)}
	for range batches(o.Records) {
		g.fill(batch.Values)
		if err := s.writer.Process(batch); err != nil {
			panic(err) // a key that is no number is not made here
		}
		s.room()
	}
	s.writer.Broadcast(element.Event{Kind: element.EndOfInput})
	s.room()
	s.flushOutgoing()
}

// consume counts until both channels have ended. Time begins when a barrier has come over both.
func (s *shuffle[T]) consume() outcome {
	var start time.Time
	barriers, ended := 0, 0
	for ended < len(s.readers) {
		n, ok := s.inbox.Pop()
		if !ok {
			<-s.wakeConsumer
			continue
		}
		r := s.readers[n]
		for more := true; more; {
			switch r.Front() {
			case exchange.Records:
				var err error
				if _, more, err = r.Deliver(math.MaxInt); err != nil {
					panic(err)
				}
			case exchange.Event:
				var event element.Event
				event, more = r.TakeEvent()
				switch event.Kind {
				case element.CheckpointBarrier:
					if barriers++; barriers == len(s.readers) {
						start = time.Now()
						close(s.opened)
					}
				case element.EndOfInput:
					ended++
				}
			default:
				more = false
			}
		}
	}
	return outcome{Seconds: time.Since(start).Seconds(), Records: s.counter.records, Sum: s.counter.sum}
}
