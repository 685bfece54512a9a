package connectortest

import (
	"sync/atomic"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/element"
)

// subtask is one reader and what the runtime knows of it.
type subtask[T comparable] struct {
	index  int
	reader connector.Reader[T]
	inbox  []message
	awake  atomic.Bool
	wakeAt int64
	alarm  bool
	last   bool
	ended  bool
	// restored and assigned are the splits that it began with and those that came since the last checkpoint, emitted what it
	// has emitted since.
	restored, assigned []connector.Split
	emitted            []record[T]
	// open are the splits given to this reader that it has not said to be finished; tells says that it tells its splits.
	open  map[string]bool
	tells bool
}

func (s *subtask[T]) given(splits []connector.Split) {
	for _, split := range splits {
		s.open[split.ID] = true
	}
}

// message is what the enumerator sent: splits, or that none will come.
type message struct {
	splits []connector.Split
	last   bool
}

// poll calls Poll once with room for a random number of records, sometimes in a batch that holds some already.
func (j *job[T]) poll(s *subtask[T]) {
	j.t.Helper()
	var batch element.Batch[T]
	held := 0
	if j.random.below(8) == 0 {
		held = 1
		batch.Append(*new(T), 42)
	}
	limit := held + []int{1, 2, 3, 17, 100, 1024}[j.random.below(6)]
	if j.single {
		limit = held + 1
	}
	out := connector.NewOutput(&batch, limit)
	s.awake.Store(false)
	status, err := s.reader.Poll(&out)
	j.check("Poll", err)
	if batch.Len() > limit {
		j.t.Fatalf("Poll emitted %d records with room for %d", batch.Len(), limit)
	}
	if n := len(batch.Timestamps); n != 0 && n != batch.Len() {
		j.t.Fatalf("Poll left %d event times beside %d records", n, batch.Len())
	}
	for i := held; i < batch.Len(); i++ {
		s.emitted = append(s.emitted, record[T]{batch.Values[i], batch.TimestampAt(i)})
	}
	j.checkNotes(s, &out, held, batch.Len())
	switch status {
	case connector.More:
		s.awake.Store(true)
	case connector.Ended:
		if !s.last {
			j.t.Fatalf("reader %d ended before it was told that no split would come", s.index)
		}
		for id := range s.open {
			if s.tells {
				j.t.Fatalf("reader %d ended without a word that split %q is finished, which holds back event time for ever", s.index, id)
			}
		}
		s.ended = true
	}
}

// checkNotes checks what a reader says of its splits: only of those that it has, and if it says so of any record then of all.
func (j *job[T]) checkNotes(s *subtask[T], out *connector.Output[T], held, n int) {
	j.t.Helper()
	current, from := "", held
	records := func(to int) {
		if to > from && current == "" && s.tells {
			j.t.Fatalf("reader %d tells its splits, but emitted %d records of none", s.index, to-from)
		}
		from = max(from, to)
	}
	for _, note := range out.Notes() {
		if note.Kind == connector.SplitBegins || note.Kind == connector.SplitFinished {
			s.tells = true
			if !s.open[note.Split] {
				j.t.Fatalf("reader %d tells of split %q, which it was not given or has said to be finished", s.index, note.Split)
			}
		}
		records(note.At)
		switch note.Kind {
		case connector.SplitBegins:
			current = note.Split
		case connector.SplitFinished:
			delete(s.open, note.Split)
			if current == note.Split {
				current = ""
			}
		}
	}
	records(n)
}

// disturb takes a checkpoint, or fails one reader, or all.
func (j *job[T]) disturb() {
	j.t.Helper()
	switch j.random.below(4) {
	case 0:
		j.failReader(j.random.below(len(j.readers)))
	case 1:
		j.failAll()
	default:
		j.checkpoint()
	}
}

// checkpoint lets all messages to readers arrive, as a barrier follows them, and stores what can be restored.
func (j *job[T]) checkpoint() {
	j.t.Helper()
	state, err := j.enumerator.Snapshot()
	j.check("Snapshot of the enumerator", err)
	j.stored = checkpoint{taken: true, enumerator: state}
	seen := map[string]bool{}
	for _, s := range j.readers {
		for len(s.inbox) > 0 {
			j.deliver(s)
		}
		splits, err := s.reader.Snapshot()
		j.check("Snapshot of a reader", err)
		for _, split := range splits {
			if seen[split.ID] {
				j.t.Fatalf("split %q stands twice in a snapshot", split.ID)
			}
			seen[split.ID] = true
		}
		j.checkSnapshot(s, splits)
		s.restored, s.assigned = cloned(splits), nil
		j.stored.splits = append(j.stored.splits, s.restored...)
		j.committed = append(j.committed, s.emitted...)
		s.emitted = nil
	}
}

// checkSnapshot checks that a snapshot has the splits that are not finished.
func (j *job[T]) checkSnapshot(s *subtask[T], splits []connector.Split) {
	j.t.Helper()
	if !s.tells {
		return
	}
	kept := map[string]bool{}
	for _, split := range splits {
		if kept[split.ID] = true; !s.open[split.ID] {
			j.t.Fatalf("the snapshot of reader %d has split %q, which is finished", s.index, split.ID)
		}
	}
	for id := range s.open {
		if !kept[id] {
			j.t.Fatalf("split %q is not in the snapshot of reader %d, which has not said that it is finished", id, s.index)
		}
	}
}

// failReader loses one reader and what it did since the last checkpoint, and starts it again.
func (j *job[T]) failReader(i int) {
	j.t.Helper()
	s := j.readers[i]
	for len(s.inbox) > 0 { // what is under way to it is lost with it, and was assigned
		if m := s.inbox[0]; !m.last {
			s.assigned = append(s.assigned, m.splits...)
		}
		s.inbox = s.inbox[1:]
	}
	kept := j.requests[:0]
	for _, subtask := range j.requests {
		if subtask != i {
			kept = append(kept, subtask)
		}
	}
	j.requests = kept
	j.check("Close of a failed reader", s.reader.Close())
	if len(s.assigned) > 0 {
		j.check("AddSplitsBack", j.enumerator.AddSplitsBack(i, cloned(s.assigned)))
	}
	j.startReader(i, s.restored)
}

// failAll loses everything since the last checkpoint and starts again, perhaps at another parallelism.
func (j *job[T]) failAll() {
	j.t.Helper()
	j.close()
	j.start(j.parallelisms[j.random.below(len(j.parallelisms))])
}
