// Package ledger counts which points of the life of its checkpoints a process reaches, in memory that outlives the process: a file that
// is mapped, so that what was counted before a SIGKILL is there after it.
package ledger

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/weir-stream/weir/runtime/failpoint"
)

// none is the last point of a process that has reached none.
const none = 0

// The layout: the point that was reached last, plus one; how often the process that wrote has hurt itself; whether its input has ended; then a
// count for each point.
const (
	lastWord = iota
	hurtWord
	endWord
	countWords
)

var size = 8 * (countWords + len(failpoint.All()))

// Ledger is the writer's side. Any goroutine may call its methods.
type Ledger struct{ words []uint64 }

// Open maps a ledger, which is made if need be. It stays mapped until the process ends.
func Open(path string) (*Ledger, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := f.Truncate(int64(size)); err != nil {
		return nil, err
	}
	mapped, err := syscall.Mmap(int(f.Fd()), 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", path, err)
	}
	return &Ledger{unsafe.Slice((*uint64)(unsafe.Pointer(&mapped[0])), size/8)}, nil
}

// Reached counts a point, and returns how often it was reached with this time.
func (l *Ledger) Reached(p failpoint.Point) (times uint64) {
	atomic.StoreUint64(&l.words[lastWord], uint64(p)+1)
	return atomic.AddUint64(&l.words[countWords+int(p)], 1)
}

// Hurt counts a failure that the process has brought upon itself and goes on after.
func (l *Ledger) Hurt() { atomic.AddUint64(&l.words[hurtWord], 1) }

// End notes that the input has ended.
func (l *Ledger) End() { atomic.StoreUint64(&l.words[endWord], 1) }

// Ended reports whether it has.
func (l *Ledger) Ended() bool { return atomic.LoadUint64(&l.words[endWord]) != 0 }

// Page is what a ledger says.
type Page struct {
	last uint64
	// Hurts counts the failures that the process has brought upon itself and gone on after.
	Hurts uint64
	// Ended says that the input had ended.
	Ended  bool
	counts []uint64
}

// Read reads a ledger whose writer is gone. One that is not there was written by a process that reached nothing.
func Read(path string) (Page, error) {
	page := Page{counts: make([]uint64, len(failpoint.All()))}
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return page, nil
	}
	if err != nil {
		return page, err
	}
	if len(data) != size {
		return page, fmt.Errorf("%s is no ledger: it has %d bytes, not %d", path, len(data), size)
	}
	word := func(i int) uint64 { return binary.NativeEndian.Uint64(data[8*i:]) }
	page.last, page.Hurts, page.Ended = word(lastWord), word(hurtWord), word(endWord) != 0
	for i := range page.counts {
		page.counts[i] = word(countWords + i)
	}
	return page, nil
}

// Last is the point that was reached last.
func (p Page) Last() (failpoint.Point, bool) {
	if p.last == none {
		return 0, false
	}
	return failpoint.Point(p.last - 1), true
}

// Count is how often a point was reached.
func (p Page) Count(of failpoint.Point) uint64 { return p.counts[of] }
