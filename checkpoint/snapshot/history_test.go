package snapshot

import (
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/runtime/ident"
)

// logStore is a log as storage has it.
type logStore map[uint64]*LogEntry

func (s logStore) create(e *LogEntry) {
	if s[e.Slot] == nil {
		data, err := EncodeEntry(e)
		if err != nil {
			panic(err)
		}
		if s[e.Slot], err = DecodeEntry(LogPath(e.Slot), e.Slot, data); err != nil {
			panic(err)
		}
	}
}

func (s logStore) highest() (slot uint64) {
	for n := range s {
		slot = max(slot, n)
	}
	return slot
}

func (s logStore) entries() (all []*LogEntry) {
	for _, e := range s {
		all = append(all, e)
	}
	return all
}

// leader is one term, which may sleep between any two of its steps.
type leader struct {
	Writer
	history *History
	// next is the step to come: nil before the log is read.
	entry   *LogEntry
	created bool
	trim    uint64
	over    bool
	leads   bool
}

type logWorld struct {
	*testing.T
	random *rand.Rand
	store  logStore
	// stood are the entries that their writers believe in, in that order; term is the highest epoch among their claims.
	stood []*LogEntry
	term  ident.LeaderEpoch
	// truth are the entries that were created above all others, by slot.
	truth []*LogEntry
	ids   int
	// holes counts entries that were created below a claim, fenced the leaders that stopped.
	holes, fenced, retries int
}

func (w *logWorld) id() ident.ID { w.ids++; return ident.Derive(fmt.Sprint(w.ids)) }

// step does the next thing of a leader: read the log, make an entry, create it, look whether it stands, trim.
func (w *logWorld) step(l *leader) {
	switch {
	case l.over:
	case l.trim > 0:
		for slot := range w.store {
			if slot < l.trim {
				delete(w.store, slot)
			}
		}
		l.trim = 0
	case l.history == nil:
		h, err := Fold(w.store.entries())
		if err != nil {
			w.Fatalf("fold: %v", err)
		}
		l.history = h
	case l.entry == nil:
		w.make(l)
	case !l.created:
		if w.random.Intn(10) > 0 { // otherwise it is lost on the way
			if w.store.create(l.entry); l.entry.Slot == uint64(len(w.truth)+1) {
				w.truth = append(w.truth, l.entry)
			}
		}
		l.created = true
	default:
		w.judge(l)
	}
}

func (w *logWorld) make(l *leader) {
	if !l.leads {
		e, err := l.history.NewClaim(l.Writer, w.id(), Start{})
		if err != nil {
			l.over = true
			w.fenced++
			return
		}
		l.entry = e
		return
	}
	l.entry = l.history.NewEntry(l.Writer, w.id())
	latest := l.history.Latest()
	switch n := w.random.Intn(4); {
	case n == 0:
		l.entry = l.history.Summarize(w.id())
	case n == 1 && latest != nil:
		r := &Release{Told: latest.Checkpoint}
		for _, c := range l.history.Retained[:len(l.history.Retained)-1] {
			r.Checkpoints = append(r.Checkpoints, c.Checkpoint)
			r.Files = append(r.Files, &FileName{Name: MetadataPath(c.Path)})
		}
		l.entry.Body = &LogEntry_Release{r}
	default:
		id := l.history.NextCheckpoint
		l.entry.Body = &LogEntry_Complete{&Completed{Checkpoint: uint64(id), Path: CheckpointFolder(id), Kind: Kind_CHECKPOINT, Owned: true, Recoverable: true}}
	}
}

func (w *logWorld) judge(l *leader) {
	stands, err := Judge(l.entry, w.store[l.entry.Slot], w.store.highest())
	var fenced *FencedError
	switch {
	case errors.As(err, &fenced):
		if fenced.Leader.IsZero() {
			w.holes++
		}
		if !l.leads { // another entry stands where the claim was to: read again
			l.history, l.entry, l.created = nil, nil, false
			w.retries++
			return
		}
		w.fenced++
		l.over = true
		return
	case !stands:
		l.created = false // try the same entry again
		return
	}
	if l.Epoch < w.term {
		w.Fatalf("an entry of term %d stands after a claim of term %d: slot %d", l.Epoch, w.term, l.entry.Slot)
	}
	if l.entry.GetClaim() != nil {
		w.term, l.leads, l.trim = l.Epoch, true, l.entry.Slot
	}
	if n := len(w.stood); n > 0 && l.entry.Slot <= w.stood[n-1].Slot {
		w.Fatalf("slot %d stands after slot %d", l.entry.Slot, w.stood[n-1].Slot)
	}
	w.stood = append(w.stood, l.entry)
	if w.truth[l.entry.Slot-1] != l.entry {
		w.Fatalf("a leader believes in a hole, slot %d", l.entry.Slot)
	}
	if err := l.history.Apply(l.entry); err != nil {
		w.Fatalf("%v", err)
	}
	l.entry, l.created = nil, false
}

// TestTheLogHasOneAuthority lets leaders read, create, look and trim in any order, sleep over any step of the others, and lose creations. Then
// entries stand in the order of their slots, none of an older term after a claim of a newer, and the log folds to what it
// would without trimming and holes.
func TestTheLogHasOneAuthority(t *testing.T) {
	holes, fenced, retries := 0, 0, 0
	for seed := range int64(150) {
		w := &logWorld{T: t, random: rand.New(rand.NewSource(seed)), store: logStore{}}
		var leaders []*leader
		for range 300 {
			if len(leaders) == 0 || w.random.Intn(40) == 0 {
				leaders = append(leaders, &leader{Writer: Writer{ident.LeaderEpoch(len(leaders) + 1), w.id()}})
			}
			l := leaders[w.random.Intn(len(leaders))]
			for range w.random.Intn(8) {
				w.step(l)
			}
		}
		holes, fenced, retries = holes+w.holes, fenced+w.fenced, retries+w.retries
		folded, err := Fold(w.store.entries())
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		whole := &History{Next: 1, NextCheckpoint: 1}
		for _, e := range w.truth {
			if err := whole.Apply(e); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		whole.Savepoint = nil
		if !same(folded, whole) {
			t.Fatalf("seed %d: the log folds to\n%+v, want\n%+v", seed, folded, whole)
		}
	}
	if holes == 0 || fenced == 0 || retries == 0 {
		t.Errorf("%d holes, %d fenced, %d retries: the test is too weak", holes, fenced, retries)
	}
}

func same(a, b *History) bool {
	return a.Next == b.Next && a.Claimed == b.Claimed && a.Epoch == b.Epoch && a.Leader == b.Leader && a.NextCheckpoint == b.NextCheckpoint &&
		a.Ended == b.Ended && slices.EqualFunc(a.Retained, b.Retained, func(x, y *Completed) bool { return proto.Equal(x, y) }) &&
		slices.EqualFunc(a.Released, b.Released, func(x, y *Released) bool { return proto.Equal(x, y) })
}

// script builds a log entry by entry.
type script struct {
	*testing.T
	*History
	w   Writer
	ids int
}

func newScript(t *testing.T) *script {
	s := &script{T: t, History: &History{Next: 1, NextCheckpoint: 1}, w: Writer{1, ident.Derive("leader")}}
	s.claim(Start{})
	return s
}

func (s *script) id() ident.ID { s.ids++; return ident.Derive("entry", fmt.Sprint(s.ids)) }

func (s *script) claim(start Start) {
	s.Helper()
	e, err := s.NewClaim(s.w, s.id(), start)
	if err != nil {
		s.Fatal(err)
	}
	s.add(e)
}

func (s *script) add(e *LogEntry) {
	s.Helper()
	if err := e.Validate(); err != nil {
		s.Fatal(err)
	}
	if err := s.Apply(e); err != nil {
		s.Fatal(err)
	}
}

func (s *script) entry() *LogEntry { return s.NewEntry(s.w, s.id()) }

func (s *script) complete(id uint64, kind Kind, recoverable bool) {
	s.Helper()
	e := s.entry()
	e.Body = &LogEntry_Complete{&Completed{Checkpoint: id, Path: CheckpointFolder(ident.CheckpointID(id)), Kind: kind, Owned: kind != Kind_SAVEPOINT, Recoverable: recoverable}}
	s.add(e)
}

func (s *script) release(told uint64, checkpoints []uint64, files ...string) {
	s.Helper()
	e := s.entry()
	var names []*FileName
	for _, f := range files {
		names = append(names, &FileName{Name: f})
	}
	e.Body = &LogEntry_Release{&Release{Told: told, Checkpoints: checkpoints, Files: names}}
	s.add(e)
}

func (s *script) want(retained string, next ident.CheckpointID) {
	s.Helper()
	if got := fmt.Sprint(ids(s.Retained)); got != retained || s.NextCheckpoint != next {
		s.Errorf("retained %s and next %d, want %s and %d", got, s.NextCheckpoint, retained, next)
	}
}

func ids(all []*Completed) (list []uint64) {
	for _, c := range all {
		list = append(list, c.Checkpoint)
	}
	return list
}

func TestCheckpointsInTheLog(t *testing.T) {
	s := newScript(t)
	s.want("[]", 1)
	s.complete(2, Kind_CHECKPOINT, true)
	s.complete(3, Kind_SAVEPOINT, false)
	s.want("[2]", 4)
	s.complete(4, Kind_CHECKPOINT, true)
	s.release(4, []uint64{2}, "a", "b")
	s.want("[4]", 5)
	if s.Savepoint.Checkpoint != 3 || !s.Latest().Told || len(s.Released) != 1 {
		t.Errorf("%+v", s.History)
	}
	slot := s.Released[0].Slot
	s.claim(Start{})
	s.want("[4]", 5)
	if len(s.Released) != 1 {
		t.Error("the claim forgets what may not have been deleted")
	}
	e := s.entry()
	e.Swept, e.Body = slot, &LogEntry_Complete{&Completed{Checkpoint: 5, Path: "chk-5", Kind: Kind_FULL, Owned: true, Recoverable: true}}
	s.add(e)
	if len(s.Released) != 0 {
		t.Error("what was deleted is remembered")
	}
}

func TestWhatCannotBeInALogIsRefused(t *testing.T) {
	other := Writer{1, ident.Derive("other")}
	for name, change := range map[string]func(s *script, e *LogEntry){
		"another leader":         func(s *script, e *LogEntry) { *e = *s.NewEntry(other, s.id()); e.Body = completeBody(9) },
		"an older number":        func(s *script, e *LogEntry) { e.Body = completeBody(2) },
		"a gap":                  func(s *script, e *LogEntry) { e.Slot++; e.Body = completeBody(9) },
		"release of the latest":  func(s *script, e *LogEntry) { e.Body = &LogEntry_Release{&Release{Checkpoints: []uint64{2}}} },
		"release of nothing":     func(s *script, e *LogEntry) { e.Body = &LogEntry_Release{&Release{Checkpoints: []uint64{7}}} },
		"told of nothing":        func(s *script, e *LogEntry) { e.Body = &LogEntry_Release{&Release{Told: 1}} },
		"an older leader":        func(s *script, e *LogEntry) { e.Epoch = 0; e.Body = &LogEntry_Claim{&Claim{NextCheckpoint: 3}} },
		"numbers to be repeated": func(s *script, e *LogEntry) { e.Body = &LogEntry_Claim{&Claim{NextCheckpoint: 2}} },
	} {
		s := newScript(t)
		s.complete(2, Kind_CHECKPOINT, true)
		e := s.entry()
		change(s, e)
		before := *s.History
		if err := s.Apply(e); err == nil || !strings.Contains(err.Error(), "the log is damaged") {
			t.Errorf("%s: %v", name, err)
		}
		if !same(&before, s.History) {
			t.Errorf("%s: the history was changed", name)
		}
	}
	if _, err := Fold([]*LogEntry{{Slot: 3, Body: completeBody(1)}}); err == nil {
		t.Error("a log without a claim is taken")
	}
	s := newScript(t)
	s.complete(1, Kind_CHECKPOINT, true)
	first := s.Summarize(s.id())
	hole := s.entry()
	hole.Slot, hole.Body = first.Slot+2, completeBody(5)
	if _, err := Fold([]*LogEntry{hole, first}); err == nil {
		t.Error("a log with a slot missing is taken")
	}
}

func completeBody(id uint64) *LogEntry_Complete {
	return &LogEntry_Complete{&Completed{Checkpoint: id, Path: "chk-9", Kind: Kind_CHECKPOINT, Recoverable: true, Owned: true}}
}

// TestDamagedCheckpoints: one of which nobody was told is passed over, by name; another one ends the job's recovery.
func TestDamagedCheckpoints(t *testing.T) {
	s := newScript(t)
	s.complete(1, Kind_CHECKPOINT, true)
	s.release(1, nil)
	s.complete(2, Kind_CHECKPOINT, true)
	torn := errors.New("chk-2/_metadata is damaged: it is cut off")
	if base, err := s.Choose(map[ident.CheckpointID]error{2: torn}); err != nil || base.Checkpoint != 1 {
		t.Errorf("%v, %v", base, err)
	}
	undamaged := *s.History
	s.claim(Start{Damaged: map[ident.CheckpointID]error{2: torn}})
	s.want("[1]", 3)
	s.History = &undamaged
	s.release(2, nil)
	_, err := s.Choose(map[ident.CheckpointID]error{2: torn})
	if err == nil || !errors.Is(err, torn) || !strings.Contains(err.Error(), "chk-2") || !strings.Contains(err.Error(), "already committed") {
		t.Errorf("%v", err)
	}
	if _, err := s.NewClaim(s.w, s.id(), Start{Damaged: map[ident.CheckpointID]error{2: torn}}); err == nil {
		t.Error("the job is claimed all the same")
	}
	s = newScript(t)
	s.complete(1, Kind_CHECKPOINT, true)
	s.claim(Start{})
	if _, err := s.Choose(map[ident.CheckpointID]error{1: torn}); err == nil {
		t.Error("a job that was restored from a checkpoint begins before it")
	}
}

// TestRunsOfOneJob: what an earlier run has kept is the user's.
func TestRunsOfOneJob(t *testing.T) {
	s := newScript(t)
	s.complete(1, Kind_CHECKPOINT, true)
	s.complete(2, Kind_CHECKPOINT, true)
	e := s.entry()
	e.Body = &LogEntry_End{&End{State: "CANCELED", Checkpoints: []uint64{1}}}
	s.add(e)
	if _, err := s.NewClaim(s.w, s.id(), Start{}); err == nil || !strings.Contains(err.Error(), "CANCELED") {
		t.Errorf("a job that has ended goes on: %v", err)
	}
	from := &Completed{Checkpoint: 2, Path: "chk-2", Kind: Kind_CHECKPOINT}
	s.w.Epoch, s.w.Leader = 2, ident.Derive("second")
	s.claim(Start{NewRun: true, From: from})
	s.want("[2]", 3)
	if s.Latest().Owned || len(s.Unowned) != 0 || s.Ended != "" {
		t.Errorf("%+v", s.History)
	}
	s.complete(3, Kind_FULL, true)
	s.release(3, []uint64{2})
	if s.want("[3]", 4); len(s.Unowned) != 1 || s.Unowned[0].Checkpoint != 2 {
		t.Errorf("the snapshot that the run began with is no longer protected: %v", s.Unowned)
	}
	s.claim(Start{NewRun: true})
	if s.want("[]", 4); fmt.Sprint(ids(s.Unowned)) != "[2 3]" || s.Unowned[1].Owned {
		t.Errorf("unowned: %v", s.Unowned)
	}
	s.claim(Start{NewRun: true, From: &Completed{Checkpoint: 40, Path: "s3://b/savepoint-1", Kind: Kind_SAVEPOINT, Owned: true}})
	s.want("[40]", 41)
	if !s.Latest().Told {
		t.Error("restored sinks commit, so the job must not begin before the snapshot")
	}
	if _, err := s.NewClaim(Writer{1, ident.Derive("leader")}, s.id(), Start{}); err == nil {
		t.Error("an older term claims")
	}
	if _, err := s.NewClaim(Writer{2, ident.Derive("twin")}, s.id(), Start{}); err == nil {
		t.Error("another leader of the same term claims")
	}
}
