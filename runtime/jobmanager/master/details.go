package master

import (
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/message"
)

// Summary is the job's line in the list of jobs.
func (m *Master) Summary() *message.JobSummary {
	s := &message.JobSummary{
		Job: message.IDBytes(m.config.Job.ID), Name: m.config.Job.Name, State: message.JobStateOf(m.graph.State()),
		StartMillis: m.graph.EnteredAt(graph.JobInitializing), EndMillis: -1, Tasks: map[int32]int32{},
		ChangedMillis: m.graph.EnteredAt(m.graph.State()),
	}
	if m.ended {
		s.EndMillis = m.graph.EnteredAt(m.graph.State())
	}
	for state, n := range m.graph.Counts() {
		s.Tasks[int32(message.TaskStateOf(graph.TaskState(state)))] = int32(n)
	}
	return s
}

// Details is all that there is to see of the job. The plan is left to the caller.
func (m *Master) Details() *message.JobDetails {
	d := &message.JobDetails{
		Summary: m.Summary(), StateMillis: map[int32]int64{}, Restarts: int32(m.restarts), Configuration: m.config.Configuration,
		Slots:         &message.SlotSummary{Needed: int32(m.slotsNeeded()), Held: int32(len(m.pool))},
		StaleMessages: m.stale, Accumulators: m.allAccumulators(),
	}
	if m.adaptive != nil {
		d.Rescales = int32(m.adaptive.Rescales())
	}
	if f := m.graph.Failure(); f != nil {
		d.Failure = toFailure(f)
	}
	for s := range graph.JobStates {
		if at := m.graph.EnteredAt(s); at != 0 {
			d.StateMillis[int32(message.JobStateOf(s))] = at
		}
	}
	for _, v := range m.graph.Vertices() {
		d.Vertices = append(d.Vertices, m.vertexDetails(v))
	}
	for i := len(m.exceptions) - 1; i >= 0; i-- {
		d.Exceptions = append(d.Exceptions, m.exceptions[i].entry())
	}
	return d
}

func (m *Master) vertexDetails(v *graph.ExecutionJobVertex) *message.VertexDetails {
	d := &message.VertexDetails{
		Id: message.IDBytes(v.Job.ID), Name: v.Job.Name, Parallelism: int32(v.Job.Parallelism), MaxParallelism: int32(v.Job.MaxParallelism),
		SlotSharingGroup: message.IDBytes(graph.SlotSharingGroupID(m.config.Job.ID, v.Job.SlotSharingGroup)),
	}
	for _, c := range m.coordinators {
		if c.vertex.ID == v.Job.ID {
			d.Coordinators = append(d.Coordinators, &message.CoordinatorDetails{Operator: c.name, Attempt: c.attempt, Id: message.IDBytes(c.operator)})
		}
	}
	for _, s := range v.Subtasks {
		subtask := m.attemptDetails(s.Current())
		subtask.Io, subtask.Accumulators = m.io[s.ID], m.accumulators[s.ID]
		for _, e := range s.Earlier() {
			subtask.Earlier = append(subtask.Earlier, m.attemptDetails(e))
		}
		d.Subtasks = append(d.Subtasks, subtask)
	}
	return d
}

func (m *Master) attemptDetails(e *graph.Execution) *message.SubtaskDetails {
	d := &message.SubtaskDetails{
		Subtask: int32(e.ID.Subtask), Attempt: e.ID.Attempt, State: message.TaskStateOf(e.State()), StateMillis: map[int32]int64{}, TaskExecutor: e.Location,
	}
	if x := m.executor(e.Location); x != nil {
		d.Data = x.data
	}
	for state := range graph.TaskStates {
		if at := e.EnteredAt(state); at != 0 {
			d.StateMillis[int32(message.TaskStateOf(state))] = at
		}
	}
	return d
}

// Result is how the job ended; nil before it has.
func (m *Master) Result() *message.JobResult {
	if !m.ended {
		return nil
	}
	r := &message.JobResult{
		Job: message.IDBytes(m.config.Job.ID), Name: m.config.Job.Name, State: message.JobStateOf(m.graph.State()),
		Accumulators: m.allAccumulators(), StartMillis: m.graph.EnteredAt(graph.JobInitializing), EndMillis: m.graph.EnteredAt(m.graph.State()),
	}
	if m.graph.State() == graph.JobFailed {
		r.Failure = toFailure(m.graph.Failure())
	}
	return r
}

// allAccumulators lists what subtasks have gathered, in the order of vertices and subtasks.
func (m *Master) allAccumulators() []*message.Accumulator {
	var all []*message.Accumulator
	for _, v := range m.graph.Vertices() {
		for _, s := range v.Subtasks {
			all = append(all, m.accumulators[s.ID]...)
		}
	}
	return all
}

func (e *exception) entry() *message.ExceptionEntry {
	entry := e.fault.entry()
	for _, f := range e.concurrent {
		entry.Concurrent = append(entry.Concurrent, f.entry())
	}
	return entry
}

func (e *fault) entry() *message.ExceptionEntry {
	entry := &message.ExceptionEntry{Failure: toFailure(e.cause), Millis: e.cause.At, Subtask: -1, TaskExecutor: e.executor}
	if e.of != nil {
		entry.Vertex, entry.Subtask, entry.Attempt = message.IDBytes(e.of.ID.Vertex), int32(e.of.ID.Subtask), e.of.ID.Attempt
	}
	return entry
}

func toFailure(c *graph.FailureCause) *message.Failure {
	return &message.Failure{Message: c.Message, Operator: c.Operator, Subtask: int32(c.Subtask), Class: int32(c.Class), Stack: c.Stack}
}
