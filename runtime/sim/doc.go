// Package sim runs a whole cluster in one goroutine under one seed, breaks it, and holds invariants against it after every event.
//
// What runs is the engine itself: the job master (runtime/jobmanager/master with the checkpoint coordinator in it), the resource manager,
// the executors, the job's log and its claim (runtime/jobmanager's Keeper over checkpoint/journal), and in the workers the hosts with
// all their loops, the tasks, operators, state tables, captures and restores. The world gives them what they have outside:
//
//	threads   coroutines instead of goroutines (worker.Threads): one runs until it waits, and the seed says which goes on when
//	time      a clock that jumps from one event to the next
//	network   control messages that are late, overtaken, doubled and lost; the data plane is shared memory
//	storage   a store that is slow, fails before or after it has done what it was asked for, or does it after the answer
//	outside   a system with transactions, which the job's sinks prepare and commit
//
// User code fails and panics; workers, nodes and leaders die; leaders freeze, above all between what the log has released and its deletion,
// and go on when others have come and gone; a leader is deposed that knows nothing of it. New leaders run the job at another
// parallelism; under the adaptive scheduler nodes come and go, and the same leader changes it. At a time drawn from the seed faults stop, and the job must come to its end.
//
// A seed that fails is run again, and shown, with
//
//	go run ./runtime/sim/cmd --seed N --verbose
//
// # Invariants
//
// Each is in a file of its own, invariant_*.go: the committed checkpoint never decreases; nothing is acknowledged, and nothing complete, before
// its files are durable; of each number there is one completed checkpoint at most; no file is deleted that a snapshot needs which the job can be
// recovered to; nothing is committed that no complete checkpoint has; a leader that lost its place publishes nothing and deletes nothing
// but what was released or left by older terms; the job ends; and at the end the results are those of an undisturbed run, each once.
//
// # Planted faults
//
// Those of type Plant are built into the world around the engine, and a test looks that each is found (go run ./runtime/sim/cmd --plant P).
// Changes of the engine were tried in copies of it; the first seed from 1 on that found each:
//
//	a barrier blocks no channel, or all but one               121  results lost and doubled
//	a copy of the log's slot is not compared with what is there  7  a fenced leader writes
//	the listing after the creation of a slot is ignored          1  a fenced leader tells tasks of a checkpoint
//	tasks are told before the slot that releases                 1  tasks are told of what the log does not know
//	files are deleted before the slot that releases them         1  a needed file is deleted
//	files are released that a kept snapshot names               72  a needed file is deleted
//	the job goes on from the oldest retained checkpoint         15  the committed checkpoint decreases
//	a sink commits all that it has with any checkpoint           1  a commit of what is not complete
//	a failed upload is acknowledged                             13  a commit of what is not complete
//	the splits of a reader are not restored                      5  results lost
//	the splits of a reset reader are not given back             14  results lost
//	timers are left out of the snapshot                          5  results lost
//
// Not simulated: remote channels, Pebble, savepoints, and anything below a store (torn writes of a disk, see checkpoint/storage/file).
package sim
