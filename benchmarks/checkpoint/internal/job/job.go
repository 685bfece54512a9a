// Package job is the job whose checkpoints are measured, in a process of its own: a source that first brings each key once and then changes
// keys at a steady rate, and a keyed function with a value of 100 bytes for each key.
package job

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/weir-stream/weir/api/connectors/discard"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/runtime/memory"
	"github.com/weir-stream/weir/state"
)

// Role is the first argument of such a process, the second is an Order in JSON.
const Role = "--job"

// Order says what a process does.
type Order struct {
	// ID is the job's, by which a process goes on from the last checkpoint of the one before.
	ID string
	// Keys are all, each of which comes once. After that Rate records a second come: of Hot keys, one after the other, or of all keys at
	// random if Hot is 0.
	Keys, Hot int64
	Rate      float64
	// Parallelism is that of source and function.
	Parallelism int
	// Backend is a value of state.backend.type.
	Backend string
	// Storage is where checkpoints are kept, Interval the time between them; 0 is a job without checkpoints.
	Storage  string
	Interval time.Duration
	// Checkpoints are to be measured, or as many intervals if there are none. 0: until the process is killed.
	Checkpoints int
	// Resumed says that the job goes on from a checkpoint, in which the keys are.
	Resumed bool
	// Scratch is a folder for local files.
	Scratch string
	// Properties are further options, key=value.
	Properties []string
	// Profile is a file for a CPU profile of what is measured, or empty.
	Profile string
}

// EntryBytes is what a changed entry has to say: a key of 8 bytes and its value.
const EntryBytes = 108

// Main serves a process that was started for a job, and ends it.
func Main() {
	if len(os.Args) != 3 || os.Args[1] != Role {
		return
	}
	var order Order
	err := json.Unmarshal([]byte(os.Args[2]), &order)
	if err == nil {
		err = Run(order)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Run runs the job, reports its Events on the standard output, and returns when all is measured.
func Run(o Order) error {
	runtime.GOMAXPROCS(2)
	memory.Apply(memory.Detect(os.DirFS("/")).GoMemory())
	env, err := stream.NewEnvironment("checkpoint", o.properties()...)
	if err != nil {
		return err
	}
	env.SetParallelism(o.Parallelism)
	m := newMeter(o)
	if err := m.attach(env.Configuration()); err != nil {
		return err
	}
	build(env, o, m)
	m.report(Event{Kind: Started})
	client, err := env.ExecuteAsync(context.Background())
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() {
		_, err := client.Await(context.Background())
		ended <- fmt.Errorf("the job has ended: %w", err)
	}()
	measured := make(chan error, 1)
	go func() { measured <- m.run() }()
	select {
	case err = <-ended:
	case err = <-measured:
	}
	return err
}

func (o Order) properties() []string {
	all := []string{
		"$internal.pipeline.job-id=" + o.ID,
		"state.backend.type=" + o.Backend,
		"io.tmp.dirs=" + o.Scratch,
	}
	if o.Interval > 0 && o.Storage != "" {
		all = append(all,
			"execution.checkpointing.dir="+o.Storage,
			"execution.checkpointing.interval="+o.Interval.String(),
			"execution.checkpointing.num-retained=2",
			"execution.checkpointing.tolerable-failed-checkpoints="+strconv.Itoa(1<<30),
		)
	}
	return append(all, o.Properties...)
}

// keeperName is that of the function, and so begins that of its task.
const keeperName = "Keeper"

func build(env *stream.Environment, o Order, m *meter) {
	changes := stream.From(env, newSource(o)).UID("changes")
	changed := stream.Process(stream.KeyBy(changes, func(c change) int64 { return c.Key }), func() *keeper { return &keeper{meter: m} }).UID("keeper").Name(keeperName)
	stream.To(changed, discard.Sink[int64]()).UID("results")
}

// payload is 100 bytes, encoded too.
type payload struct {
	Count int64
	Rest  [92]byte
}

// keeper changes all of its key's value, to bytes that no compression makes less.
type keeper struct {
	Payload state.Value[payload] `state:"payload"`
	meter   *meter
	seen    *seen
}

func (k *keeper) Process(_ *stream.KeyedContext[int64], c change, out stream.Collector[int64]) error {
	if k.seen == nil {
		k.seen = k.meter.enter()
	}
	p, _ := k.Payload.Get()
	p.Count++
	fill(&p.Rest, uint64(c.Key)<<20+uint64(p.Count))
	k.Payload.Set(p)
	k.seen.add(c.Due)
	out.Collect(p.Count)
	return nil
}

func fill(rest *[92]byte, x uint64) {
	for at := 0; at+8 <= len(rest); at += 8 {
		x = mix(x)
		*(*[8]byte)(rest[at:]) = [8]byte{byte(x), byte(x >> 8), byte(x >> 16), byte(x >> 24), byte(x >> 32), byte(x >> 40), byte(x >> 48), byte(x >> 56)}
	}
}

// mix is a step of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
