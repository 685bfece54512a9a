package coordinator

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
)

// world is all that coordinators deal with: storage, the log, tasks, time. What is on its way to somebody stands in todo, and
// arrives in any order if there is a random source, otherwise in its own.
type world struct {
	*testing.T
	random *rand.Rand
	job    *graph.JobGraph
	config func(*Config)
	now    time.Time
	ids    int

	log       map[uint64]*snapshot.LogEntry
	metadata  map[string][]byte // by path below the job's folder, or location
	files     map[snapshot.File]bool
	tasks     []*simTask
	leaders   []*simLeader
	requests  map[string]int // answers
	answers   map[string]Answer
	completed ident.CheckpointID
	todo      []func()
	// hold keeps commands of these types from being carried out; they are found in held.
	hold func(Command) bool
	held []Command
	// unreliable is how often, of a hundred times, storage and tasks misbehave.
	unreliable int
	seen       map[string]int
	lastEnd    time.Time
}

type simLeader struct {
	c       *Coordinator
	over    bool
	asked   map[ident.CheckpointID]bool
	started ident.CheckpointID
	ended   map[ident.CheckpointID]bool
}

// simTask is a subtask with its chain of tables.
type simTask struct {
	e        ident.ExecutionID
	op       ident.OperatorID
	running  bool
	finished bool
	chain    []*snapshot.Table
	last     ident.CheckpointID
}

// wordCount is a source, with an enumerator, and a keyed operator behind it.
func wordCount(parallelism int) *graph.JobGraph {
	vertex := func(name string, coordinated bool) *graph.JobVertex {
		return &graph.JobVertex{
			ID: ident.Derive(name), Name: name, Parallelism: parallelism, MaxParallelism: 8,
			Operators: []*graph.ChainedOperator{{ID: ident.Derive(name), Name: name, Coordinated: coordinated}},
		}
	}
	source, count := vertex("source", true), vertex("count", false)
	return &graph.JobGraph{
		ID: ident.Derive("job"), Name: "job", Vertices: []*graph.JobVertex{source, count},
		Edges: []*graph.JobEdge{{From: source, To: count, Partitioning: graph.Hash}},
	}
}

func newWorld(t *testing.T, random *rand.Rand, config func(*Config)) *world {
	w := &world{
		T: t, random: random, job: wordCount(2), config: config, now: time.UnixMilli(1_000_000), log: map[uint64]*snapshot.LogEntry{},
		metadata: map[string][]byte{}, files: map[snapshot.File]bool{}, requests: map[string]int{}, answers: map[string]Answer{}, seen: map[string]int{},
		hold: func(Command) bool { return false },
	}
	for _, v := range w.job.Vertices {
		for i := range v.Parallelism {
			w.tasks = append(w.tasks, &simTask{e: ident.ExecutionID{Job: w.job.ID, Vertex: v.ID, Subtask: ident.SubtaskIndex(i)}, op: v.Operators[0].ID})
		}
	}
	return w
}

func (w *world) id() ident.ID { w.ids++; return ident.Derive("id", fmt.Sprint(w.ids)) }

func (w *world) chance(percent int) bool { return w.random != nil && w.random.Intn(100) < percent }

func (w *world) fold() *snapshot.History {
	var entries []*snapshot.LogEntry
	for _, e := range w.log {
		entries = append(entries, e)
	}
	h, err := snapshot.Fold(entries)
	if err != nil {
		w.Fatal(err)
	}
	return h
}

func (w *world) highest() (slot uint64) {
	for n := range w.log {
		slot = max(slot, n)
	}
	return slot
}

// read returns the files of a snapshot in the log, and checks that they are there.
func (w *world) read(c *snapshot.Completed) (*snapshot.Metadata, snapshot.Held) {
	path := snapshot.MetadataPath(c.Path)
	m, err := snapshot.Decode(path, w.metadata[path])
	if err != nil {
		w.Fatalf("%v", err)
	}
	held := snapshot.Hold(c, m)
	for _, f := range m.Files(c.Root()) {
		if !w.files[f] {
			w.Fatalf("file %v of %s is gone", f, c.Path)
		}
	}
	return m, held
}

// lead brings a new leader, whose job starts all tasks anew.
func (w *world) lead() *simLeader {
	writer := snapshot.Writer{Epoch: ident.LeaderEpoch(len(w.leaders) + 1), Leader: w.id()}
	h := w.fold()
	claim, err := h.NewClaim(writer, w.id(), snapshot.Start{})
	if err != nil {
		w.Fatal(err)
	}
	w.log[claim.Slot] = claim
	if err := h.Apply(claim); err != nil {
		w.Fatal(err)
	}
	var held []snapshot.Held
	for _, c := range slices.Concat(h.Retained, h.Unowned) {
		_, files := w.read(c)
		held = append(held, files)
	}
	config := Defaults(w.job, writer, w.id)
	w.config(&config)
	c, err := New(config, h, held)
	if err != nil {
		w.Fatal(err)
	}
	l := &simLeader{c: c, asked: map[ident.CheckpointID]bool{}, ended: map[ident.CheckpointID]bool{}, started: h.NextCheckpoint - 1}
	w.leaders = append(w.leaders, l)
	w.lastEnd = time.Time{}
	w.do(l, c.Start(w.now))
	w.redeploy(l, h.Latest())
	return l
}

func (w *world) redeploy(l *simLeader, from *snapshot.Completed) {
	chains := map[ident.ExecutionID][]*snapshot.Table{}
	if from != nil {
		m, _ := w.read(from)
		for i, op := range m.Operators {
			for _, s := range op.Subtasks {
				if len(s.Parts) > 0 {
					chains[ident.ExecutionID{Vertex: w.job.Vertices[i].ID, Subtask: ident.SubtaskIndex(s.Subtask)}] = s.Parts[0].Tables
				}
			}
		}
	}
	for _, t := range w.tasks {
		t.e.Attempt++
		t.running, t.finished, t.last = true, false, 0
		t.chain = chains[ident.ExecutionID{Vertex: t.e.Vertex, Subtask: t.e.Subtask}]
		w.step(l, Deployed{t.e})
		w.step(l, Running{t.e})
	}
}

func (w *world) step(l *simLeader, e Event) {
	if l.over {
		return
	}
	w.do(l, l.c.Step(w.now, e))
	if at := l.c.Deadline(); !at.IsZero() && !at.After(w.now) && !l.over {
		w.Fatalf("after %T at %v the deadline is %v", e, w.now, at)
	}
}

func (w *world) later(f func()) { w.todo = append(w.todo, f) }

// arrive lets one thing happen that is on its way, and reports whether there was one.
func (w *world) arrive() bool {
	if len(w.todo) == 0 {
		return false
	}
	at := 0
	if w.random != nil {
		at = w.random.Intn(len(w.todo))
	}
	f := w.todo[at]
	w.todo = slices.Delete(w.todo, at, at+1)
	f()
	return true
}

func (w *world) settle() {
	for w.arrive() {
	}
}

// pass lets time pass up to each deadline.
func (w *world) pass(d time.Duration) {
	for end := w.now.Add(d); ; {
		next := end
		for _, l := range w.leaders {
			if at := l.c.Deadline(); !l.over && !at.IsZero() && at.Before(next) {
				next = at
			}
		}
		w.now = next
		for _, l := range w.leaders {
			w.step(l, Tick{})
		}
		w.settle()
		if !next.Before(end) {
			return
		}
	}
}

func (w *world) do(l *simLeader, commands []Command) {
	for _, c := range commands {
		if w.hold(c) {
			w.held = append(w.held, c)
			continue
		}
		w.seen[fmt.Sprintf("%T", c)]++
		w.carryOut(l, c)
	}
}

func (w *world) carryOut(l *simLeader, c Command) {
	switch c := c.(type) {
	case SnapshotCoordinators:
		w.begins(l, c.Checkpoint)
		for _, op := range c.Operators {
			w.later(func() { w.step(l, CoordinatorState{Checkpoint: c.Checkpoint, Operator: op, State: []byte("splits")}) })
		}
	case Trigger:
		w.trigger(l, c)
	case Abort:
		l.ended[c.Checkpoint] = true
	case Store:
		w.later(func() { w.store(l, c) })
	case Append:
		w.later(func() { w.append(l, c.Entry) })
	case Notify:
		w.notify(l, c)
	case Delete:
		w.later(func() { w.delete(l, c) })
	case Clean:
		w.later(func() { w.clean(c) })
	case Trim:
		for slot := range w.log {
			if slot < c.Below {
				delete(w.log, slot)
			}
		}
	case Answer:
		w.requests[c.Request]++
		w.answers[c.Request] = c
		if w.requests[c.Request] > 1 {
			w.Fatalf("request %s is answered twice", c.Request)
		}
	case Restore:
		latest := w.fold().Latest()
		if current := w.leaders[len(w.leaders)-1]; l == current && (latest.GetCheckpoint() != c.From.GetCheckpoint() || latest != nil && !latest.Told) {
			w.Fatalf("restore from %v, the log has %v", c.From, latest)
		} else if l == current {
			w.redeploy(l, c.From)
		}
	case FailJob:
		w.later(func() { w.step(l, Restart{0}) })
	case Fenced, Closed:
		l.over = true
	}
}

// begins checks the rules for the start of a checkpoint.
func (w *world) begins(l *simLeader, id ident.CheckpointID) {
	if id != l.started+1 {
		w.Fatalf("checkpoint %d begins after %d", id, l.started)
	}
	l.started = id
	p := l.c.find(id)
	inFlight := len(l.c.pendings) - 1
	if p.request == nil || p.request.checkpoint {
		if inFlight >= l.c.config.MaxConcurrent {
			w.Fatalf("checkpoint %d begins beside %d others", id, inFlight)
		}
	}
	if p.request == nil && !l.c.lastCalled && w.now.Before(l.c.lastEnd.Add(l.c.config.MinPause)) {
		w.Fatalf("checkpoint %d begins %v after the last end", id, w.now.Sub(l.c.lastEnd))
	}
}

func (w *world) trigger(l *simLeader, c Trigger) {
	for _, t := range w.tasks {
		if t.finished {
			continue
		}
		e := t.e
		w.later(func() {
			if t.e != e || t.finished || t.last == c.Checkpoint {
				return
			}
			if w.chance(w.unreliable) {
				w.step(l, Decline{Checkpoint: c.Checkpoint, Execution: e, Reason: "no disk", Harmless: w.chance(50)})
				return
			}
			if c.Checkpoint <= t.last {
				w.step(l, Decline{Checkpoint: c.Checkpoint, Execution: e, Reason: "a newer barrier has overtaken it", Harmless: true})
				return
			}
			t.last = c.Checkpoint
			ack := w.snapshot(l, t, c)
			w.later(func() { w.step(l, ack) })
			if w.ids%2 == 0 {
				w.later(func() { w.step(l, ack) })
			}
		})
	}
}

// snapshot extends the chain of a task, or begins it anew.
func (w *world) snapshot(l *simLeader, t *simTask, c Trigger) Ack {
	n := uint64(w.ids)
	data := snapshot.DataFile{Epoch: ident.LeaderEpoch(len(w.leaders)), Attempt: t.e.Attempt, UUID: w.id()}
	sum := uint32(n)
	first, last := uint32(4*t.e.Subtask), uint32(4*t.e.Subtask+3)
	table := &snapshot.Table{File: &snapshot.FileRef{Name: data.Shared(), Length: 1, Crc32C: &sum}, FirstGroup: first, LastGroup: last, Changes: true}
	chain := append(slices.Clone(t.chain), table)
	if len(t.chain) == 0 || len(t.chain) > 3 || c.Kind != snapshot.Kind_CHECKPOINT || w.chance(20) {
		table.Changes, chain = false, []*snapshot.Table{table}
	}
	root := ""
	if c.Kind == snapshot.Kind_SAVEPOINT {
		table.File.Name, root = data.String(), c.Folder
	} else {
		t.chain = chain
	}
	w.files[snapshot.File{Root: root, Name: table.File.Name}] = true
	state := &snapshot.SubtaskState{Subtask: int32(t.e.Subtask), Parts: []*snapshot.KeyedPart{{FirstGroup: first, LastGroup: last, Tables: chain}}}
	return Ack{
		Checkpoint: c.Checkpoint, Execution: t.e, Operators: []OperatorAck{{ID: t.op, State: state}},
		Stats: SubtaskStats{CheckpointedBytes: 1, StateBytes: int64(len(chain))},
	}
}

func (w *world) store(l *simLeader, c Store) {
	path := snapshot.MetadataPath(c.Folder)
	data, err := snapshot.Encode(c.Metadata)
	if err != nil {
		w.Fatal(err)
	}
	switch {
	case w.chance(w.unreliable):
		w.step(l, Stored{c.Checkpoint, StoreFailed, "time out"})
	case w.metadata[path] != nil:
		w.step(l, Stored{c.Checkpoint, StoreExists, ""})
	default:
		w.metadata[path] = data
		w.step(l, Stored{c.Checkpoint, StoreWritten, ""})
	}
}

func (w *world) append(l *simLeader, e *snapshot.LogEntry) {
	if l.over {
		return
	}
	if _, err := snapshot.EncodeEntry(e); err != nil {
		w.Fatal(err)
	}
	answer := LogAnswered{Slot: e.Slot}
	if !w.chance(w.unreliable) && w.log[e.Slot] == nil {
		w.log[e.Slot] = e
		if e.Slot == w.highest() {
			w.logged(e)
		}
	}
	if w.chance(w.unreliable) {
		answer.Failure = "time out"
	} else {
		answer.InSlot, answer.Highest = w.log[e.Slot], w.highest()
	}
	w.later(func() { w.step(l, answer) })
}

// logged checks what is now in the log.
func (w *world) logged(e *snapshot.LogEntry) {
	h := w.fold()
	if done := e.GetComplete(); done != nil && done.Recoverable {
		if id := ident.CheckpointID(done.Checkpoint); id <= w.completed {
			w.Fatalf("checkpoint %d completes after %d", id, w.completed)
		} else {
			w.completed = id
		}
	}
	for _, c := range h.Retained {
		w.read(c)
	}
}

func (w *world) notify(l *simLeader, c Notify) {
	h := w.fold()
	latest := h.Latest()
	if latest == nil || ident.CheckpointID(latest.Checkpoint) < c.Checkpoint {
		w.Fatalf("tasks are told of %d, the log has %v", c.Checkpoint, latest)
	}
	for _, r := range h.Retained {
		if r.Checkpoint == uint64(c.Checkpoint) && !r.Told {
			w.Fatalf("tasks are told of %d, the log does not say so", c.Checkpoint)
		}
		if r.Checkpoint == uint64(c.Subsumed) {
			w.Fatalf("tasks are told that %d is subsumed, which is retained", c.Subsumed)
		}
	}
	if l.ended[c.Checkpoint] {
		w.Fatalf("tasks are told of %d, which was aborted or told before", c.Checkpoint)
	}
	l.ended[c.Checkpoint] = true
}

// named reports whether a snapshot of the history has the file.
func (w *world) named(h *snapshot.History, f snapshot.File) bool {
	for _, r := range slices.Concat(h.Retained, h.Unowned) {
		if _, held := w.read(r); slices.Contains(held.Files, f) {
			return true
		}
	}
	return false
}

// listed are the paths below the job's folder.
func (w *world) listed() (paths []string) {
	for f := range w.files {
		if f.Root == "" {
			paths = append(paths, f.Name)
		}
	}
	for path := range w.metadata {
		if _, own := snapshot.ParseCheckpointFolder(strings.TrimSuffix(path, "/"+snapshot.MetadataName)); own {
			paths = append(paths, path)
		}
	}
	return paths
}

func (w *world) clean(c Clean) {
	for _, path := range snapshot.Garbage(w.listed(), c.Kept, c.Epoch, c.Next) {
		delete(w.files, snapshot.File{Name: path})
		delete(w.metadata, path)
	}
	h := w.fold()
	for _, r := range slices.Concat(h.Retained, h.Unowned) {
		w.read(r)
	}
}

func (w *world) delete(l *simLeader, c Delete) {
	h := w.fold()
	for _, f := range c.Files {
		delete(w.files, f)
		if f.Name != "" && f.Root == "" {
			delete(w.metadata, f.Name)
		}
	}
	for _, r := range slices.Concat(h.Retained, h.Unowned) {
		w.read(r)
	}
	answer := Deleted{Slot: c.Slot}
	if w.chance(w.unreliable) {
		answer.Failure = "the answer was lost"
	}
	w.later(func() { w.step(l, answer) })
}
