package main

import (
	"flag"
	"fmt"

	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/state"
)

// jobRole is the first argument of a process that is a worker of a job of this benchmark, or plans one.
const jobRole = "job"

// jobOrder is what a job is to be; it travels as the arguments of its binary.
type jobOrder struct {
	// Bytes are those of a record, Records how many all sources make together.
	Bytes   int
	Records int64
	// Folder gets a report of each sink subtask.
	Folder string
	// ByKey has the sinks count by key in an array, and Keyed the engine's keyed state count on the way to the sinks.
	ByKey, Keyed bool
	// Apart has the receivers in slots of their own, and so on other TaskManagers than the sources if these have a slot each.
	Apart bool
	// Endless makes it the job of slow.go, with so many slow pipelines.
	Endless bool
	Slow    int
}

func (o *jobOrder) declare(f *flag.FlagSet) {
	f.IntVar(&o.Bytes, "bytes", 28, "of a record")
	f.Int64Var(&o.Records, "records", 0, "that all sources make together")
	f.StringVar(&o.Folder, "folder", "", "gets the reports of the sinks")
	f.BoolVar(&o.ByKey, "by-key", false, "count by key in the sinks")
	f.BoolVar(&o.Keyed, "keyed", false, "count in keyed state")
	f.BoolVar(&o.Apart, "apart", false, "receivers in slots of their own")
	f.BoolVar(&o.Endless, "endless", false, "a fast pipeline without an end, beside slow ones")
	f.IntVar(&o.Slow, "slow", 0, "how many slow ones")
}

func (o jobOrder) arguments() []string {
	return []string{
		jobRole, "--bytes", fmt.Sprint(o.Bytes), "--records", fmt.Sprint(o.Records), "--folder", o.Folder,
		fmt.Sprintf("--by-key=%v", o.ByKey), fmt.Sprintf("--keyed=%v", o.Keyed), fmt.Sprintf("--apart=%v", o.Apart), fmt.Sprintf("--endless=%v", o.Endless), "--slow", fmt.Sprint(o.Slow),
	}
}

// runJob is the main function of the job's processes.
func runJob() {
	var o jobOrder
	o.declare(flag.CommandLine)
	stream.Main("network", func(env *stream.Environment) error {
		switch {
		case o.Folder == "":
			return stream.UsageError("--folder is needed")
		case o.Endless:
			besideSlow(env, o)
		case o.Bytes == 28:
			shuffleJob[small](env, o)
		case o.Bytes == 128:
			shuffleJob[large](env, o)
		default:
			return stream.UsageError("there are no records of %d bytes", o.Bytes)
		}
		return nil
	})
}

// receivers is the slot sharing group of those behind the shuffle.
const receivers = "receivers"

// shuffleJob makes records, sends each to the subtask that owns its key, and adds them up there. With ByKey that is the work of the hand-written shuffle.
func shuffleJob[T record[T]](env *stream.Environment, o jobOrder) {
	records := stream.From(env, datagen.FillWith(o.Records, func(subtask int) func(int64, []T) {
		g := newGenerator[T](subtask)
		var made tally
		return func(start int64, out []T) {
			made.begin()
			g.next = start
			g.fill(out)
			if start+int64(len(out)) == o.Records {
				_ = made.reportAs(o.Folder, "source") // a report that is missing is noticed
			}
		}
	})).UID("records")
	byKey := stream.KeyBy(records, T.key)
	received := byKey.Stream()
	if o.Keyed {
		received = stream.Process[int64, T, T](byKey, func() *seen[T] { return new(seen[T]) }).UID("seen")
	}
	sink := stream.To(received, countingSink[T]{o.Folder, o.ByKey}).UID("counts")
	if o.Apart {
		sink.SlotSharingGroup(receivers)
		if o.Keyed {
			received.SlotSharingGroup(receivers)
		}
	}
}

// seen counts the records of a key, and hands them on.
type seen[T any] struct {
	Times state.Value[int64] `state:"times"`
}

// Process implements stream.KeyedProcessFunction.
func (s *seen[T]) Process(_ *stream.KeyedContext[int64], in T, out stream.Collector[T]) error {
	n, _ := s.Times.Get()
	s.Times.Set(n + 1)
	out.Collect(in)
	return nil
}
