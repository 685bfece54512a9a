package master

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/message"
)

// FuzzReceive gives a Master whatever decodes as a frame of the session that is open, at any time of the job.
func FuzzReceive(f *testing.F) {
	job := sourceAndSinks(2, 2, graph.Hash)
	seed := func(body message.Body) {
		encoded, err := proto.Marshal(&message.Frame{Body: body})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded, uint8(2))
	}
	seed(nil)
	seed(&message.Frame_Offer{Offer: &message.OfferSlots{Slots: []*message.SlotStatus{nil, {Allocation: []byte("x")}}}})
	seed(&message.Frame_WorkerLost{})
	seed(&message.Frame_FromWorker{FromWorker: &message.FromWorker{LeaderEpoch: epoch, Body: &message.FromWorker_TaskState{}}})
	seed(&message.Frame_FromWorker{FromWorker: &message.FromWorker{LeaderEpoch: epoch, Body: &message.FromWorker_ToSubtask{
		ToSubtask: &message.CoordinatorToSubtask{Operator: make([]byte, 16), Execution: &message.ExecutionID{Subtask: -1}},
	}}})
	seed(&message.Frame_FromWorker{FromWorker: &message.FromWorker{LeaderEpoch: epoch, Body: &message.FromWorker_TaskState{
		TaskState: &message.TaskStateChanged{State: failed, Execution: &message.ExecutionID{
			Job: message.IDBytes(job.ID), Vertex: message.IDBytes(job.Vertices[0].ID), Subtask: 1,
		}},
	}}})
	f.Fuzz(func(t *testing.T, encoded []byte, stage uint8) {
		frame := new(message.Frame)
		if proto.Unmarshal(encoded, frame) != nil {
			return
		}
		b := newBench(t, job, fixedDelay(t, 1, time.Second))
		for i, advance := range []func(){
			func() { b.open("a", 1, 2) },
			func() { b.all(initializing); b.all(running) },
			func() { b.state("a", b.current(0, 0).ID, failed) },
			func() { b.all(canceled) },
			func() { b.m.Cancel(b.now) },
		} {
			if i < int(stage%6) {
				advance()
			}
		}
		frame.LeaderEpoch, frame.Job, frame.TaskExecutor, frame.Session = epoch, message.IDBytes(job.ID), "a", 1
		frame.From = &message.Address{Id: "a"}
		for seq := range uint64(30) {
			frame.Seq = seq
			b.m.Receive(b.now, frame)
		}
		b.pass(time.Minute)
		b.m.Details()
	})
}
