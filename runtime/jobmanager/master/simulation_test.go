package master

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/jobmanager/resource"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/schedule"
	"github.com/weir-stream/weir/runtime/schedule/adaptive"
	tm "github.com/weir-stream/weir/runtime/taskmanager/executor"
)

// simulation is a cluster of the pure parts: a Master, a resource.Manager, Executors with scripted workers, and a network
// that loses, doubles and reorders. One seed gives one run.
type simulation struct {
	t      *testing.T
	random *rand.Rand
	faults faults
	now    time.Time
	timing message.Timing

	job     *graph.JobGraph
	config  Config
	master  *Master
	manager *resource.Manager
	nodes   []*node
	flying  []message.Envelope
	ids     uint64
	ended   bool
	steps   int
	// parallelisms counts deployments by the parallelism of their vertex.
	parallelisms map[int]int
	// deployed has the worker that each attempt was deployed to.
	deployed map[ident.ExecutionID]*fakeWorker
	trace    []func() string
}

// faults are probabilities per step or message.
type faults struct {
	lose, double                                     float64
	failTask, crashWorker, killNode, failCoordinator float64
	cancel                                           float64
	// loseNode ends a node without another in its place, joinNode starts one, require changes the bounds of the parallelism.
	loseNode, joinNode, require float64
	// stubborn tasks do not stop when they are cancelled.
	stubborn float64
}

// node is a TaskExecutor with the workers of its jobs.
type node struct {
	executor *tm.Executor
	address  *message.Address
	worker   *fakeWorker
}

var masterAddress = &message.Address{Host: "h", Id: "jobmaster"}
var managerAddress = &message.Address{Host: "h", Id: "resourcemanager"}

const epoch = 7

func newSimulation(t *testing.T, seed int64, job *graph.JobGraph, f faults, restart schedule.RestartStrategy) *simulation {
	s := &simulation{
		t: t, random: rand.New(rand.NewSource(seed)), faults: f, job: job, now: time.UnixMilli(1_000_000),
		timing: message.Timing{Interval: 10 * time.Second, Timeout: 50 * time.Second}, deployed: map[ident.ExecutionID]*fakeWorker{},
		parallelisms: map[int]int{},
	}
	s.manager = resource.New(resource.Config{LeaderEpoch: epoch, Timing: s.timing, NewAllocation: s.newID})
	s.config = Config{
		Job: job, LeaderEpoch: epoch, Address: masterAddress, ResourceManager: managerAddress, Timing: s.timing,
		SlotRequestTimeout: 5 * time.Minute, SlotIdleTimeout: 50 * time.Second, AttemptHistory: 2, ExceptionHistory: 4,
		Restart: restart, Uniform: s.random.Float64,
	}
	s.master = New(s.config, s.now)
	return s
}

// adapt puts the job under the adaptive scheduler.
func (s *simulation) adapt() {
	s.config.Adaptive = &adaptive.Config{
		SubmissionWait: 5 * time.Minute, SubmissionStabilization: time.Second, Cooldown: 100 * time.Millisecond, Stabilization: time.Second, History: 3, NewID: s.newID,
	}
	s.master = New(s.config, s.now)
}

// require asks for other bounds of the job's parallelism.
func (s *simulation) require() {
	var wanted []*message.VertexBounds
	upper := int32(1 + s.random.Intn(5))
	for _, v := range s.job.Vertices {
		wanted = append(wanted, &message.VertexBounds{Vertex: message.IDBytes(v.ID), Lower: 1, Upper: upper})
	}
	s.note("require up to %d", upper)
	if err := s.master.Require(s.now, wanted); err != nil {
		s.fatalf("%v", err)
	}
}

func (s *simulation) newID() ident.ID {
	s.ids++
	var id ident.ID
	binary.BigEndian.PutUint64(id[8:], s.ids)
	return id
}

func (s *simulation) addNode(slots int) *node {
	s.ids++
	id := fmt.Sprintf("tm-%d", s.ids)
	n := &node{address: &message.Address{Host: "h", Id: id}}
	n.executor = tm.New(tm.Config{
		ID: id, Address: n.address, Slots: slots, Timing: s.timing, ResourceManager: managerAddress, LeaderEpoch: epoch,
		CancellationTimeout: func(map[string]string) time.Duration { return 3 * time.Minute }, CanKill: true,
	}, s.now)
	s.nodes = append(s.nodes, n)
	return n
}

// run drives the cluster until the job is over and nothing of it is left, or the steps are used up.
func (s *simulation) run(steps int) {
	s.master.Start(s.now)
	s.collect()
	for s.steps = range steps {
		s.step()
		s.check()
		if s.ended && s.master.dismissed && s.quiet() {
			return
		}
	}
	s.fatalf("after %d steps the job is %s: %v", steps, s.master.State(), s.master.graph.Counts())
}

// quiet reports whether no TaskExecutor holds anything any more.
func (s *simulation) quiet() bool {
	for _, n := range s.nodes {
		if n.worker != nil || n.executor.Given() > 0 {
			return false
		}
	}
	return true
}

func (s *simulation) step() {
	if s.chance(s.faults.cancel) {
		s.note("cancel")
		s.master.Cancel(s.now)
	}
	if len(s.nodes) > 0 && s.chance(s.faults.killNode) {
		n := s.nodes[s.random.Intn(len(s.nodes))]
		s.note("kill %s", n.address.Id)
		s.nodes = slices.DeleteFunc(s.nodes, func(other *node) bool { return other == n })
		s.addNode(2)
	}
	if len(s.nodes) > 1 && s.chance(s.faults.loseNode) {
		n := s.nodes[s.random.Intn(len(s.nodes))]
		s.note("lose %s", n.address.Id)
		s.nodes = slices.DeleteFunc(s.nodes, func(other *node) bool { return other == n })
	}
	if len(s.nodes) < 4 && s.chance(s.faults.joinNode) {
		s.addNode(2)
	}
	if s.chance(s.faults.require) {
		s.require()
	}
	workers := s.workers()
	switch pick := s.random.Intn(10); {
	case pick < 6 && len(s.flying) > 0:
		s.deliver()
	case pick < 9 && len(workers) > 0:
		workers[s.random.Intn(len(workers))].act()
	default:
		s.passTime()
	}
	s.collect()
}

func (s *simulation) chance(p float64) bool { return p > 0 && s.random.Float64() < p }

func (s *simulation) workers() []*fakeWorker {
	var all []*fakeWorker
	for _, n := range s.nodes {
		if n.worker != nil {
			all = append(all, n.worker)
		}
	}
	return all
}

// passTime goes to the next deadline, but only a little way while messages are on their way: the network is faster than
// heartbeats.
func (s *simulation) passTime() {
	next := message.Earliest(s.master.Deadline(), s.manager.Deadline())
	for _, n := range s.nodes {
		next = message.Earliest(next, n.executor.Deadline())
	}
	if len(s.flying) > 0 {
		next = message.Earliest(next, s.now.Add(20*time.Millisecond))
	}
	if next.After(s.now) {
		s.now = next
	}
	s.master.Tick(s.now)
	s.manager.Tick(s.now)
	for _, n := range s.nodes {
		n.executor.Tick(s.now)
	}
}

func (s *simulation) deliver() {
	at := s.random.Intn(len(s.flying))
	e := s.flying[at]
	if s.chance(s.faults.lose) {
		s.flying = slices.Delete(s.flying, at, at+1)
		return
	}
	if !s.chance(s.faults.double) {
		s.flying = slices.Delete(s.flying, at, at+1)
	}
	encoded, err := proto.Marshal(e.Body)
	if err != nil {
		s.fatalf("%v", err)
	}
	m := e.Body.ProtoReflect().New().Interface()
	if err := proto.Unmarshal(encoded, m); err != nil {
		s.fatalf("%v", err)
	}
	switch e.To.Id {
	case masterAddress.Id:
		s.master.Receive(s.now, m)
	case managerAddress.Id:
		s.manager.Receive(s.now, m)
	default:
		for _, n := range s.nodes {
			if n.address.Id == e.To.Id {
				n.executor.Receive(s.now, m)
			}
		}
	}
}

func (s *simulation) send(e message.Envelope) { s.flying = append(s.flying, e) }

// collect carries out what the parts have decided.
func (s *simulation) collect() {
	for _, c := range s.master.Take() {
		switch c := c.(type) {
		case Send:
			s.send(message.Envelope(c))
		case Ended:
			if s.ended {
				s.fatalf("the job has ended twice")
			}
			s.ended = true
			s.faults = faults{}
		}
	}
	for _, c := range s.manager.Take() {
		if c, ok := c.(resource.Send); ok {
			s.send(message.Envelope(c))
		}
	}
	for _, n := range s.nodes {
		for _, c := range n.executor.Take() {
			s.carryOut(n, c)
		}
	}
}

func (s *simulation) carryOut(n *node, command tm.Command) {
	switch c := command.(type) {
	case tm.Send:
		s.send(message.Envelope(c))
	case tm.Launch:
		s.note("launch %s/%d", n.address.Id, c.Incarnation)
		n.worker = &fakeWorker{
			sim: s, node: n, incarnation: c.Incarnation, epoch: c.LeaderEpoch,
			tasks: map[ident.ExecutionID]*fakeTask{}, coordinators: map[ident.OperatorID]*fakeCoordinator{},
		}
	case tm.Tell:
		if n.worker == nil {
			s.fatalf("a message for a worker that was not launched: %v", c.Message)
		}
		n.worker.receive(c.Message)
	case tm.Close:
		n.worker = nil
	case tm.Abandon:
		s.fatalf("abandoned: %v", c.Failure)
	}
}

func (s *simulation) note(format string, args ...any) {
	s.trace = append(s.trace, func() string { return fmt.Sprintf(format, args...) })
	if len(s.trace) > 200 {
		s.trace = slices.Delete(s.trace, 0, 100)
	}
}

func (s *simulation) fatalf(format string, args ...any) {
	s.t.Helper()
	for _, line := range s.trace[max(0, len(s.trace)-60):] {
		s.t.Log(line())
	}
	s.t.Fatalf(format, args...)
}

// check asserts the invariants.
func (s *simulation) check() {
	live := map[graph.SubtaskID]ident.ExecutionID{}
	coordinators := map[ident.OperatorID]int32{}
	for _, n := range s.nodes {
		if x := s.master.executor(n.address.Id); n.worker == nil || x == nil || n.executor.SessionOf(s.job.ID) != x.link.Session() {
			continue // what the master has given up may live on for a while; nobody hears it
		}
		for id, task := range n.worker.tasks {
			subtask := graph.SubtaskID{Vertex: id.Vertex, Subtask: id.Subtask}
			if task.state.Ended() {
				continue
			}
			if other, two := live[subtask]; two {
				s.fatalf("two live attempts: %s and %s", other, id)
			}
			live[subtask] = id
		}
		for op, c := range n.worker.coordinators {
			if other, two := coordinators[op]; two {
				s.fatalf("coordinator attempts %d and %d run at once", other, c.attempt)
			}
			coordinators[op] = c.attempt
		}
	}
	s.checkSlots()
}

func (s *simulation) checkSlots() {
	for i, slot := range s.master.pool {
		for _, other := range s.master.pool[:i] {
			if other.executor == slot.executor && other.index == slot.index {
				s.fatalf("slot %d of %s is held twice", slot.index, slot.executor.id)
			}
		}
		if slot.shared != nil && slot.shared.slot != slot {
			s.fatalf("slot %d of %s serves a shared slot that does not know it", slot.index, slot.executor.id)
		}
	}
	for _, shared := range s.master.shared {
		if shared.slot != nil && (shared.slot.shared != shared || !slices.Contains(s.master.pool, shared.slot)) {
			s.fatalf("shared slot %s/%d has a slot that is another's or gone", shared.Group, shared.Index)
		}
	}
	for _, v := range s.master.graph.Vertices() {
		for _, subtask := range v.Subtasks {
			e := subtask.Current()
			if deployed := e.State() >= graph.TaskDeploying && !e.State().Terminal(); deployed && s.master.slotOf(subtask.ID) == nil {
				s.fatalf("%s is %s without a slot", e.ID, e.State())
			}
		}
	}
}

// fakeWorker does what a worker does, a random piece at a time. A source's subtask asks its coordinator for a split and
// ends only when it was given one.
type fakeWorker struct {
	sim          *simulation
	node         *node
	incarnation  uint64
	epoch        uint64
	tasks        map[ident.ExecutionID]*fakeTask
	coordinators map[ident.OperatorID]*fakeCoordinator
}

type fakeTask struct {
	id       ident.ExecutionID
	source   ident.OperatorID // zero if it is none
	state    message.TaskState
	canceled bool
	split    bool
	stubborn bool
}

type fakeCoordinator struct {
	attempt  int32
	attached map[int32]int32
}

func (w *fakeWorker) receive(m *message.ToWorker) {
	switch body := m.Body.(type) {
	case *message.ToWorker_Deploy:
		w.deploy(body.Deploy)
	case *message.ToWorker_CancelTask:
		id, _ := body.CancelTask.Execution.Ident()
		if task := w.tasks[id]; task != nil {
			task.canceled = true
		} else {
			w.sim.fatalf("cancellation of the unknown %s", id)
		}
	case *message.ToWorker_StartCoordinator:
		op, _ := message.ID(body.StartCoordinator.Operator)
		if w.coordinators[op] != nil {
			w.sim.fatalf("the coordinator runs already")
		}
		w.coordinators[op] = &fakeCoordinator{attempt: body.StartCoordinator.Attempt, attached: map[int32]int32{}}
	case *message.ToWorker_StopCoordinator:
		op, _ := message.ID(body.StopCoordinator.Operator)
		delete(w.coordinators, op)
	case *message.ToWorker_SubtaskReady:
		if c := w.coordinator(body.SubtaskReady.Operator, body.SubtaskReady.CoordinatorAttempt); c != nil {
			c.attached[body.SubtaskReady.Subtask] = body.SubtaskReady.Attempt
		}
	case *message.ToWorker_SubtaskGone:
		if c := w.coordinator(body.SubtaskGone.Operator, body.SubtaskGone.CoordinatorAttempt); c != nil {
			if c.attached[body.SubtaskGone.Subtask] != body.SubtaskGone.Attempt {
				w.sim.fatalf("an attempt is detached that is not attached")
			}
			delete(c.attached, body.SubtaskGone.Subtask)
		}
	case *message.ToWorker_SubtaskReset:
		if c := w.coordinator(body.SubtaskReset.Operator, body.SubtaskReset.CoordinatorAttempt); c != nil {
			if _, attached := c.attached[body.SubtaskReset.Subtask]; attached {
				w.sim.fatalf("a subtask is reset while an attempt of it is attached")
			}
		}
	case *message.ToWorker_ToCoordinator:
		w.answer(body.ToCoordinator)
	case *message.ToWorker_ToSubtask:
		id, _ := body.ToSubtask.Execution.Ident()
		if task := w.tasks[id]; task != nil {
			task.split = true
		}
	}
}

func (w *fakeWorker) coordinator(operator []byte, attempt int32) *fakeCoordinator {
	op, _ := message.ID(operator)
	if c := w.coordinators[op]; c != nil && c.attempt == attempt {
		return c
	}
	return nil
}

func (w *fakeWorker) answer(request *message.SubtaskToCoordinator) {
	c := w.coordinator(request.Operator, request.CoordinatorAttempt)
	if c == nil {
		return
	}
	if attempt, attached := c.attached[request.Execution.Subtask]; !attached || attempt != request.Execution.Attempt {
		w.sim.fatalf("an event of a reader that is not attached")
	}
	w.report(&message.FromWorker{Body: &message.FromWorker_ToSubtask{ToSubtask: &message.CoordinatorToSubtask{
		Operator: request.Operator, Execution: request.Execution, Event: []byte("split"), CoordinatorAttempt: c.attempt,
	}}})
}

func (w *fakeWorker) deploy(d *message.Deploy) {
	id, err := d.Execution.Ident()
	if err != nil {
		w.sim.fatalf("%v", err)
	}
	if before := w.sim.deployed[id]; before != nil {
		w.sim.fatalf("%s is deployed twice", id)
	}
	w.sim.deployed[id] = w
	w.sim.note("deploy %s on %s", id, w.node.address.Id)
	for _, in := range d.Inputs {
		for _, p := range in.Producers {
			w.sim.checkPeer(w.sim.job.Edges[in.Edge].From, p)
		}
	}
	if w.sim.master.adaptive != nil {
		w.sim.checkParallelism(id, d)
	}
	task := &fakeTask{id: id, state: message.TaskState_DEPLOYING, stubborn: w.sim.chance(w.sim.faults.stubborn)}
	for _, op := range w.sim.job.Vertex(id.Vertex).Operators {
		if op.Coordinated {
			task.source = op.ID
		}
	}
	w.tasks[id] = task
}

// checkParallelism: a deployment agrees with itself about how many subtasks there are.
func (s *simulation) checkParallelism(id ident.ExecutionID, d *message.Deploy) {
	told := map[ident.VertexID]int{}
	for _, p := range d.Parallelism {
		vertex, _ := message.ID(p.Vertex)
		told[vertex] = int(p.Parallelism)
	}
	if int(id.Subtask) >= told[id.Vertex] {
		s.fatalf("subtask %s of %d", id, told[id.Vertex])
	}
	job, err := s.job.WithParallelism(told)
	if err != nil {
		s.fatalf("%v", err)
	}
	for _, e := range job.Vertex(id.Vertex).Inputs {
		if want, got := len(graph.Producers(e, int(id.Subtask))), len(d.Inputs[slices.Index(job.Vertex(id.Vertex).Inputs, e)].Producers); got != want {
			s.fatalf("%s has %d producers, want %d", id, got, want)
		}
	}
	s.parallelisms[told[id.Vertex]]++
}

func (s *simulation) checkPeer(v *graph.JobVertex, p *message.PeerAttempt) {
	e := s.master.execution(graph.SubtaskID{Vertex: v.ID, Subtask: ident.SubtaskIndex(p.Subtask)})
	if p.Attempt > e.ID.Attempt {
		s.fatalf("a peer of an attempt that does not exist yet: %v", p)
	}
}

// act does one random thing.
func (w *fakeWorker) act() {
	s := w.sim
	if s.chance(s.faults.crashWorker) {
		s.note("crash %s/%d", w.node.address.Id, w.incarnation)
		w.node.worker = nil
		w.report(&message.FromWorker{Body: &message.FromWorker_Stopped{Stopped: &message.WorkerStopped{Failure: &message.Failure{Message: "killed"}}}})
		return
	}
	if s.chance(s.faults.failCoordinator) {
		for op, c := range w.coordinators {
			delete(w.coordinators, op)
			s.note("coordinator fails")
			w.report(&message.FromWorker{Body: &message.FromWorker_CoordinatorFailed{CoordinatorFailed: &message.CoordinatorFailed{
				Operator: message.IDBytes(op), Attempt: c.attempt, Failure: &message.Failure{Message: "enumerator"},
			}}})
			return
		}
	}
	ids := slices.SortedFunc(maps.Keys(w.tasks), func(a, b ident.ExecutionID) int {
		return cmp.Or(cmp.Compare(a.String(), b.String()))
	})
	var busy []*fakeTask
	for _, id := range ids {
		if !w.tasks[id].state.Ended() {
			busy = append(busy, w.tasks[id])
		}
	}
	if len(busy) > 0 {
		w.advance(busy[s.random.Intn(len(busy))])
	}
}

func (w *fakeWorker) advance(task *fakeTask) {
	s := w.sim
	switch {
	case task.stubborn && task.canceled:
	case s.chance(s.faults.failTask):
		w.become(task, message.TaskState_FAILED)
	case task.canceled && s.random.Intn(4) > 0:
		w.become(task, message.TaskState_CANCELED)
	case task.state == message.TaskState_DEPLOYING:
		w.become(task, message.TaskState_INITIALIZING)
		if !task.source.IsZero() {
			w.report(&message.FromWorker{Body: &message.FromWorker_ToCoordinator{ToCoordinator: &message.SubtaskToCoordinator{
				Operator: message.IDBytes(task.source), Execution: message.NewExecutionID(task.id), Event: []byte("request"),
			}}})
		}
	case task.state == message.TaskState_INITIALIZING:
		w.become(task, message.TaskState_RUNNING)
	case task.source.IsZero() || task.split:
		w.become(task, message.TaskState_FINISHED)
	}
}

func (w *fakeWorker) become(task *fakeTask, state message.TaskState) {
	task.state = state
	w.sim.note("%s %s", task.id, state)
	changed := &message.TaskStateChanged{Execution: message.NewExecutionID(task.id), State: state}
	if state == message.TaskState_FAILED {
		changed.Failure = &message.Failure{Message: "task " + task.id.String() + " failed", Class: int32(operator.User)}
	}
	if state == message.TaskState_FINISHED {
		changed.Accumulators = []*message.Accumulator{{Name: "n", Value: []byte("1")}}
	}
	w.report(&message.FromWorker{Body: &message.FromWorker_TaskState{TaskState: changed}})
}

func (w *fakeWorker) report(m *message.FromWorker) {
	m.LeaderEpoch = w.epoch
	w.node.executor.Report(w.sim.now, w.sim.job.ID, w.incarnation, m)
}
