package executor

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/runtime/message"
)

// FuzzReceive gives an Executor whatever decodes as a frame of the session that is open, or as a report of its worker.
func FuzzReceive(f *testing.F) {
	for _, body := range []message.Body{
		nil, &message.Frame_Release{}, &message.Frame_Answer{}, &message.Frame_Free{Free: &message.FreeSlots{Allocations: [][]byte{nil, idOf("s")}}},
		&message.Frame_ToWorker{}, &message.Frame_ToWorker{ToWorker: cancel(-1)}, &message.Frame_ToWorker{ToWorker: deploy(0)},
		&message.Frame_FromWorker{FromWorker: &message.FromWorker{Body: &message.FromWorker_TaskState{}}},
	} {
		encoded, err := proto.Marshal(&message.Frame{Body: body})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(encoded)
	}
	f.Fuzz(func(t *testing.T, encoded []byte) {
		frame := new(message.Frame)
		if proto.Unmarshal(encoded, frame) != nil {
			return
		}
		b := newBench(t, 2, true)
		b.connect()
		b.toWorker(deploy(0))
		if report := frame.GetFromWorker(); report != nil {
			report.LeaderEpoch = epoch
			b.x.Report(b.now, theJob, b.incarnation(), report)
		}
		if m := frame.GetToWorker(); m != nil {
			m.LeaderEpoch = epoch
		}
		frame.LeaderEpoch, frame.Job, frame.TaskExecutor, frame.Session, frame.From = epoch, message.IDBytes(theJob), "tm", b.link.Session(), master
		for seq := range uint64(8) {
			frame.Seq, frame.Ack = seq, 1<<40
			b.x.Receive(b.now, frame)
		}
		b.x.Tick(b.now.Add(time.Hour))
	})
}
