package coordinator

import (
	"fmt"
	"time"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/ident"
)

// stage is how far a checkpoint has come.
//
//	ofCoordinators -> ofTasks -> storing -> queued -> logging -> (completed)
//	      |              |          |         |
//	      +--------------+----------+---------+--> (failed)
//
// Once its slot has been tried, nobody can say that a checkpoint has failed, only that it is not known yet.
type stage uint8

const (
	ofCoordinators stage = iota
	ofTasks
	storing
	queued
	logging
)

// pending is a checkpoint in flight.
type pending struct {
	id     ident.CheckpointID
	kind   snapshot.Kind
	folder string
	// request is nil for one that nobody has asked for.
	request          *request
	stage            stage
	started, timeout time.Time
	// coordinators has the states that have come, of the operators that have a coordinator; toCome counts the others.
	coordinators map[ident.OperatorID]coordinatorState
	toCome       int
	// parts are those of all subtasks, order has them in the order of vertices and indexes.
	parts          map[*task]*taskPart
	order          []*taskPart
	unacknowledged int
	// held is set once the metadata is there.
	held snapshot.Held
	// stats are for the history.
	stats *Statistics
}

// taskPart is what one subtask has to do with a checkpoint.
type taskPart struct {
	task      *task
	execution ident.ExecutionID
	// front says that the task was triggered directly.
	front bool
	// finished says that the task was over before the checkpoint began, acked that it has answered.
	finished, acked bool
	// inputEnded says that its operators had finished when it took the checkpoint.
	inputEnded bool
	operators  []OperatorAck
	// statsAt is the vertex in the statistics.
	statsAt int
}

func (p *pending) savepoint() bool { return p.kind == snapshot.Kind_SAVEPOINT }

func (p *pending) stop() bool { return p.request != nil && p.request.Stop }

// recoverable says that the job can go on from it.
func (p *pending) recoverable() bool { return !p.savepoint() || p.stop() }

func (p *pending) String() string {
	if p.savepoint() {
		return fmt.Sprintf("savepoint %d", p.id)
	}
	return fmt.Sprintf("checkpoint %d", p.id)
}

// plan settles who takes part: all subtasks that have not finished.
func (p *pending) plan(t *tasks) {
	p.parts = map[*task]*taskPart{}
	for _, one := range t.all {
		part := &taskPart{task: one, execution: one.execution, finished: one.life == finished}
		p.parts[one] = part
		p.order = append(p.order, part)
		if !part.finished {
			p.unacknowledged++
		}
	}
}

// fronts are the attempts that are to be triggered now and were not before.
func (p *pending) fronts(t *tasks) (list []ident.ExecutionID) {
	for _, part := range p.order {
		if !part.front && !part.acked && !part.finished && t.atFront(part.task) {
			part.front = true
			list = append(list, part.execution)
		}
	}
	return list
}

// live are all that take part.
func (p *pending) live() (list []ident.ExecutionID) {
	for _, part := range p.order {
		if !part.finished {
			list = append(list, part.execution)
		}
	}
	return list
}

// coordinatorState is that of an operator's coordinator; over says that it has none any more.
type coordinatorState struct {
	bytes []byte
	over  bool
}

// metadata puts together what coordinators and subtasks have said. The error says that it does not fit together.
func (p *pending) metadata(c *Config) (*snapshot.Metadata, error) {
	m := &snapshot.Metadata{
		Checkpoint: uint64(p.id), Job: c.Job.ID[:], Kind: p.kind, TriggerMillis: p.started.UnixMilli(), Build: c.Build,
	}
	of := map[ident.OperatorID]*snapshot.OperatorState{}
	for _, v := range c.Job.Vertices {
		for _, op := range v.Operators {
			made := &snapshot.OperatorState{
				Id: op.ID[:], Uid: op.UID, Name: op.Name, Parallelism: int32(v.Parallelism), MaxParallelism: int32(v.MaxParallelism),
			}
			if state, ok := p.coordinators[op.ID]; ok && !state.over {
				made.Coordinator = snapshot.Inline(state.bytes)
			}
			of[op.ID] = made
			m.Operators = append(m.Operators, made)
		}
	}
	for _, part := range p.order {
		if err := part.addTo(of); err != nil {
			return nil, fmt.Errorf("subtask %d of %s: %w", part.task.subtask, part.task.vertex.Name, err)
		}
	}
	return m, checkPartlyFinished(m)
}

// addTo adds the state of the subtask to its operators, or that it has finished.
func (part *taskPart) addTo(of map[ident.OperatorID]*snapshot.OperatorState) error {
	acks := map[ident.OperatorID]OperatorAck{}
	for _, ack := range part.operators {
		acks[ack.ID] = ack
	}
	for _, link := range part.task.vertex.Operators {
		op, ack := of[link.ID], acks[link.ID]
		delete(acks, link.ID)
		state := &snapshot.SubtaskState{Subtask: int32(part.task.subtask), Finished: part.finished, InputEnded: part.inputEnded && !part.finished}
		if ack.State != nil && !part.finished {
			state.Parts, state.Inputs, state.Outputs = ack.State.Parts, ack.State.Inputs, ack.State.Outputs
			lists, err := mergeSchemas(op, ack)
			if err != nil {
				return fmt.Errorf("operator %q: %w", link.Name, err)
			}
			state.Lists = lists
		}
		op.Subtasks = append(op.Subtasks, state)
	}
	for id := range acks {
		return fmt.Errorf("it has state of operator %s, which is not in its chain", id)
	}
	return nil
}

// checkPartlyFinished refuses union state of which a finished subtask had a part: as in Flink, that part would be lost.
func checkPartlyFinished(m *snapshot.Metadata) error {
	for _, op := range m.Operators {
		ended := 0
		for _, s := range op.Subtasks {
			if s.Finished {
				ended++
			}
		}
		if ended == 0 || ended == len(op.Subtasks) {
			continue
		}
		for _, list := range op.Lists {
			if list.Kind == snapshot.ListKind_UNION {
				return fmt.Errorf("operator %q: %d of %d subtasks have finished, so that its union state %q is not whole", op.Name, ended, len(op.Subtasks), list.Name)
			}
		}
	}
	return nil
}

// request is what somebody waits for.
type request struct {
	RequestSavepoint
	// checkpoint says that a checkpoint was asked for, full that it must be one.
	checkpoint, full bool
}
