package worker

import (
	"testing"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/operator/source"
	"github.com/weir-stream/weir/runtime/operator/watermark"
)

// tells has a reader of one of two sources send an event to its coordinator.
func (m *master) tells(source string, id ident.ExecutionID, event []byte) {
	m.t.Helper()
	m.send(&message.ToWorker{Body: &message.ToWorker_ToCoordinator{ToCoordinator: &message.SubtaskToCoordinator{
		Operator: message.IDBytes(m.vertex(source).Operators[0].ID), Execution: message.NewExecutionID(id), Event: event,
	}}})
}

// reported is a report with a drift of 10.
func reported(at int64) []byte {
	return source.EncodeReport(watermark.Report{Group: "g", MaxDrift: 10, Watermark: at})
}

// limit waits for the limit at which a reader arrives, whatever was sent to others meanwhile.
func (m *master) limit(vertex string, subtask, attempt int, want int64) {
	m.t.Helper()
	id := m.execution(vertex, subtask, attempt)
	await(m, 0, func(e *message.FromWorker_ToSubtask) bool {
		at, ok, err := source.DecodeLimit(e.ToSubtask.GetEvent())
		to, _ := e.ToSubtask.GetExecution().Ident()
		return ok && err == nil && to == id && at == want
	})
}

// TestAlignment has readers of two sources report to their coordinators, which tell them to wait for each other.
func TestAlignment(t *testing.T) {
	p := &program{}
	first, second := p.source("first", &testSource{splits: 2}), p.source("second", &testSource{splits: 2})
	p.sink("out", &testSink{}, p.mapping("map", same, first))
	p.sink("other", &testSink{}, p.mapping("map2", same, second))
	m := newMaster(t, p, 2)
	m.relay = false
	for _, name := range []string{"first", "second"} {
		m.startCoordinator(name, 0)
		m.ready(name, 0, 0)
		m.ready(name, 1, 0)
	}
	a0, a1, b1 := m.execution("first", 0, 0), m.execution("first", 1, 0), m.execution("second", 1, 0)
	m.tells("first", a0, reported(100))
	m.limit("first", 0, 0, 110)
	m.tells("first", a1, reported(50))
	m.limit("first", 0, 0, 60)
	m.tells("second", b1, reported(20))
	m.limit("second", 1, 0, 30)
	m.limit("first", 0, 0, 30)
	m.limit("first", 1, 0, 30)
	m.gone("second", 1, 0) // which held the others
	m.limit("first", 1, 0, 60)
	m.stopCoordinator("first", 0)
	m.tells("first", a0, reported(1))
	m.ready("second", 1, 1)
	m.tells("second", b1, reported(2)) // of an attempt that has ended
	m.tells("second", m.execution("second", 1, 1), reported(40))
	m.limit("second", 1, 1, 50)
	m.tells("second", m.execution("second", 0, 0), append(reported(1)[:10:10], 0))
	if failed, _ := await(m, 0, func(*message.FromWorker_CoordinatorFailed) bool { return true }); failed == nil {
		t.Error("a damaged report went unnoticed")
	}
}
