package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/connectors/discard"
	"github.com/weir-stream/weir/api/connectors/file"
	"github.com/weir-stream/weir/api/stream"
)

// The options of the jobs.
var (
	job     = flag.String("job", "", "which job this is")
	output  = flag.String("output", "", "the `folder` of the neighbour's results")
	records = flag.Int64("records", 0, "how many records the neighbour has")
	delay   = flag.Duration("delay", 0, "delay each record of the neighbour: a fault that the benchmark must see")
)

// rate is how many records a second the neighbour has.
const rate = 1000

func build(env *stream.Environment) error {
	switch *job {
	case "neighbour":
		return neighbour(env)
	case "placeholder":
		stream.To(stream.From(env, datagen.Generate(datagen.Unbounded, func(i int64) int64 { return i }).Rate(10)), discard.Sink[int64]())
		return nil
	}
	for _, e := range evils {
		if e.name == *job {
			return e.build(env)
		}
	}
	return stream.UsageError("there is no job %q", *job)
}

// tick is a record of the neighbour: its number and when it was due, in nanoseconds since the epoch.
type tick struct{ Number, Due int64 }

// arrival is a tick at the other end.
type arrival struct{ Number, Due, Latency int64 }

// schedule says when records are due: as far behind the first that this process has made as their numbers tell. So what keeps the source itself
// from running counts as latency, too.
type schedule struct {
	once  sync.Once
	first int64
	begun time.Time
}

func (s *schedule) tick(i int64) tick {
	s.once.Do(func() { s.first, s.begun = i, time.Now() })
	return tick{i, s.begun.Add(time.Duration(i-s.first) * time.Second / rate).UnixNano()}
}

// neighbour sends records by key from one TaskManager to the other, and writes how long each has taken.
func neighbour(env *stream.Environment) error {
	env.EnableCheckpointing(500 * time.Millisecond)
	due := new(schedule)
	ticks := stream.From(env, datagen.Generate(*records, due.tick).Rate(rate)).Name("Ticks").UID("ticks")
	byKey := stream.KeyBy(ticks, func(t tick) int64 { return t.Number % 64 })
	arrivals := stream.Process(byKey, func() *clock { return new(clock) }).Name("Arrivals").UID("arrivals")
	format := func(to []byte, a arrival) []byte {
		return strconv.AppendInt(append(strconv.AppendInt(append(strconv.AppendInt(to, a.Number, 10), ' '), a.Due, 10), ' '), a.Latency, 10)
	}
	stream.To(arrivals, file.TextAppend(*output, format).Rolling(file.OnCheckpointRollingPolicy())).Name("Lines").UID("lines")
	return nil
}

type clock struct{}

func (*clock) Process(_ *stream.KeyedContext[int64], t tick, out stream.Collector[arrival]) error {
	time.Sleep(*delay)
	out.Collect(arrival{t.Number, t.Due, time.Now().UnixNano() - t.Due})
	return nil
}

// evil is a job that does harm.
type evil struct {
	name, does string
	// properties are set when it is submitted.
	properties []string
	build      func(*stream.Environment) error
	// reason must be part of what the cluster says of it; "" if it goes on until it is canceled.
	reason string
	// planned says that it is refused before it runs.
	planned bool
}

var evils = []evil{
	{name: "crash", does: "panics in a goroutine, again and again", reason: "it has crashed: panic: evil", build: harm(func(int64) {
		go func() { panic("evil") }()
		select {}
	})},
	{name: "leak", does: "keeps more and more memory", reason: "beyond its share of", build: harm(leak)},
	{name: "block", does: "waits for what never comes", reason: "has not answered for", properties: []string{"weir.task.mailbox.timeout=1s", "task.cancellation.timeout=1s"}, build: harm(func(int64) { select {} })},
	{name: "flood", does: "writes 1 GB of output", build: harm(flood)},
	{name: "plan", does: "panics while it is planned", reason: "evil plan", planned: true, build: func(*stream.Environment) error { panic("evil plan") }},
}

func names() (all []string) {
	for _, e := range evils {
		all = append(all, e.name)
	}
	return all
}

// choose finds evil jobs by their names; all if there are none.
func choose(only string) ([]evil, error) {
	if only == "" {
		return evils, nil
	}
	var chosen []evil
	for name := range strings.SplitSeq(only, ",") {
		before := len(chosen)
		for _, e := range evils {
			if e.name == name {
				chosen = append(chosen, e)
			}
		}
		if len(chosen) == before {
			return nil, fmt.Errorf("there is no evil job %q: want some of %s", name, strings.Join(names(), ", "))
		}
	}
	return chosen, nil
}

// harm makes a job that calls a function with each record.
func harm(do func(int64)) func(*stream.Environment) error {
	return func(env *stream.Environment) error {
		numbers := stream.From(env, datagen.Generate(datagen.Unbounded, func(i int64) int64 { return i }).Rate(rate))
		stream.To(stream.Map(numbers, func(n int64) int64 { do(n); return n }).Name("Evil"), discard.Sink[int64]())
		return nil
	}
}

var (
	leaked [][]byte
	mu     sync.Mutex
)

func leak(int64) {
	more := bytes.Repeat([]byte{1}, 1<<20)
	mu.Lock()
	defer mu.Unlock()
	leaked = append(leaked, more)
}

// gigabyte is how much a process writes.
const gigabyte = 1 << 30

var written int

func flood(int64) {
	line := append(bytes.Repeat([]byte("evil "), 2000), '\n')
	for range 100 {
		mu.Lock()
		over := written >= gigabyte
		written += len(line)
		mu.Unlock()
		if over {
			return
		}
		os.Stdout.Write(line)
	}
}
