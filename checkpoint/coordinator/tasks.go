package coordinator

import (
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
)

// life is how far an attempt has come.
type life uint8

const (
	absent life = iota // not deployed, or not running yet, or gone
	running
	ended // waits for its last checkpoint
	finished

	lives // their number
)

// task is a subtask with the attempt that counts.
type task struct {
	vertex    *graph.JobVertex
	subtask   ident.SubtaskIndex
	execution ident.ExecutionID
	life      life
	// deployed says that execution is set, gone that the attempt will not come back.
	deployed, gone bool
}

// tasks are the subtasks of a job.
type tasks struct {
	// all are in the order of vertices and indexes.
	all  []*task
	byID map[graph.SubtaskID]*task
	// inputs are the edges that lead to each vertex.
	inputs map[*graph.JobVertex][]*graph.JobEdge
	// counts says how many subtasks have come how far, done how many of each vertex send nothing more.
	counts [lives]int
	done   map[*graph.JobVertex]int
}

func newTasks(job *graph.JobGraph) *tasks {
	t := &tasks{byID: map[graph.SubtaskID]*task{}, inputs: map[*graph.JobVertex][]*graph.JobEdge{}, done: map[*graph.JobVertex]int{}}
	for _, v := range job.Vertices {
		for i := range v.Parallelism {
			made := &task{vertex: v, subtask: ident.SubtaskIndex(i)}
			t.all = append(t.all, made)
			t.byID[graph.SubtaskID{Vertex: v.ID, Subtask: made.subtask}] = made
		}
	}
	for _, e := range job.Edges {
		t.inputs[e.To] = append(t.inputs[e.To], e)
	}
	t.counts[absent] = len(t.all)
	return t
}

func (t *tasks) subtask(e ident.ExecutionID) *task {
	return t.byID[graph.SubtaskID{Vertex: e.Vertex, Subtask: e.Subtask}]
}

// current returns the subtask whose attempt this is, nil if it has another one.
func (t *tasks) current(e ident.ExecutionID) *task {
	if found := t.subtask(e); found != nil && found.deployed && found.execution == e {
		return found
	}
	return nil
}

func (t *tasks) set(one *task, to life) {
	t.counts[one.life]--
	t.counts[to]++
	if one.life >= ended {
		t.done[one.vertex]--
	}
	if to >= ended {
		t.done[one.vertex]++
	}
	one.life = to
}

// atFront reports whether all that sends to a subtask has come to its end, so that no barrier may come and it has to be triggered.
func (t *tasks) atFront(one *task) bool {
	if one.life == finished {
		return false
	}
	for _, e := range t.inputs[one.vertex] {
		if t.done[e.From] == e.From.Parallelism {
			continue
		}
		if !e.Partitioning.Pointwise() {
			return false
		}
		for _, producer := range graph.Producers(e, int(one.subtask)) {
			if t.byID[graph.SubtaskID{Vertex: e.From.ID, Subtask: ident.SubtaskIndex(producer)}].life < ended {
				return false
			}
		}
	}
	return true
}
