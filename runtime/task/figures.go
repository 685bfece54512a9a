package task

import (
	"math"
	"sync/atomic"

	"github.com/weir-stream/weir/network/exchange"
	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/metrics"
)

// Figures are what others may read of a task while it runs. The task writes them some times a second and before it waits, so that nothing is spent on them per
// record, and they are late by a tenth of a second at the most.
type Figures struct {
	in *metrics.Counter // of the head operator; nil for a source
	// fired counts timers of all operators of the chain.
	fired  *metrics.Counter
	number [figures]atomic.Int64
}

// Figure names one of them.
type Figure uint8

// The figures.
const (
	RecordsOut Figure = iota
	// BytesIn and BytesOut are of encoded records between processes, and of records as they are in memory within one.
	BytesIn
	BytesOut
	BatchesIn
	BatchesOut
	// RemoteBytesIn and RemoteBatchesIn are the part of BytesIn and BatchesIn that came from other processes.
	RemoteBytesIn
	RemoteBatchesIn
	// QueuedIn and QueuedOut are batches that wait at the inputs, and behind the outputs; QueuedBytesIn and QueuedBytesOut their bytes; RoomIn and RoomOut how
	// many batches may wait there.
	QueuedIn
	QueuedOut
	QueuedBytesIn
	QueuedBytesOut
	RoomIn
	RoomOut
	// PoolBatches, PoolRoom, PoolBytes and PoolRoomBytes are the same of those channels that this task accounts for when all of a process are added up: its
	// outputs, and its inputs from other processes.
	PoolBatches
	PoolRoom
	PoolBytes
	PoolRoomBytes
	// WatermarkIn is the least watermark of the inputs, WatermarkOut what was sent on last, in milliseconds; math.MinInt64 where there is none.
	WatermarkIn
	WatermarkOut
	// StartDelay and Alignment are those of the latest checkpoint, in nanoseconds.
	StartDelay
	Alignment
	// MailsServed counts actions of the mailbox, MailsWaiting are those in it.
	MailsServed
	MailsWaiting
	// Initialization is how many milliseconds the task took to open.
	Initialization
	figures
)

// Of reads a figure. Any goroutine may call it.
func (f *Figures) Of(one Figure) int64 { return f.number[one].Load() }

// RecordsIn counts what came over the task's inputs. Any goroutine may call it.
func (f *Figures) RecordsIn() int64 {
	if f.in == nil {
		return 0
	}
	return f.in.Count()
}

// FiredTimers counts the timers that fired. Any goroutine may call it.
func (f *Figures) FiredTimers() int64 { return f.fired.Count() }

// Figures returns those of the task, which go on to be readable when it has ended.
func (t *Task) Figures() *Figures { return t.figures }

func newFigures() *Figures {
	f := &Figures{fired: new(metrics.Counter)}
	f.number[WatermarkIn].Store(math.MinInt64)
	f.number[WatermarkOut].Store(math.MinInt64)
	return f
}

// figuresPause is the time between two notes of a task that is busy, in nanoseconds.
const figuresPause = 100e6

// noteAt notes figures if it is time.
func (t *Task) noteAt(now int64) {
	if now-t.noted >= figuresPause {
		t.noted = now
		t.note(now)
	}
}

// note writes what the task has come to.
func (t *Task) note(now int64) {
	set := func(f Figure, n int64) { t.figures.number[f].Store(n) }
	var records, bytesIn, bytesOut, batchesIn, batchesOut uint64
	var remoteBytes, remoteBatches uint64
	watermark := int64(math.MinInt64)
	for _, out := range t.outputs {
		bytes, batches, at := out.Moved()
		records, bytesOut, batchesOut = records+out.Sent(), bytesOut+bytes, batchesOut+batches
		watermark = max(watermark, at)
	}
	for i := range t.inputs {
		bytes, batches := t.inputs[i].Moved()
		bytesIn, batchesIn = bytesIn+bytes, batchesIn+batches
		if t.inputs[i].Remote() {
			remoteBytes, remoteBatches = remoteBytes+bytes, remoteBatches+batches
		}
	}
	set(RecordsOut, int64(records))
	set(BytesIn, int64(bytesIn))
	set(BytesOut, int64(bytesOut))
	set(BatchesIn, int64(batchesIn))
	set(BatchesOut, int64(batchesOut))
	set(RemoteBytesIn, int64(remoteBytes))
	set(RemoteBatchesIn, int64(remoteBatches))
	set(WatermarkIn, t.inputWatermark())
	set(WatermarkOut, watermark)
	if now-t.filled >= fillPause || t.phase == ended {
		t.filled = now
		t.noteFill()
	}
	if t.phase != ended { // or else the operators are closed
		for _, publish := range t.notes {
			publish(now)
		}
	}
	set(MailsServed, t.mailbox.served)
	set(MailsWaiting, int64(t.mailbox.waiting.Load()))
}

// fillPause is the least time between two looks at what waits in channels, in nanoseconds. A task that waits for records may do so thousands of times a second, and
// to look at batches takes them from the processor that is working on them. The action that measures the mailbox wakes it once a second.
const fillPause = 20e6

// noteFill writes how full the channels are.
func (t *Task) noteFill() {
	set := func(f Figure, n int) { t.figures.number[f].Store(int64(n)) }
	var ins, outs, pool exchange.Fill
	for i := range t.inputs {
		fill := t.inputs[i].Fill()
		if ins = ins.Plus(fill); t.inputs[i].Remote() {
			pool = pool.Plus(fill)
		}
	}
	for _, out := range t.outputs {
		outs = outs.Plus(out.Fill())
	}
	pool = pool.Plus(outs)
	set(QueuedIn, ins.Batches)
	set(QueuedBytesIn, ins.Bytes)
	set(RoomIn, ins.Room)
	set(QueuedOut, outs.Batches)
	set(QueuedBytesOut, outs.Bytes)
	set(RoomOut, outs.Room)
	set(PoolBatches, pool.Batches)
	set(PoolRoom, pool.Room)
	set(PoolBytes, pool.Bytes)
	set(PoolRoomBytes, pool.RoomBytes)
}

// inputWatermark is the least of the inputs.
func (t *Task) inputWatermark() int64 {
	least := int64(math.MaxInt64)
	for _, g := range t.gates {
		least = min(least, g.valve.output)
	}
	if len(t.gates) == 0 || least == element.NoWatermark {
		return math.MinInt64
	}
	return least
}
