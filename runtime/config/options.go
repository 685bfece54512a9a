package config

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/weir-stream/weir/runtime/ident"
)

// Section is a chapter of the reference page.
type Section string

// The sections, in the order of the reference page.
const (
	Pipeline   Section = "Job and pipeline"
	Exchange   Section = "Batches and exchange"
	Restart    Section = "Restart after a failure"
	Cluster    Section = "Cluster, slots and heartbeats"
	Scheduling Section = "Scheduling"
	StateData  Section = "State"
	Security   Section = "TLS and tokens"
)

var sections = []Section{Pipeline, Exchange, Restart, Scheduling, Cluster, StateData, Security}

// optionSet is a closed set of options. There is one for the program, and tests have their own.
type optionSet struct {
	byKey      map[string]declared
	deprecated map[string]declared // by their old keys
}

var declarations = newOptionSet()

func newOptionSet() *optionSet {
	return &optionSet{byKey: make(map[string]declared), deprecated: make(map[string]declared)}
}

func (s *optionSet) add(key string, o declared) {
	s.refuseDouble(key)
	s.byKey[key] = o
}

func (s *optionSet) addDeprecated(key string, o declared) {
	s.refuseDouble(key)
	s.deprecated[key] = o
}

func (s *optionSet) refuseDouble(key string) {
	if s.byKey[key] != nil || s.deprecated[key] != nil {
		panic("config: the key " + key + " is declared twice")
	}
}

// keys returns all keys that have a meaning here, old ones too, sorted.
func (s *optionSet) keys() []string {
	keys := slices.Collect(maps.Keys(s.byKey))
	keys = slices.AppendSeq(keys, maps.Keys(s.deprecated))
	slices.Sort(keys)
	return keys
}

func cores() int { return runtime.GOMAXPROCS(0) }

// Options of a job and its graph.
var (
	Parallelism = declare(Pipeline, "parallelism.default", 1, integer(),
		"Parallelism of operators that set none, when the submission gives none. `--parallelism` is short for it.").
		computed(cores, "number of cores").that(between(1, MaxParallelismLimit))

	MaxParallelism = declare(Pipeline, "pipeline.max-parallelism", -1, integer(),
		"Number of key groups of operators that set none, and with it the highest parallelism they can ever be rescaled to. "+
			"-1 derives it from the parallelism, as Flink does.").
		that(func(n int) error {
			if n == -1 {
				return nil
			}
			return between(1, MaxParallelismLimit)(n)
		})

	ObjectReuse = declare(Pipeline, "pipeline.object-reuse", true, boolean(),
		"An emitted record is immutable, so operators hand the same one to all that receive it. "+
			"False copies every record through its codec wherever it goes to more than one receiver, which costs time and finds programs that change "+
			"what they have emitted. (Flink's default is false.)")

	OperatorChaining = declare(Pipeline, "pipeline.operator-chaining.enabled", true, boolean(),
		"Neighbouring operators run in one task and pass batches by direct call where the partitioning allows it.").
		replaces("pipeline.operator-chaining")

	AutoWatermarkInterval = declare(Pipeline, "pipeline.auto-watermark-interval", 200*time.Millisecond, duration(),
		"How often, in processing time, watermarks follow from what was read so far, and idleness is looked at. 0 does neither: "+
			"only punctuated watermarks are left, and the one at the end of bounded input.")

	JobID = declare(Pipeline, "$internal.pipeline.job-id", "", text(),
		"The id of the job, 32 hexadecimal digits. A program that is started again under the id of an earlier run which did not end goes on from that run's last checkpoint in `execution.checkpointing.dir`.").
		computed(func() string { return "" }, "a random one").
		that(func(text string) error {
			if text == "" {
				return nil
			}
			_, err := ident.ParseID(text)
			return err
		})

	JobRevision = declare(Pipeline, "weir.job.revision", "", text(),
		"Revision of the source that the job's binary was built from, with `-dirty` behind it if files had changed since. A cluster sets it itself when a job is submitted.").
		computed(func() string { return "" }, "that of the binary")

	JobName = declare(Pipeline, "pipeline.name", "", text(),
		"Name of the job in REST, logs and metrics.").
		computed(func() string { return "" }, "the name given to stream.Main")
)

// MaxParallelismLimit is the highest number of key groups, as in Flink.
const MaxParallelismLimit = 1 << 15

// Options of batches and of the exchange between tasks.
var (
	BufferTimeout = declare(Exchange, "execution.buffer-timeout.interval", 100*time.Millisecond, duration(),
		"Longest time that a record waits in a batch that is not full. This is an upper bound: "+
			"a producer also hands its batch on when it is about to wait, so latency at low load is far below it. 0 hands on every record at once.").
		replaces("execution.buffer-timeout")

	BufferTimeoutEnabled = declare(Exchange, "execution.buffer-timeout.enabled", true, boolean(),
		"False removes the upper bound: batches leave when they are full or when their producer is about to wait.")

	BuffersPerChannel = declare(Exchange, "taskmanager.network.memory.buffers-per-channel", 4, integer(),
		"Credits of a channel: how many batches may be on their way between one producer and one consumer. Fewer shorten alignment, more "+
			"even out bursts. (Flink's default is 2 and 8 more for all channels of a gate.)").
		that(between(1, 1024))

	BatchDuration = declare(Exchange, "weir.batch.target-duration", time.Millisecond, duration(),
		"How much work a batch should be for the operator that processes it. The number of records is set by what the operator was measured to take for each.").
		that(between(10*time.Microsecond, time.Second))

	BatchMinRecords = declare(Exchange, "weir.batch.min-records", 32, integer(),
		"A batch under load is not made smaller than this, however slow the operator.").
		that(between(1, maxBatchRecords))

	BatchMaxRecords = declare(Exchange, "weir.batch.max-records", 1024, integer(),
		"A batch is not made bigger than this, however fast the operator. 1 processes record by record.").
		that(between(1, maxBatchRecords))

	BatchMemory = declare(Exchange, "weir.batch.memory-per-task", 4*Mebibyte, memorySize(),
		"Byte budget for the batches on the channels of one subtask; divided by their number and credits it bounds the size of one batch.").
		that(between(64*Kibibyte, 16*Gibibyte))
)

const maxBatchRecords = 1 << 16

// Options of the cluster.
var (
	TaskSlots = declare(Cluster, "taskmanager.numberOfTaskSlots", 1, integer(),
		"Slots of one TaskManager. A slot holds one subtask of each vertex of a slot sharing group. (Flink's default is 1.)").
		computed(cores, "number of cores").that(between(1, MaxParallelismLimit))

	SlotRequestTimeout = declare(Cluster, "slot.request.timeout", 5*time.Minute, duration(),
		"A job that waits longer than this for a slot fails.")

	SlotIdleTimeout = declare(Cluster, "slot.idle.timeout", 50*time.Second, duration(),
		"A slot that a job holds but does not use is given back after this time.")

	HeartbeatInterval = declare(Cluster, "heartbeat.interval", time.Second, duration(),
		"How often JobManager, TaskManagers and workers give each other a sign of life. A process that ends is noticed at once, by its closed connection; "+
			"heartbeats find the one that hangs or is cut off. (Flink's default is 10 s.)").
		that(atLeast(time.Millisecond))

	HeartbeatTimeout = declare(Cluster, "heartbeat.timeout", 10*time.Second, duration(),
		"Silence after which the other side counts as lost. Must be longer than heartbeat.interval. (Flink's default is 50 s.)").
		that(atLeast(time.Millisecond))

	CancellationInterval = declare(Cluster, "task.cancellation.interval", 30*time.Second, duration(),
		"How often a task that does not end after it was cancelled is reported and asked again.").
		that(atLeast(time.Millisecond))

	CancellationTimeout = declare(Cluster, "task.cancellation.timeout", 3*time.Minute, duration(),
		"A worker process is killed if a cancelled task in it does not end within this time. 0 waits for ever.")
)

// StateBackend is where keyed state lives.
type StateBackend string

// The state backends.
const (
	// StateBackendHashMap keeps all state in memory.
	StateBackendHashMap StateBackend = "hashmap"
	// StateBackendPebble keeps what is used in memory and the rest in Pebble, a store in local files.
	StateBackendPebble StateBackend = "pebble"
)

// Options of keyed state.
var (
	// StateBackendType chooses the backend.
	StateBackendType = declare(StateData, "state.backend.type", StateBackendHashMap,
		enum([]StateBackend{StateBackendHashMap, StateBackendPebble}, map[string]StateBackend{"rocksdb": StateBackendPebble}),
		"Where keyed state lives: `hashmap` keeps it in memory; `pebble` keeps what is used in memory, within its share of the process's memory, and the rest in local files. `rocksdb` means `pebble`.").
		replaces("state.backend").
		noting("rocksdb", "Weir has no RocksDB; pebble, which is like it, takes its place. Write pebble")

	// TemporaryDirectories are where local files go.
	TemporaryDirectories = declare(StateData, "io.tmp.dirs", "", text(),
		"The folder in which state that does not fit into memory is kept while a job runs.").
		computed(os.TempDir, "the system's folder for temporary files")
)

// contradictions finds pairs of valid values that do not go together.
func contradictions(c Configuration) []Problem {
	var problems []Problem
	require := func(ok bool, low declared, relation string, high declared) {
		if !ok {
			problems = append(problems, Problem{Key: low.Key(), Text: fmt.Sprintf("%s (%s) must be %s %s (%s)",
				low.Key(), c.textOf(low), relation, high.Key(), c.textOf(high))})
		}
	}
	require(Get(c, HeartbeatInterval) < Get(c, HeartbeatTimeout), erase(HeartbeatInterval), "less than", erase(HeartbeatTimeout))
	require(Get(c, BatchMinRecords) <= Get(c, BatchMaxRecords), erase(BatchMinRecords), "at most", erase(BatchMaxRecords))
	require(Get(c, ExponentialDelayInitialBackoff) <= Get(c, ExponentialDelayMaxBackoff),
		erase(ExponentialDelayInitialBackoff), "at most", erase(ExponentialDelayMaxBackoff))
	return problems
}

func (c Configuration) textOf(o declared) string {
	if s, ok := c.values[o.Key()]; ok {
		return s.text()
	}
	return "by default " + o.info().defaultText
}
