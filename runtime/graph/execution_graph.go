package graph

import (
	"fmt"

	"github.com/weir-stream/weir/runtime/ident"
)

// DefaultAttemptHistory is how many ended attempts of a subtask are kept (jobmanager.execution.attempts-history-size).
const DefaultAttemptHistory = 16

// ExecutionGraph is a job as it runs: its state, and the state of every attempt of every subtask. It decides nothing
// and does nothing; it only keeps what the JobMaster decided and what tasks reported, and refuses what cannot be.
//
// All times are milliseconds since the epoch. One goroutine owns an ExecutionGraph.
type ExecutionGraph struct {
	job      *JobGraph
	history  int
	state    JobState
	entered  [JobStates]int64
	failure  *FailureCause
	vertices []*ExecutionJobVertex
	byID     map[ident.VertexID]*ExecutionJobVertex
	// retired are the subtasks that a lower parallelism has no use for. They come back with a higher one, since attempts are never numbered twice.
	retired map[SubtaskID]*ExecutionVertex
}

// NewExecutionGraph returns the graph of a job that is INITIALIZING, with all subtasks CREATED in attempt 0.
// attemptHistory is how many ended attempts of a subtask are kept; below 0 it is DefaultAttemptHistory.
func NewExecutionGraph(job *JobGraph, attemptHistory int, at int64) *ExecutionGraph {
	if attemptHistory < 0 {
		attemptHistory = DefaultAttemptHistory
	}
	g := &ExecutionGraph{job: job, history: attemptHistory, byID: make(map[ident.VertexID]*ExecutionJobVertex, len(job.Vertices))}
	g.entered[JobInitializing] = at
	for _, v := range job.Vertices {
		vertex := &ExecutionJobVertex{Job: v}
		for i := range v.Parallelism {
			id := ident.ExecutionID{Job: job.ID, Vertex: v.ID, Subtask: ident.SubtaskIndex(i)}
			vertex.Subtasks = append(vertex.Subtasks, &ExecutionVertex{
				ID:      SubtaskID{Vertex: v.ID, Subtask: id.Subtask},
				current: newExecution(id, at),
			})
		}
		g.vertices = append(g.vertices, vertex)
		g.byID[v.ID] = vertex
	}
	return g
}

// Job is the graph that is executed.
func (g *ExecutionGraph) Job() *JobGraph { return g.job }

// State is the state of the job.
func (g *ExecutionGraph) State() JobState { return g.state }

// EnteredAt is when the job last came into a state, or 0 if it never did.
func (g *ExecutionGraph) EnteredAt(s JobState) int64 { return g.entered[s] }

// Failure is the cause of the job's latest failure, or nil.
func (g *ExecutionGraph) Failure() *FailureCause { return g.failure }

// SetFailure keeps the cause of a failure of the job.
func (g *ExecutionGraph) SetFailure(cause *FailureCause) { g.failure = cause }

// Become moves the job into another state. Being in it already is no error. The error is a [*JobTransitionError].
func (g *ExecutionGraph) Become(to JobState, at int64) error {
	if g.state == to {
		return nil
	}
	if !g.state.CanBecome(to) {
		return &JobTransitionError{Job: g.job.ID, Name: g.job.Name, From: g.state, To: to}
	}
	g.state, g.entered[to] = to, at
	return nil
}

// Vertices are in the order of the job graph.
func (g *ExecutionGraph) Vertices() []*ExecutionJobVertex { return g.vertices }

// Vertex returns the vertex of that id, or nil.
func (g *ExecutionGraph) Vertex(id ident.VertexID) *ExecutionJobVertex { return g.byID[id] }

// Subtask returns a subtask, or nil if there is no such one.
func (g *ExecutionGraph) Subtask(id SubtaskID) *ExecutionVertex {
	v := g.byID[id.Vertex]
	if v == nil || id.Subtask < 0 || int(id.Subtask) >= len(v.Subtasks) {
		return nil
	}
	return v.Subtasks[id.Subtask]
}

// Execution returns an attempt if it is the current one of its subtask; else the error is an [*UnknownExecutionError].
func (g *ExecutionGraph) Execution(id ident.ExecutionID) (*Execution, error) {
	s := g.Subtask(SubtaskID{Vertex: id.Vertex, Subtask: id.Subtask})
	if s == nil || id.Job != g.job.ID {
		return nil, &UnknownExecutionError{ID: id, Current: -1}
	}
	if s.current.ID.Attempt != id.Attempt {
		return nil, &UnknownExecutionError{ID: id, Current: s.current.ID.Attempt}
	}
	return s.current, nil
}

// Update moves an attempt into another state, decided here or reported by its task, and reports whether anything
// changed: a repeated report changes nothing and is no error. An attempt that was being canceled becomes CANCELED
// whatever it ended in. failure may be nil. The error is an [*UnknownExecutionError] or a [*TaskTransitionError];
// nothing has changed then.
func (g *ExecutionGraph) Update(id ident.ExecutionID, to TaskState, at int64, failure *FailureCause) (changed bool, err error) {
	e, err := g.Execution(id)
	if err != nil {
		return false, err
	}
	return e.become(to, at, failure)
}

// Restart begins the next attempts of subtasks whose current ones are over, all or none of them. The error is an
// [*UnknownExecutionError] or, if an attempt is not over, a [*TaskTransitionError].
func (g *ExecutionGraph) Restart(subtasks []SubtaskID, at int64) error {
	for _, id := range subtasks {
		s := g.Subtask(id)
		if s == nil {
			return &UnknownExecutionError{ID: ident.ExecutionID{Job: g.job.ID, Vertex: id.Vertex, Subtask: id.Subtask}, Current: -1}
		}
		if !s.current.state.Terminal() {
			return &TaskTransitionError{ID: s.current.ID, From: s.current.state, To: TaskCreated}
		}
	}
	for _, id := range subtasks {
		if s := g.Subtask(id); s.current.state != TaskCreated { // unless it was listed before
			s.restart(at, g.history)
		}
	}
	return nil
}

// Rescale makes job, which has the same vertices, the graph that is executed. All subtasks must be over or not begun: those that were begin their
// next attempts, and those that are new their first. The error is a [*TaskTransitionError] if an attempt is not over; nothing has changed then.
func (g *ExecutionGraph) Rescale(job *JobGraph, at int64) error {
	for _, v := range g.vertices {
		for _, s := range v.Subtasks {
			if state := s.current.state; state != TaskCreated && !state.Terminal() {
				return &TaskTransitionError{ID: s.current.ID, From: state, To: TaskCreated}
			}
		}
	}
	if g.retired == nil {
		g.retired = map[SubtaskID]*ExecutionVertex{}
	}
	for _, v := range g.vertices {
		for _, s := range v.Subtasks {
			g.retired[s.ID] = s
		}
	}
	g.job, g.vertices = job, nil
	clear(g.byID)
	for _, v := range job.Vertices {
		vertex := &ExecutionJobVertex{Job: v}
		for i := range v.Parallelism {
			vertex.Subtasks = append(vertex.Subtasks, g.comeBack(SubtaskID{Vertex: v.ID, Subtask: ident.SubtaskIndex(i)}, at))
		}
		g.vertices = append(g.vertices, vertex)
		g.byID[v.ID] = vertex
	}
	return nil
}

// comeBack returns a subtask that was retired, in its next attempt, or a new one.
func (g *ExecutionGraph) comeBack(id SubtaskID, at int64) *ExecutionVertex {
	s := g.retired[id]
	if s == nil {
		return &ExecutionVertex{ID: id, current: newExecution(ident.ExecutionID{Job: g.job.ID, Vertex: id.Vertex, Subtask: id.Subtask}, at)}
	}
	delete(g.retired, id)
	if s.current.state != TaskCreated {
		s.restart(at, g.history)
	}
	return s
}

// Counts says how many subtasks of the job are in each state.
func (g *ExecutionGraph) Counts() [TaskStates]int {
	var counts [TaskStates]int
	for _, v := range g.vertices {
		for s, n := range v.Counts() {
			counts[s] += n
		}
	}
	return counts
}

// AllIn reports whether every subtask is in one of these states: all RUNNING or FINISHED, say, or all over.
func (g *ExecutionGraph) AllIn(states ...TaskState) bool {
	counts, in := g.Counts(), [TaskStates]bool{}
	for _, s := range states {
		in[s] = true
	}
	for s, n := range counts {
		if n > 0 && !in[s] {
			return false
		}
	}
	return true
}

// JobTransitionError says that a job cannot come into a state from the one it is in.
type JobTransitionError struct {
	Job      ident.JobID
	Name     string
	From, To JobState
}

// Error names the job and both states.
func (e *JobTransitionError) Error() string {
	return fmt.Sprintf("job %q (%s) is %s and cannot become %s", e.Name, e.Job, e.From, e.To)
}
