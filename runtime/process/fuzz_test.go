package process

import (
	"io"
	"net"
	"testing"

	"github.com/weir-stream/weir/runtime/message"
)

// wire is messages as they are written to the socket.
func wire(f *testing.F, messages ...message.Message) []byte {
	r, w := io.Pipe()
	go func() {
		writer := NewWriter(w)
		for _, m := range messages {
			if err := writer.Write(m); err != nil {
				f.Error(err)
			}
		}
		w.Close()
	}()
	data, err := io.ReadAll(r)
	if err != nil {
		f.Fatal(err)
	}
	return data
}

// socket returns an end of a socket whose other end has sent the bytes, and then nothing more.
func socket(data []byte) net.Conn {
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		go func() { _, _ = io.Copy(io.Discard, theirs) }()
		_, _ = theirs.Write(data)
	}()
	return ours
}

// FuzzParent has who has started a binary send anything.
func FuzzParent(f *testing.F) {
	start := &message.ToProcess{Body: &message.ToProcess_Start{Start: &message.ProcessStart{Cluster: "c", Network: &message.Network{Compression: "S2"}}}}
	worker := &message.ToProcess{Body: &message.ToProcess_Worker{Worker: &message.ToWorker{LeaderEpoch: 1}}}
	f.Add(wire(f, start, worker))
	f.Add(wire(f, worker, start))
	f.Add(wire(f, start, start))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		conn := socket(data)
		link, start, err := Open(conn)
		if err != nil {
			conn.Close()
			return
		}
		if start == nil {
			t.Error("it was started for nothing")
		}
		for {
			m, err := link.Receive()
			if err != nil {
				break
			}
			if m == nil {
				t.Error("a message of nothing")
			}
		}
		link.Close()
	})
}

// FuzzChild has a binary that was started answer anything.
func FuzzChild(f *testing.F) {
	hello := &message.FromProcess{Body: &message.FromProcess_Hello{Hello: &message.ProcessHello{Protocol: Protocol}}}
	f.Add(wire(f, hello, &message.FromProcess{Body: &message.FromProcess_Ready{Ready: &message.WorkerReady{}}}))
	f.Add(wire(f, hello, &message.FromProcess{Body: &message.FromProcess_Refused{Refused: &message.ProcessRefused{Reason: "no"}}}))
	f.Add(wire(f, hello, hello))
	f.Add(wire(f, &message.FromProcess{}))
	f.Add([]byte("hello"))
	f.Fuzz(func(t *testing.T, data []byte) {
		conn := socket(data)
		defer conn.Close()
		hello, answer, err := Greet(&Child{Conn: conn}, NewWriter(conn), &message.ProcessStart{})
		if err == nil && (hello.GetProtocol() != Protocol || answer == nil) {
			t.Errorf("it was taken up with %v and %v", hello, answer)
		}
	})
}
