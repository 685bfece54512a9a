package process

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/runtime/message"
)

func start(name string) *message.ToProcess {
	return &message.ToProcess{Body: &message.ToProcess_Start{Start: &message.ProcessStart{TaskExecutor: name}}}
}

func written(t testing.TB, messages ...proto.Message) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b)
	for _, m := range messages {
		if err := w.Write(m); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestMessagesComeInOrderHoweverTheyAreCut(t *testing.T) {
	large := start(string(bytes.Repeat([]byte{'x'}, 3*step)))
	data := written(t, start("a"), large, &message.ToProcess{}, start("b"))
	r := iotest.OneByteReader(bytes.NewReader(data))
	for _, want := range []*message.ToProcess{start("a"), large, {}, start("b")} {
		var m message.ToProcess
		if err := Read(r, &m); err != nil || !proto.Equal(&m, want) {
			t.Fatalf("read %.40s: %v", m.String(), err)
		}
	}
	if err := Read(r, &message.ToProcess{}); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

func TestTruncatedAndTooLargeMessages(t *testing.T) {
	whole := written(t, start("somebody"))
	for n := 1; n < len(whole); n++ {
		if err := Read(bytes.NewReader(whole[:n]), &message.ToProcess{}); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
	if err := Read(bytes.NewReader([]byte{0xff, 0, 0, 0}), &message.ToProcess{}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a message that claims 4 GB: %v", err)
	}
	w := NewWriter(io.Discard)
	if err := w.Write(start(string(make([]byte, MaxMessage)))); !errors.Is(err, ErrTooLarge) {
		t.Errorf("write: %v", err)
	}
	if err := w.Write(start("small")); err != nil {
		t.Errorf("write after that: %v", err)
	}
}

// TestAClaimIsNotAllocatedFor: whoever claims a large message and sends nothing costs no memory.
func TestAClaimIsNotAllocatedFor(t *testing.T) {
	claim := []byte{0x03, 0xff, 0xff, 0xff, 1, 2, 3}
	allocated := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if err := Read(bytes.NewReader(claim), &message.ToProcess{}); err == nil {
				b.Fatal("read")
			}
		}
	}).AllocedBytesPerOp()
	if allocated > 3*step {
		t.Errorf("%d bytes are allocated for 3", allocated)
	}
}

// FuzzRead reads what a job's binary may send, which is anything.
func FuzzRead(f *testing.F) {
	f.Add(written(f, start("a"), start("b")))
	f.Add([]byte{0, 0, 0, 1, 0xff})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		for {
			var m message.FromProcess
			before := r.Len()
			if err := Read(r, &m); err != nil {
				return
			}
			again := written(t, &m)
			var same message.FromProcess
			if err := Read(bytes.NewReader(again), &same); err != nil || !proto.Equal(&m, &same) {
				t.Fatalf("written anew it reads as %v: %v", &same, err)
			}
			if r.Len() >= before {
				t.Fatal("no bytes were read")
			}
		}
	})
}
