package jobs

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/weir-stream/weir/api/stream"
)

// Order says how to run a case.
type Order struct {
	Letter string
	// Check looks at every result instead of discarding it, on few records: to see that it is right, not how fast.
	Check bool
	// Profile is a file for a CPU profile, or empty.
	Profile string
}

// Outcome is what a run was measured at.
type Outcome struct {
	Records int64 `json:"records"`
	// Seconds is the time from the submission of the job to its result.
	Seconds float64 `json:"seconds"`
	// Allocations are those of the whole process in that time.
	Allocations uint64 `json:"allocations"`
}

// Rate is in million records a second.
func (o Outcome) Rate() float64 { return float64(o.Records) / o.Seconds / 1e6 }

// Find returns the case of a letter.
func Find(letter string) (Case, bool) {
	for _, c := range Cases() {
		if c.Letter == letter {
			return c, true
		}
	}
	return Case{}, false
}

// Run runs a case once, on two processors as limit does.
func Run(order Order) (Outcome, error) {
	c, ok := Find(order.Letter)
	if !ok {
		return Outcome{}, fmt.Errorf("there is no case %q", order.Letter)
	}
	runtime.GOMAXPROCS(2)
	var seen tally
	records, to := c.Records, discarding()
	if order.Check {
		records, to = c.SmokeRecords, checking(&seen)
	}
	env, err := stream.NewEnvironment("case " + c.Letter)
	if err != nil {
		return Outcome{}, err
	}
	env.SetParallelism(c.parallelism)
	c.build(env, records, to)

	stop, err := profile(order.Profile)
	if err != nil {
		return Outcome{}, err
	}
	outcome, err := measure(env)
	stop()
	if err != nil {
		return Outcome{}, err
	}
	if order.Check && seen.records != records {
		return Outcome{}, fmt.Errorf("case %s: the results stand for %d records, but the source made %d", c.Letter, seen.records, records)
	}
	if outcome.Records == notCounted {
		outcome.Records = records
	}
	if outcome.Records != records {
		return Outcome{}, fmt.Errorf("case %s: %d records came to the count, but the source made %d", c.Letter, outcome.Records, records)
	}
	return outcome, nil
}

func measure(env *stream.Environment) (Outcome, error) {
	ctx := context.Background()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	client, err := env.ExecuteAsync(ctx)
	if err != nil {
		return Outcome{}, err
	}
	defer client.Close()
	if _, err := client.Await(ctx); err != nil {
		return Outcome{}, err
	}
	seconds := time.Since(start).Seconds()
	runtime.ReadMemStats(&after)
	records, err := received(ctx, client)
	return Outcome{Records: records, Seconds: seconds, Allocations: after.Mallocs - before.Mallocs}, err
}

// notCounted says that no record has crossed from one task to another.
const notCounted = -1

// received is how many records the last tasks have got over their inputs, by the engine's own count.
func received(ctx context.Context, client *stream.JobClient) (int64, error) {
	details, err := client.Details(ctx)
	if err != nil {
		return 0, err
	}
	records := int64(0)
	vertices := details.GetVertices()
	if len(vertices) == 1 {
		return notCounted, nil
	}
	for _, subtask := range vertices[len(vertices)-1].GetSubtasks() {
		records += subtask.GetIo().GetRecordsIn()
	}
	return records, nil
}

// profile starts a CPU profile and returns what ends it.
func profile(path string) (stop func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		file.Close()
	}, nil
}
