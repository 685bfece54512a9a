package process

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/message"
)

// TestAParentThatIsSilentEndsTheLink, and one that shows its life, or speaks, does not.
func TestAParentThatIsSilentEndsTheLink(t *testing.T) {
	const timeout = 10 * time.Second
	parent, child := net.Pipe()
	defer parent.Close()
	link := &Link{conn: child}
	link.ready = sync.NewCond(&link.mu)
	c := clock.NewManual(time.UnixMilli(0))
	defer link.Expect(c, timeout)()
	received := make(chan error)
	hear := func() { _, err := link.Receive(); received <- err }
	pass := func(looks int) {
		t.Helper()
		for range looks {
			if err := c.WaitTimers(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			c.Advance(timeout / 10)
		}
	}
	to := NewWriter(parent)
	say := func(m *message.ToProcess) {
		t.Helper()
		if err := to.Write(m); err != nil {
			t.Fatal(err)
		}
	}

	go hear()
	pass(9)
	say(&message.ToProcess{})
	say(&message.ToProcess{}) // the first is taken in by now
	pass(10)
	link.mu.Lock()
	given := len(link.queue)
	link.mu.Unlock()
	if given == 0 {
		t.Error("no sign of life is given for one")
	}
	say(&message.ToProcess{Body: &message.ToProcess_Worker{Worker: &message.ToWorker{}}})
	if err := <-received; err != nil {
		t.Fatalf("a parent that lives: %v", err)
	}
	go hear()
	pass(8)
	select {
	case err := <-received:
		t.Fatalf("ended too early: %v", err)
	default:
	}
	pass(3)
	if err := <-received; err == nil || !strings.Contains(err.Error(), "silent for heartbeat.timeout (10s)") {
		t.Errorf("a silent parent: %v", err)
	}
}

func TestLifeIsShownUntilTheEnd(t *testing.T) {
	c := clock.NewManual(time.UnixMilli(0))
	read, write := io.Pipe()
	done, ended := make(chan struct{}), make(chan struct{})
	go func() { ShowLife(c, NewWriter(write), time.Second, done); close(ended) }()
	for range 3 {
		if err := c.WaitTimers(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		c.Advance(time.Second)
		var m message.ToProcess
		if err := Read(read, &m); err != nil || m.GetBody() != nil {
			t.Fatalf("%v, %v", &m, err)
		}
	}
	close(done)
	<-ended
}
