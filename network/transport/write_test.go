package transport

import (
	"bytes"
	"net"
	"testing"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/metrics"
)

// kept is a connection that keeps what is written to it, by writes.
type kept struct {
	net.Conn
	written bytes.Buffer
	writes  int
}

func (k *kept) Write(data []byte) (int, error) {
	k.writes++
	return k.written.Write(data)
}

// TestFramesGoOutInTheirOrder mixes small and large frames, and runs of small ones.
func TestFramesGoOutInTheirOrder(t *testing.T) {
	conn := &kept{}
	counts := newCounts(metrics.NewRegistry(clock.System(), func(string) {}).Root(metrics.LevelTaskManager))
	w := &writer{c: &connection{net: conn, transport: &Transport{counts: counts}}}
	for round := range 3 { // memory of the round before is used again
		var want []byte
		frames := func(sizes ...int) {
			for i, size := range sizes {
				b := NewBuffer()
				b.SetLength(size)
				for j := range b.Payload() {
					b.Payload()[j] = byte(round + 31*i + j)
				}
				w.frames = append(w.frames, b)
				want = append(want, b.data...)
			}
		}
		w.control = append(w.control[:0], "control of this connection"...)
		want = append(want, w.control...)
		w.frames = w.frames[:0]
		frames(10, 3000, 9000, 9000, 20, 3000, 9000, PayloadSize, 1, PayloadSize, 4000, 4000, 4000, 4000, 4000, 4000, 4000, 4000, 4000, 4000, 30)
		conn.written.Reset()
		if err := w.flush(); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(conn.written.Bytes(), want) {
			t.Fatalf("round %d: what went out is not what was to be sent", round)
		}
		for i, b := range w.frames {
			if b != nil {
				t.Errorf("frame %d was not given back", i)
			}
		}
	}
	if got := counts.framesOut.Count(); got != 3*21 {
		t.Errorf("%d frames were counted", got)
	}
	// A write to this connection is a piece: runs of small frames are one.
	if conn.writes != 3*10 {
		t.Errorf("it took %d pieces", conn.writes)
	}
}

// TestBuffersFitWhatIsToGoIntoThem: what waits in channels takes no more than twice its size, beyond the smallest.
func TestBuffersFitWhatIsToGoIntoThem(t *testing.T) {
	for size := 0; size < 2*PayloadSize; size += 97 {
		b := NewBufferFor(size)
		if b.Capacity() < min(size, PayloadSize) {
			t.Errorf("a buffer for %d bytes holds %d", size, b.Capacity())
		}
		if largest := max(2*(size+headerSize), bufferSizes[0]); len(b.memory) > largest {
			t.Errorf("a buffer for %d bytes takes %d", size, len(b.memory))
		}
		b.recycle()
	}
}
