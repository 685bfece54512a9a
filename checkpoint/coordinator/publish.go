package coordinator

import (
	"slices"
	"time"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/ident"
)

func (c *Coordinator) acknowledged(e Ack) {
	p, t := c.find(e.Checkpoint), c.tasks.current(e.Execution)
	if p == nil || t == nil || p.stage != ofTasks || p.parts[t] == nil || p.parts[t].execution != e.Execution {
		c.refused++
		return
	}
	part := p.parts[t]
	if part.acked || part.finished {
		return
	}
	part.acked, part.operators, part.inputEnded = true, e.Operators, e.InputEnded
	p.stats.acknowledge(part, e.Stats, c.now)
	if p.unacknowledged--; p.unacknowledged > 0 {
		return
	}
	metadata, err := p.metadata(&c.config)
	if err != nil {
		c.fail(p, err.Error(), false)
		return
	}
	p.stage = storing
	p.held = snapshot.Hold(p.completed(0), metadata)
	c.storing++
	c.do(Store{p.id, p.folder, metadata})
}

func (c *Coordinator) declined(e Decline) {
	p, t := c.find(e.Checkpoint), c.tasks.current(e.Execution)
	if p == nil || t == nil || p.stage != ofTasks || p.parts[t].execution != e.Execution || p.parts[t].acked {
		c.refused++
		return
	}
	c.fail(p, e.Reason, !e.Harmless)
}

// completed is the log's record of the checkpoint.
func (p *pending) completed(millis int64) *snapshot.Completed {
	return &snapshot.Completed{
		Checkpoint: uint64(p.id), Path: p.folder, Kind: p.kind, Owned: !p.savepoint(), Recoverable: p.recoverable(),
		TriggerMillis: p.started.UnixMilli(), CompleteMillis: millis,
	}
}

func (c *Coordinator) stored(e Stored) {
	p := c.find(e.Checkpoint)
	if p == nil || p.stage != storing {
		c.refused++
		return
	}
	switch e.Outcome {
	case StoreExists:
		c.tryNextNumber(p)
		return
	case StoreFailed:
		c.fail(p, "its metadata could not be written: "+e.Failure, true)
		return
	}
	p.stage = queued
	c.log.push(&logWrite{
		of: p,
		body: func(entry *snapshot.LogEntry) {
			entry.Body = &snapshot.LogEntry_Complete{Complete: p.completed(c.now.UnixMilli())}
		},
		written: func(entry *snapshot.LogEntry) { c.complete(p, entry.GetComplete()) },
	})
}

// tryNextNumber gives up a checkpoint of whose number another leader has made one, and starts the next one as soon as it may.
func (c *Coordinator) tryNextNumber(p *pending) {
	if r := p.request; r != nil && r.checkpoint {
		p.request = nil
		c.requests = slices.Insert(c.requests, 0, r)
	} else if !c.periodic.IsZero() {
		c.periodic = c.now
	}
	c.fail(p, "another leader has written "+snapshot.MetadataPath(p.folder), false)
}

// complete is called when the log has the checkpoint.
func (c *Coordinator) complete(p *pending, done *snapshot.Completed) {
	c.remove(p)
	c.lastEnd = c.now
	c.stats.completed(p, c.now)
	if !p.recoverable() {
		c.answer(p)
		return
	}
	p.held.Completed = done
	c.held[done.Path] = p.held
	c.failures = 0
	if p.kind == snapshot.Kind_FULL {
		c.needFull = false
	}
	c.abortWhere("a newer one has completed", func(other *pending) bool { return other.id < p.id && !other.savepoint() })
	var dropped []*snapshot.Completed
	c.log.pushFront(&logWrite{
		answers: p.request,
		body: func(entry *snapshot.LogEntry) {
			dropped = c.surplus(done.Checkpoint)
			entry.Body = &snapshot.LogEntry_Release{Release: &snapshot.Release{
				Told: done.Checkpoint, Checkpoints: numbers(dropped), Files: snapshot.FileNames(c.releasable(dropped)),
			}}
		},
		written: func(entry *snapshot.LogEntry) { c.told(p, entry, dropped) },
	})
}

// told is called when the log says that tasks are told of the checkpoint.
func (c *Coordinator) told(p *pending, entry *snapshot.LogEntry, dropped []*snapshot.Completed) {
	subsumed := ident.CheckpointID(0)
	if len(dropped) > 0 {
		subsumed = ident.CheckpointID(dropped[len(dropped)-1].Checkpoint)
	}
	c.do(Notify{p.id, subsumed, p.live()})
	if p.stop() {
		c.stopped = p.held.Completed
		c.answerAll("the job was stopped with savepoint " + p.folder)
		c.schedule()
		if c.ending {
			c.stopEnds()
		}
	} else {
		c.answer(p)
	}
	c.forget(dropped)
	c.deleteReleased(entry.Slot, entry.GetRelease().Files)
}

func (c *Coordinator) answer(p *pending) {
	if p.request != nil {
		c.do(Answer{Request: p.request.Request, Checkpoint: p.id, Path: p.folder})
	}
}

// surplus are the retained snapshots that are given up when tasks are told of a checkpoint: those before it beyond the number to keep.
// Newer ones do not count, since it may turn out that they cannot be read.
func (c *Coordinator) surplus(told uint64) []*snapshot.Completed {
	upTo := slices.IndexFunc(c.history.Retained, func(r *snapshot.Completed) bool { return r.Checkpoint == told }) + 1
	return slices.Clone(c.history.Retained[:max(0, upTo-c.config.Retained)])
}

// releasable are the files that go with those snapshots: those that nothing retained, unowned or in flight names.
func (c *Coordinator) releasable(dropped []*snapshot.Completed) []snapshot.File {
	var subsumed, kept []snapshot.Held
	for _, d := range dropped {
		subsumed = append(subsumed, c.held[d.Path])
	}
	for _, r := range slices.Concat(c.history.Retained, c.history.Unowned) {
		if !slices.ContainsFunc(dropped, func(d *snapshot.Completed) bool { return d.Path == r.Path }) {
			kept = append(kept, c.held[r.Path])
		}
	}
	for _, p := range c.pendings {
		kept = append(kept, p.held)
	}
	return snapshot.Releasable(subsumed, kept)
}

// forget drops what is held no more; what is not owned stays, since its files must never be deleted.
func (c *Coordinator) forget(dropped []*snapshot.Completed) {
	for _, d := range dropped {
		if d.Owned {
			delete(c.held, d.Path)
			c.stats.discarded(d.Checkpoint)
		}
	}
}

func (c *Coordinator) deleteReleased(slot uint64, files []*snapshot.FileName) {
	if len(files) > 0 {
		c.do(Delete{slot, snapshot.NamedFiles(files)})
	}
}

func numbers(all []*snapshot.Completed) []uint64 {
	ids := make([]uint64, len(all))
	for i, one := range all {
		ids[i] = one.Checkpoint
	}
	return ids
}

// logEnd writes the end of the job, with the checkpoints that its retention deletes.
func (c *Coordinator) logEnd() {
	var dropped []*snapshot.Completed
	c.log.push(&logWrite{
		body: func(entry *snapshot.LogEntry) {
			if c.config.Retention.discards(c.end) {
				dropped = slices.Clone(c.history.Retained)
			}
			entry.Body = &snapshot.LogEntry_End{End: &snapshot.End{
				State: c.end.String(), Checkpoints: numbers(dropped), Files: snapshot.FileNames(c.releasable(dropped)),
				NextCheckpoint: uint64(c.nextID),
			}}
		},
		written: func(entry *snapshot.LogEntry) {
			c.endLogged, c.cleaning = true, c.now.Add(cleanPatience)
			c.forget(dropped)
			c.deleteReleased(entry.Slot, entry.GetEnd().Files)
		},
	})
}

// cleanPatience is how long the end of a job waits for metadata that is being written, to remove it.
const cleanPatience = 10 * time.Second

// clean removes what no slot names. No later run uses the same names, since the end of the job says how far its numbers went, and files have
// the term in theirs: so it does no harm however late it is carried out.
func (c *Coordinator) clean() {
	kept := []snapshot.Held{}
	for _, r := range slices.Concat(c.history.Retained, c.history.Unowned) {
		kept = append(kept, c.held[r.Path])
	}
	c.do(Clean{kept, c.history.Epoch + 1, c.nextID})
}

// logWrite is an entry that waits for its turn.
type logWrite struct {
	// of is the checkpoint whose completion it is, nil otherwise; answers is the request that is answered once it stands, nil if none.
	of      *pending
	answers *request
	// body fills the entry when its turn has come, written is called once it stands.
	body    func(*snapshot.LogEntry)
	written func(*snapshot.LogEntry)
}

// logQueue writes one entry after the other.
type logQueue struct {
	waiting []*logWrite
	// inFlight is the one that is being written, as entry.
	inFlight *logWrite
	entry    *snapshot.LogEntry
	// retry is when it is tried again, zero while an answer is awaited.
	retry time.Time
}

func (q *logQueue) push(w *logWrite) { q.waiting = append(q.waiting, w) }

func (q *logQueue) pushFront(w *logWrite) { q.waiting = slices.Insert(q.waiting, 0, w) }

// forget takes back the completion of a checkpoint that was not yet tried.
func (q *logQueue) forget(p *pending) {
	q.waiting = slices.DeleteFunc(q.waiting, func(w *logWrite) bool { return w.of == p })
}

func (q *logQueue) quiet() bool { return q.inFlight == nil && len(q.waiting) == 0 }

// write brings the next entry on its way, or the one that is due again.
func (c *Coordinator) write() {
	q := &c.log
	if q.inFlight != nil {
		if !q.retry.IsZero() && !c.now.Before(q.retry) {
			q.retry = time.Time{}
			c.do(Append{q.entry})
		}
		return
	}
	if len(q.waiting) == 0 {
		if c.history.Next-c.history.Claimed <= c.config.LogLength || c.history.Ended != "" {
			return
		}
		c.sumUp()
	}
	q.inFlight, q.waiting = q.waiting[0], q.waiting[1:]
	if q.inFlight.of != nil {
		q.inFlight.of.stage = logging
	}
	q.entry = c.history.NewEntry(c.config.Writer, c.config.NewID())
	q.entry.Swept = c.sweptUpTo()
	q.inFlight.body(q.entry)
	c.do(Append{q.entry})
}

// sumUp writes a new claim of this leader, so that slots before it can be trimmed.
func (c *Coordinator) sumUp() {
	c.log.push(&logWrite{
		body: func(entry *snapshot.LogEntry) {
			entry.Body = c.history.Summarize(ident.ID(entry.Id)).Body
			entry.Swept = 0
		},
		written: func(entry *snapshot.LogEntry) { c.do(Trim{entry.Slot}) },
	})
}

// sweptUpTo is the highest slot up to which everything released is known to be deleted, 0 if there is nothing to say.
func (c *Coordinator) sweptUpTo() uint64 {
	swept := uint64(0)
	for _, r := range c.history.Released {
		if !c.swept[r.Slot] {
			break
		}
		swept = r.Slot
	}
	return swept
}

func (c *Coordinator) logAnswered(e LogAnswered) {
	q := &c.log
	if q.inFlight == nil || e.Slot != q.entry.Slot {
		c.refused++
		return
	}
	if e.Failure != "" {
		q.retry = c.now.Add(c.config.Retry)
		return
	}
	stands, err := snapshot.Judge(q.entry, e.InSlot, e.Highest)
	if err == nil && !stands {
		q.retry = c.now.Add(c.config.Retry)
		return
	}
	if err == nil {
		err = c.history.Apply(q.entry)
	}
	if err != nil {
		c.fence(err.Error())
		return
	}
	for slot := range c.swept {
		if slot <= q.entry.Swept {
			delete(c.swept, slot)
		}
	}
	done := q.inFlight
	q.inFlight, q.retry = nil, time.Time{}
	done.written(q.entry)
}
