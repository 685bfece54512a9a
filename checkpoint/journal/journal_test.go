package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/weir-stream/weir/checkpoint/coordinator"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/checkpoint/storage/fault"
	"github.com/weir-stream/weir/checkpoint/storage/mem"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/ident"
)

// bench is a store in memory in which a job has its folder, as several leaders see it.
type bench struct {
	*testing.T
	inner *mem.Store
	job   ident.JobID
	ids   int
}

func newBench(t *testing.T) *bench {
	return &bench{T: t, inner: mem.New("a", clock.System()), job: ident.Derive("job")}
}

func (b *bench) id() ident.ID { b.ids++; return ident.Derive("id", fmt.Sprint(b.ids)) }

// open is an Open through a store that may fail.
func (b *bench) open(through storage.Store) Open {
	return func(location string) (storage.Store, error) {
		return storage.Below(through, strings.TrimPrefix(location, "mem://a/")), nil
	}
}

// term is a leader with its log.
type term struct {
	*bench
	*Journal
	claimed *Claimed
	history *snapshot.History
}

// journal is that of a leader which reaches the store through faults.
func (b *bench) journal(rules ...fault.Rule) (*Journal, *fault.Store) {
	b.Helper()
	through := fault.New(b.inner, fault.Script(rules...), clock.System())
	j, err := New(b.open(through), "mem://a/checkpoints/", b.job)
	if err != nil {
		b.Fatal(err)
	}
	return j, through
}

func (b *bench) start() Start {
	return Start{Writer: snapshot.Writer{Leader: b.id()}, NewID: b.id, Mode: snapshot.NoClaim}
}

// lead has a new leader claim the log.
func (b *bench) lead(rules ...fault.Rule) *term {
	b.Helper()
	j, _ := b.journal(rules...)
	c, err := j.Claim(b.Context(), b.start())
	if err != nil {
		b.Fatal(err)
	}
	return &term{b, j, c, c.History}
}

// entry is a new one for the next slot.
func (l *term) entry(fill func(*snapshot.LogEntry)) *snapshot.LogEntry {
	e := l.history.NewEntry(l.claimed.Writer, l.id())
	fill(e)
	return e
}

// try appends an entry and says whether it stands.
func (l *term) try(ctx context.Context, e *snapshot.LogEntry) (stands bool, err error) {
	l.Helper()
	a := l.Append(ctx, e)
	if a.Failure != "" {
		return false, errors.New(a.Failure)
	}
	return snapshot.Judge(e, a.InSlot, a.Highest)
}

// writes appends an entry that must stand.
func (l *term) writes(fill func(*snapshot.LogEntry)) *snapshot.LogEntry {
	l.Helper()
	e := l.entry(fill)
	stands, err := l.try(l.Context(), e)
	if !stands || err == nil && l.history.Apply(e) != nil {
		l.Fatalf("the entry does not stand: %v", err)
	}
	return e
}

// checkpoint writes files and metadata of a checkpoint and completes it.
func (l *term) checkpoint(id ident.CheckpointID, files ...string) *snapshot.Completed {
	l.Helper()
	m := l.metadata(id, files...)
	if s := l.Store(l.Context(), coordinator.Store{Checkpoint: id, Folder: snapshot.CheckpointFolder(id), Metadata: m}); s.Outcome != coordinator.StoreWritten {
		l.Fatalf("%+v", s)
	}
	done := &snapshot.Completed{Checkpoint: uint64(id), Path: snapshot.CheckpointFolder(id), Kind: m.Kind, Owned: true, Recoverable: true, TriggerMillis: m.TriggerMillis}
	l.writes(func(e *snapshot.LogEntry) { e.Body = &snapshot.LogEntry_Complete{Complete: done} })
	return done
}

// tells writes that tasks are told of a checkpoint, and releases others with their files.
func (l *term) tells(id ident.CheckpointID, released []uint64, files ...string) {
	l.Helper()
	var names []*snapshot.FileName
	for _, f := range files {
		names = append(names, &snapshot.FileName{Name: f})
	}
	l.writes(func(e *snapshot.LogEntry) {
		e.Body = &snapshot.LogEntry_Release{Release: &snapshot.Release{Told: uint64(id), Checkpoints: released, Files: names}}
	})
}

func (l *term) ends(state string) {
	l.Helper()
	l.writes(func(e *snapshot.LogEntry) {
		e.Body = &snapshot.LogEntry_End{End: &snapshot.End{State: state, NextCheckpoint: 50}}
	})
}

// file is the name of a file that a leader's task may write.
func (l *term) file(n int) string {
	return snapshot.DataFile{Epoch: l.claimed.Writer.Epoch, UUID: ident.Derive(fmt.Sprint(n))}.Shared()
}

// metadata is that of a checkpoint that has these files, which are there afterwards.
func (l *term) metadata(id ident.CheckpointID, files ...string) *snapshot.Metadata {
	l.Helper()
	op := &snapshot.OperatorState{Id: message("op"), Name: "op", Parallelism: 1, MaxParallelism: 8}
	sub := &snapshot.SubtaskState{}
	op.Subtasks = []*snapshot.SubtaskState{sub}
	part := &snapshot.KeyedPart{FirstGroup: 0, LastGroup: 7}
	for i, name := range files {
		body := []byte("contents of " + name)
		sum, err := storage.Below(l.inner, l.folder()).Put(l.Context(), name, storage.Bytes(body))
		if err != nil {
			l.Fatal(err)
		}
		crc := uint32(sum)
		part.Tables = append(part.Tables, &snapshot.Table{
			File: &snapshot.FileRef{Name: name, Length: uint64(len(body)), Crc32C: &crc}, LastGroup: 7, Changes: i > 0,
		})
	}
	if len(files) > 0 {
		sub.Parts = []*snapshot.KeyedPart{part}
	}
	return &snapshot.Metadata{
		Checkpoint: uint64(id), Job: l.job[:], Kind: snapshot.Kind_CHECKPOINT, TriggerMillis: 1000 + int64(id), Operators: []*snapshot.OperatorState{op},
	}
}

func message(name string) []byte {
	id := ident.Derive(name)
	return id[:]
}

func (b *bench) folder() string { return "checkpoints/" + snapshot.JobFolder(b.job) }

// names are the objects in the job's folder.
func (b *bench) names() (names []string) {
	b.Helper()
	for o, err := range storage.All(b.Context(), storage.Below(b.inner, b.folder()), "") {
		if err != nil {
			b.Fatal(err)
		}
		names = append(names, o.Name)
	}
	return names
}

func (b *bench) has(name string) bool { return slices.Contains(b.names(), name) }

// spoil changes an object.
func (b *bench) spoil(name string, change func([]byte) []byte) {
	b.Helper()
	s := storage.Below(b.inner, b.folder())
	body, err := s.Read(b.Context(), name)
	if err == nil {
		_, err = s.Put(b.Context(), name, storage.Bytes(change(slices.Clone(body))))
	}
	if err != nil {
		b.Fatal(err)
	}
}

func flip(body []byte) []byte { body[len(body)/2] ^= 4; return body }

func TestTheLogGoesFromTermToTerm(t *testing.T) {
	b := newBench(t)
	first := b.lead()
	if c := first.claimed; c.From != nil || c.Writer.Epoch != 1 || len(c.Held) > 0 || first.history.Claimed != 1 {
		t.Errorf("%+v", c)
	}
	shared := first.file(1)
	first.checkpoint(1, shared)
	first.tells(1, nil)
	first.checkpoint(2, shared, first.file(2))
	first.tells(2, []uint64{1}, "chk-1/_metadata")

	second := b.lead()
	c := second.claimed
	if c.From.GetCheckpoint() != 2 || c.Metadata.GetCheckpoint() != 2 || c.Writer.Epoch != 2 || len(c.PassedOver) > 0 || second.Path(c.From.Path) != second.Location()+"/chk-2" {
		t.Errorf("%+v", c)
	}
	if len(c.Held) != 1 || !sameFiles(c.Held[0].Files, shared, first.file(2), "chk-2/_metadata") {
		t.Errorf("held: %v", c.Held)
	}
	if len(second.history.Released) != 1 {
		t.Errorf("what was released and perhaps not deleted: %v", second.history.Released)
	}
	if err := second.Sweep(t.Context(), second.history); err != nil || b.has("chk-1/_metadata") || !b.has("chk-2/_metadata") {
		t.Errorf("%v, %v", err, b.names())
	}
	second.ends("FINISHED")

	j, _ := b.journal()
	third, err := j.Claim(t.Context(), b.start())
	if err != nil || !third.Finished || b.has("log/000008") {
		t.Errorf("a job that has finished is claimed: %+v, %v", third, err)
	}
}

func sameFiles(got []snapshot.File, names ...string) bool {
	for _, n := range names {
		if !slices.Contains(got, snapshot.File{Name: n}) {
			return false
		}
	}
	return len(got) == len(names)
}

func TestAJobThatWasCanceledBeginsAnew(t *testing.T) {
	b := newBench(t)
	l := b.lead()
	l.checkpoint(3)
	l.tells(3, nil)
	l.ends("CANCELED")
	again := b.lead()
	if c := again.claimed; c.From != nil || len(c.History.Unowned) != 1 || len(c.PassedOver) > 0 {
		t.Errorf("%+v", c)
	}
	if next := again.history.NextCheckpoint; next != 50 {
		t.Errorf("it begins with checkpoint %d, and the run before has used numbers up to 49", next)
	}
}

// A leader that has lost its place learns it by its next write: from the entry in its slot, or from one above.
func TestALeaderIsFenced(t *testing.T) {
	b := newBench(t)
	old := b.lead()
	old.checkpoint(1)
	complete := old.entry(func(e *snapshot.LogEntry) {
		e.Body = &snapshot.LogEntry_Complete{Complete: &snapshot.Completed{Checkpoint: 2, Path: "chk-2", Kind: snapshot.Kind_CHECKPOINT, Owned: true, Recoverable: true}}
	})
	newer := b.lead()
	var fenced *snapshot.FencedError
	if _, err := old.try(t.Context(), complete); !errors.As(err, &fenced) || fenced.Leader != newer.claimed.Writer.Leader || fenced.Epoch != 2 {
		t.Errorf("%v", err)
	}
	newer.checkpoint(2)
	if h := b.lead().history; len(h.Retained) != 2 || h.Latest().Checkpoint != 2 {
		t.Errorf("the log has %v", h.Retained)
	}
}

// A leader that sleeps while the log is trimmed creates a hole below the claim; it sees the higher slots, and nobody else sees the hole.
func TestALeaderThatSleepsOverATrimmingIsFenced(t *testing.T) {
	b := newBench(t)
	frozen := b.lead()
	entry := frozen.entry(func(e *snapshot.LogEntry) {
		e.Body = &snapshot.LogEntry_Complete{Complete: &snapshot.Completed{Checkpoint: 9, Path: "chk-9", Kind: snapshot.Kind_CHECKPOINT, Owned: true, Recoverable: true}}
	})
	second := b.lead()
	second.checkpoint(1)
	third := b.lead()
	if err := third.Trim(t.Context(), third.history.Claimed); err != nil {
		t.Fatal(err)
	}
	if names := b.names(); !slices.Equal(names, []string{"chk-1/_metadata", "log/000004"}) {
		t.Fatalf("after trimming: %v", names)
	}
	var fenced *snapshot.FencedError
	if _, err := frozen.try(t.Context(), entry); !errors.As(err, &fenced) || fenced.Slot != 2 {
		t.Errorf("%v", err)
	}
	if !b.has("log/000002") {
		t.Error("there is no hole: the test shows nothing")
	}
	fourth := b.lead()
	if from := fourth.claimed.From; from.GetCheckpoint() != 1 || fourth.claimed.Writer.Epoch != 4 {
		t.Errorf("goes on from %v in term %d", from, fourth.claimed.Writer.Epoch)
	}
}

// Whose answer was lost reads the slot back, and knows its own entry from another's by what is in it.
func TestALostAnswerIsReadBack(t *testing.T) {
	lost := fault.Fault{Kind: fault.Lose}
	b := newBench(t)
	l := b.lead(fault.Rule{Op: fault.Create, Name: "*/*/log/*", Times: 1, Fault: lost}, fault.Rule{Op: fault.Create, Name: "*/*/chk-1/_metadata", Fault: lost})
	if l.history.Claimed != 1 || len(b.names()) != 1 {
		t.Errorf("claimed in slot %d: %v", l.history.Claimed, b.names())
	}
	l.checkpoint(1)

	// Not made at all: the slot is empty, and the same entry can be tried again.
	hang := fault.Rule{Op: fault.Create, Name: "*/*/log/*", Fault: fault.Fault{Kind: fault.Hang}}
	j, _ := b.journal(hang)
	l.Journal = j
	e := l.entry(func(e *snapshot.LogEntry) { e.Body = &snapshot.LogEntry_Release{Release: &snapshot.Release{Told: 1}} })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if a := l.Append(ctx, e); a.Failure == "" && a.InSlot != nil {
		t.Errorf("%+v", a)
	}
	if stands, err := l.try(t.Context(), e); !stands || err != nil {
		t.Errorf("the second try: %v, %v", stands, err)
	}
	// The same again, as after an answer that nobody has heard: it is its own entry that stands there.
	if stands, err := l.try(t.Context(), e); !stands || err != nil {
		t.Errorf("the third try: %v, %v", stands, err)
	}
	if a := l.Append(t.Context(), e); a.InSlot.GetSlot() != e.Slot || a.Highest != e.Slot {
		t.Errorf("%+v", a)
	}
}

// Metadata of the number that another leader has written is told from one's own whose answer was lost.
func TestStoredMetadata(t *testing.T) {
	for name, test := range map[string]struct {
		rule   fault.Rule
		theirs bool
		want   coordinator.StoreOutcome
	}{
		"written":               {fault.Rule{Op: fault.Stat}, false, coordinator.StoreWritten},
		"the answer is lost":    {fault.Rule{Op: fault.Create, Fault: fault.Fault{Kind: fault.Lose}}, false, coordinator.StoreWritten},
		"it fails":              {fault.Rule{Op: fault.Create, Fault: fault.Fault{Kind: fault.Throttle}}, false, coordinator.StoreFailed},
		"another's":             {fault.Rule{Op: fault.Stat}, true, coordinator.StoreExists},
		"another's, unreadable": {fault.Rule{Op: fault.Read, Times: -1, Fault: fault.Fault{Kind: fault.Broken}}, true, coordinator.StoreExists},
		"torn":                  {fault.Rule{Op: fault.Create, Fault: fault.Fault{Kind: fault.Tear, Bytes: 9}}, false, coordinator.StoreExists},
		"lost, and unreadable":  {fault.Rule{Op: "", Times: -1, Fault: fault.Fault{Kind: fault.Lose}}, false, coordinator.StoreFailed},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			l := b.lead()
			m := l.metadata(1)
			if test.theirs {
				other := l.metadata(1)
				other.TriggerMillis++
				l.Store(t.Context(), coordinator.Store{Checkpoint: 1, Folder: "chk-1", Metadata: other})
			}
			j, _ := b.journal(test.rule)
			s := j.Store(t.Context(), coordinator.Store{Checkpoint: 1, Folder: "chk-1", Metadata: m})
			if s.Outcome != test.want || s.Checkpoint != 1 || (s.Failure != "") != (test.want == coordinator.StoreFailed) {
				t.Errorf("%+v", s)
			}
		})
	}
}

// A claim that meets another one in its slot reads the log again, and begins a later term.
func TestClaimsThatMeet(t *testing.T) {
	b := newBench(t)
	j, _ := b.journal()
	j.store = &overtaken{Store: j.store, overtake: func() { b.lead() }}
	c, err := j.Claim(t.Context(), b.start())
	if err != nil || c.Writer.Epoch != 2 || c.History.Claimed != 2 {
		t.Errorf("%+v, %v", c, err)
	}
	// An elected leader has its epoch, and gives way to a newer one.
	elected := b.start()
	elected.Writer.Epoch = 1
	var fenced *snapshot.FencedError
	if _, err := j.Claim(t.Context(), elected); !errors.As(err, &fenced) {
		t.Errorf("%v", err)
	}
	j.store = &overtaken{Store: j.store, overtake: func() { b.lead() }, always: true}
	if _, err := j.Claim(t.Context(), b.start()); err == nil || !strings.Contains(err.Error(), "several leaders run for this job") {
		t.Errorf("%v", err)
	}
}

// overtaken has somebody else be faster in the first creation, or always.
type overtaken struct {
	storage.Store
	overtake func()
	always   bool
	done     bool
}

func (o *overtaken) Create(ctx context.Context, name string, body []byte) error {
	if !o.done || o.always {
		o.done = true
		o.overtake()
	}
	return o.Store.Create(ctx, name, body)
}

// Every step of a claim may fail for now; then all of it can be done again, by the same leader.
func TestAClaimThatFailsForNowCanBeRepeated(t *testing.T) {
	for name, rule := range map[string]fault.Rule{
		"listing":                {Op: fault.List, Fault: fault.Fault{Kind: fault.Throttle}},
		"listing after creating": {Op: fault.List, Skip: 1, Fault: fault.Fault{Kind: fault.Broken}},
		"reading the log":        {Op: fault.Read, Name: "*/*/log/*", Skip: 2, Fault: fault.Fault{Kind: fault.Broken}},
		"reading metadata":       {Op: fault.Read, Name: "*/*/chk-1/*", Fault: fault.Fault{Kind: fault.Throttle}},
		"looking for files":      {Op: fault.Stat, Fault: fault.Fault{Kind: fault.Fail}},
		"creating":               {Op: fault.Create, Fault: fault.Fault{Kind: fault.Full}},
		"reading back":           {Op: fault.Read, Skip: 4, Fault: fault.Fault{Kind: fault.Broken}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			first := b.lead()
			first.checkpoint(1, first.file(1))
			first.tells(1, nil)
			rules := []fault.Rule{rule}
			if name == "reading back" {
				rules = append(rules, fault.Rule{Op: fault.Create, Fault: fault.Fault{Kind: fault.Lose}})
			}
			j, through := b.journal(rules...)
			start := b.start()
			if c, err := j.Claim(t.Context(), start); c != nil || !storage.MayPass(err) {
				t.Fatalf("%+v, %v, %v", c, err, through.Reached())
			}
			c, err := j.Claim(t.Context(), start)
			if err != nil || c.From.GetCheckpoint() != 1 || c.History.Leader != start.Writer.Leader || c.Writer.Epoch < 2 {
				t.Fatalf("%+v, %v", c, err)
			}
			l := &term{b, j, c, c.History}
			l.checkpoint(c.History.NextCheckpoint, first.file(1))
		})
	}
}

func TestWhatIsDamagedIsNotGoneOnFrom(t *testing.T) {
	for name, test := range map[string]struct {
		harm func(b *bench, l *term)
		// from is what the job goes on from if nobody was told of the damaged one, 0 if that is refused, too.
		from uint64
		says string
	}{
		"metadata is damaged": {func(b *bench, l *term) { b.spoil("chk-2/_metadata", flip) }, 1, "chk-2/_metadata"},
		"metadata is missing": {func(b *bench, l *term) {
			_ = storage.Below(b.inner, b.folder()).Delete(b.Context(), "chk-2/_metadata")
		}, 1, "chk-2/_metadata"},
		"a file is missing": {func(b *bench, l *term) { _ = storage.Below(b.inner, b.folder()).Delete(b.Context(), l.file(2)) }, 1, "shared/"},
		"a file is short":   {func(b *bench, l *term) { b.spoil(l.file(2), func(p []byte) []byte { return p[:4] }) }, 1, "shared/"},
	} {
		for _, told := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, told %v", name, told), func(t *testing.T) {
				b := newBench(t)
				l := b.lead()
				l.checkpoint(1, l.file(1))
				l.tells(1, nil)
				l.checkpoint(2, l.file(1), l.file(2))
				if told {
					l.tells(2, nil)
				}
				test.harm(b, l)
				j, _ := b.journal()
				c, err := j.Claim(t.Context(), b.start())
				if told {
					if err == nil || storage.MayPass(err) || !strings.Contains(err.Error(), "checkpoint 2") || !strings.Contains(err.Error(), test.says) {
						t.Errorf("%v", err)
					}
					return
				}
				if err != nil || c.From.GetCheckpoint() != test.from || len(c.PassedOver) != 1 || !strings.Contains(c.PassedOver[0].Reason.Error(), test.says) {
					t.Errorf("%+v, %v", c, err)
				}
			})
		}
	}
	// That bytes are others is looked for where the checkpoint may still be passed over.
	b := newBench(t)
	l := b.lead()
	l.checkpoint(1)
	l.checkpoint(2, l.file(2))
	b.spoil(l.file(2), flip)
	if c := b.lead().claimed; c.From.GetCheckpoint() != 1 || len(c.PassedOver) != 1 {
		t.Errorf("%+v", c)
	}
}

func TestADamagedSlotIsNamed(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"flipped": flip,
		"torn":    func(p []byte) []byte { return p[:len(p)-3] },
		"empty":   func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.lead().checkpoint(1)
			b.spoil("log/000002", change)
			j, _ := b.journal()
			_, err := j.Claim(t.Context(), b.start())
			if err == nil || storage.MayPass(err) || !strings.Contains(err.Error(), j.Location()+"/log/000002") {
				t.Errorf("%v", err)
			}
		})
	}
	b := newBench(t)
	b.lead().checkpoint(1)
	b.lead()
	if err := storage.Below(b.inner, b.folder()).Delete(t.Context(), "log/000003"); err != nil {
		t.Fatal(err)
	}
	_ = storage.Below(b.inner, b.folder()).Delete(t.Context(), "log/000001")
	j, _ := b.journal()
	if _, err := j.Claim(t.Context(), b.start()); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a log without a claim: %v", err)
	}
}

// Slots that are trimmed while the log is read are gone without harm.
func TestALogThatIsTrimmedWhileItIsRead(t *testing.T) {
	b := newBench(t)
	b.lead().checkpoint(1)
	second := b.lead()
	j, through := b.journal()
	trimmed := false
	through.Follow(func(c fault.Call) fault.Fault {
		if c.Op == fault.Read && !trimmed {
			trimmed = true
			if err := second.Trim(t.Context(), second.history.Claimed); err != nil {
				t.Error(err)
			}
		}
		return fault.Fault{}
	})
	c, err := j.Claim(t.Context(), b.start())
	if err != nil || !trimmed || c.From.GetCheckpoint() != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestCollectLeavesWhatIsNamedOrNewer(t *testing.T) {
	b := newBench(t)
	first := b.lead()
	first.checkpoint(1, first.file(1))
	for _, stray := range []string{first.file(2), "chk-1/" + strings.TrimPrefix(first.file(3), "shared/"), "chk-7/_metadata", "notes.txt", "shared/notes"} {
		if err := storage.Below(b.inner, b.folder()).Create(t.Context(), stray, nil); err != nil {
			t.Fatal(err)
		}
	}
	second := b.lead()
	newer := second.file(4)
	if err := storage.Below(b.inner, b.folder()).Create(t.Context(), newer, nil); err != nil {
		t.Fatal(err)
	}
	deleted, err := second.Collect(t.Context(), second.claimed)
	want := []string{"chk-1/_metadata", "chk-7/_metadata", "log/000001", "log/000002", "log/000003", "notes.txt", first.file(1), newer, "shared/notes"}
	slices.Sort(want)
	if got := b.names(); err != nil || deleted != 2 || !slices.Equal(got, want) {
		t.Errorf("%d deleted, %v; left are\n%v instead of\n%v", deleted, err, got, want)
	}
	// At the end of the job its own files are meant, too.
	if _, err := second.Clean(t.Context(), coordinator.Clean{Kept: second.claimed.Held, Epoch: 3, Next: 8}); err != nil || b.has(newer) || b.has("chk-7/_metadata") || !b.has(first.file(1)) {
		t.Errorf("%v, %v", err, b.names())
	}
}

func TestDeleteGoesOnAfterAFailure(t *testing.T) {
	b := newBench(t)
	l := b.lead()
	l.checkpoint(1, l.file(1))
	j, _ := b.journal(fault.Rule{Op: fault.Delete, Fault: fault.Fault{Kind: fault.Tear}})
	files := []snapshot.File{{Name: l.file(1)}, {Name: "chk-1/_metadata"}}
	if err := j.Delete(t.Context(), files); !errors.Is(err, storage.Transient) {
		t.Errorf("%v", err)
	}
	if err := j.Delete(t.Context(), files); err != nil || len(b.names()) != 2 {
		t.Errorf("%v, %v", err, b.names())
	}
}

func TestDiscardRemovesSavepointsOnly(t *testing.T) {
	b := newBench(t)
	l := b.lead()
	l.checkpoint(1)
	if err := l.Discard(t.Context(), l.Location()+"/chk-1"); err == nil || !strings.Contains(err.Error(), "nothing was deleted") || !b.has("chk-1/_metadata") {
		t.Errorf("%v", err)
	}
	savepoint := snapshot.SavepointFolder(b.job, b.id())
	for _, name := range []string{"/_metadata", "/1-0-file"} {
		if err := b.inner.Create(t.Context(), "saved/"+savepoint+name, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Discard(t.Context(), "mem://a/saved/"+savepoint+"/_metadata"); err != nil {
		t.Fatal(err)
	}
	for o := range storage.All(t.Context(), b.inner, "saved/") {
		t.Errorf("%s is left", o.Name)
	}
}

func TestTheUsersSnapshotIsNamedWhenItCannotBeRead(t *testing.T) {
	b := newBench(t)
	j, _ := b.journal()
	start := b.start()
	start.From = "mem://a/saved/savepoint-abcdef-0123456789ab"
	if _, err := j.Claim(t.Context(), start); err == nil || storage.MayPass(err) || !strings.Contains(err.Error(), start.From) || len(b.names()) > 0 {
		t.Errorf("%v, %v", err, b.names())
	}
}

// careless is a service that does not know conditional writes.
type careless struct{ storage.Store }

func (c careless) Create(ctx context.Context, name string, body []byte) error {
	_, err := c.Put(ctx, name, storage.Bytes(body))
	return err
}

// A store that cannot be written, or where two would win, is refused before anything relies on it, by its place.
func TestTheStoreIsTriedOutFirst(t *testing.T) {
	b := newBench(t)
	j, _ := b.journal(fault.Rule{Op: fault.Create, Fault: fault.Fault{Kind: fault.Deny}})
	if _, err := j.Claim(t.Context(), b.start()); !errors.Is(err, storage.Refused) || !strings.Contains(err.Error(), "execution.checkpointing.dir") || !strings.Contains(err.Error(), "mem://a") {
		t.Errorf("%v", err)
	}
	j.store = careless{j.store}
	if _, err := j.Claim(t.Context(), b.start()); !errors.Is(err, storage.Refused) || !strings.Contains(err.Error(), "conditional writes") {
		t.Errorf("%v", err)
	}
	if names := b.names(); len(names) > 0 {
		t.Errorf("%v are left", names)
	}
}
