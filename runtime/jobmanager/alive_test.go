package jobmanager

import (
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
)

func TestAClientIsWaitedForUntilItIsMissed(t *testing.T) {
	id := ident.Derive("x")
	j := &submitted{id: id}
	d := &dispatcher{jobs: map[ident.JobID]*submitted{id: j}, order: []*submitted{j}}
	if !d.Deadline().IsZero() {
		t.Error("a client that was never heard of is waited for")
	}
	for _, until := range []int64{5000, 9000} {
		if err := d.heard(&message.ClientAlive{Job: id[:], UntilMillis: until}); err != nil {
			t.Fatal(err)
		}
	}
	if d.Deadline() != time.UnixMilli(9000) {
		t.Errorf("it is missed at %v", d.Deadline())
	}
	d.Tick(time.UnixMilli(8999)) // would send to a JobMaster that is not there
	j.result = &message.JobResult{}
	if !d.Deadline().IsZero() {
		t.Error("the client of a job that is over is waited for")
	}
	d.Tick(time.UnixMilli(9000))
	other := ident.Derive("other")
	if err := d.heard(&message.ClientAlive{Job: other[:]}); err == nil {
		t.Error("a job that is not there is heard of")
	}
}
