package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/runtime/operator/sink/sinktest"
)

// unsynced are the files that a crash may tear.
type unsynced map[string]bool

type trackedFile struct {
	*os.File
	files unsynced
}

// Sync counts as done.
func (f trackedFile) Sync() error {
	delete(f.files, f.Name())
	return nil
}

func (u unsynced) create(path string) (partFile, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	u[path] = true
	return trackedFile{f, u}, err
}

func (u unsynced) tear(t testing.TB, below func(n int) int) {
	for _, path := range slices.Sorted(maps.Keys(u)) {
		if info, err := os.Stat(path); err == nil {
			if err := os.Truncate(path, int64(below(int(info.Size())+1))); err != nil {
				t.Error(err)
			}
		}
		delete(u, path)
	}
}

// results are the lines of published parts.
type results struct {
	t      testing.TB
	folder string
	seen   map[string]string
	lines  []int
}

// read reads the parts that it has not seen.
func (r *results) read() []int {
	r.t.Helper()
	names, _ := filepath.Glob(filepath.Join(r.folder, "part-*"))
	for _, name := range names {
		if _, ok := r.seen[name]; ok {
			continue
		}
		content, err := os.ReadFile(name)
		if err != nil {
			r.t.Fatal(err)
		}
		r.seen[name] = string(content)
		for _, line := range strings.Fields(string(content)) {
			n, err := strconv.Atoi(line)
			if err != nil {
				r.t.Fatal(err)
			}
			r.lines = append(r.lines, n)
		}
	}
	if len(names) != len(r.seen) {
		r.t.Fatalf("%d published parts, and %d were seen", len(names), len(r.seen))
	}
	return r.lines
}

// unchanged checks that parts are as they were when they appeared.
func (r *results) unchanged() error {
	for name, before := range r.seen {
		if content, err := os.ReadFile(name); err != nil || string(content) != before {
			return fmt.Errorf("%s has changed since it was published: %v", name, err)
		}
	}
	return nil
}

func TestEachRecordIsPublishedOnceThroughCrashes(t *testing.T) {
	seeds := 60
	if testing.Short() {
		seeds = 20
	}
	sinktest.Check(t, 1, seeds, func(seed int) sinktest.Case {
		folder, torn := t.TempDir(), unsynced{}
		policy := []RollingPolicy{
			OnCheckpointRollingPolicy(), DefaultRollingPolicy(), {PartSize: 9}, {RolloverInterval: 700 * time.Millisecond}, {InactivityInterval: 300 * time.Millisecond, PartSize: 30},
		}[seed%5]
		r := &results{t: t, folder: folder, seen: map[string]string{}}
		return sinktest.Case{
			Sink: func() connector.Sink[int] {
				s := numbers(folder).Rolling(policy)
				s.create = torn.create
				return s
			},
			Visible: r.read,
			Crash:   func(below func(n int) int) { torn.tear(t, below) },
			Ended:   r.unchanged,
		}
	})
}

// roller is a writer in a job with checkpoints.
type roller struct {
	connector.Writer[int]
	t     testing.TB
	clock *clock.Manual
	call  int64
}

func newRoller(t testing.TB, sink Sink[int], r run, restored ...[]byte) *roller {
	t.Helper()
	made := &roller{t: t, clock: clock.NewManual(time.UnixMilli(0)), call: operator.NoCall}
	ctx := r.context()
	ctx.Checkpointing, ctx.Clock, ctx.CallAt = true, made.clock, func(at int64) { made.call = at }
	var err error
	made.Writer, err = sink.NewWriter(ctx)
	if err == nil && restored != nil {
		err = made.Writer.(connector.StatefulWriter).Restore(restored)
	}
	if err == nil {
		err = made.Open()
	}
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (r *roller) prepare() []connector.Committable {
	r.t.Helper()
	if err := r.Flush(false); err != nil {
		r.t.Fatal(err)
	}
	prepared, err := r.Writer.(connector.CommittingWriter).PrepareCommit()
	if err != nil {
		r.t.Fatal(err)
	}
	return prepared
}

func (r *roller) prepareDurably() []connector.Committable {
	r.t.Helper()
	prepared := r.prepare()
	for _, c := range prepared {
		if err := c.Persist(context.Background()); err != nil {
			r.t.Fatal(err)
		}
	}
	return prepared
}

// pass turns the clock, and calls the writer when it has asked for that.
func (r *roller) pass(d time.Duration) {
	r.t.Helper()
	for to := r.clock.Now().Add(d).UnixMilli(); ; {
		now := r.clock.Now().UnixMilli()
		r.clock.Advance(time.Duration(min(to, r.call)-now) * time.Millisecond)
		if r.call > to {
			return
		}
		at := r.call
		r.call = operator.NoCall
		if err := r.Writer.(connector.TimedWriter).OnProcessingTime(at); err != nil {
			r.t.Fatal(err)
		}
	}
}

// commit asks for commits and returns their outcomes.
func commit(sink Sink[int], restored bool, committables ...connector.Committable) (outcomes []connector.CommitOutcome, err error) {
	c, err := sink.NewCommitter(connector.CommitterContext{})
	if err != nil {
		return nil, err
	}
	var requests []*connector.CommitRequest
	for _, committable := range committables {
		requests = append(requests, connector.NewCommitRequest(committable, restored))
	}
	err = c.Commit(context.Background(), requests)
	for _, r := range requests {
		outcome, _ := r.Outcome()
		outcomes = append(outcomes, outcome)
	}
	return outcomes, err
}

func mustCommit(t testing.TB, sink Sink[int], restored bool, committables ...connector.Committable) []connector.CommitOutcome {
	t.Helper()
	outcomes, err := commit(sink, restored, committables...)
	if err != nil {
		t.Fatal(err)
	}
	return outcomes
}

// published returns the contents of parts in the order of their numbers.
func published(t testing.TB, folder string) (contents []string) {
	t.Helper()
	names, _ := filepath.Glob(filepath.Join(folder, "part-*"))
	number := func(name string) int {
		n, _ := strconv.Atoi(name[strings.LastIndexByte(name, '-')+1:])
		return n
	}
	slices.SortFunc(names, func(a, b string) int { return number(a) - number(b) })
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		contents = append(contents, strings.ReplaceAll(string(content), "\n", " "))
	}
	return contents
}

func hidden(t testing.TB, folder string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(folder, ".part-*"+inProgress+"*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestPartsEndBySizeAndTime(t *testing.T) {
	const ms = time.Millisecond
	for name, test := range map[string]struct {
		policy RollingPolicy
		do     func(r *roller)
		want   []string
	}{
		"size": {RollingPolicy{PartSize: 6}, func(r *roller) {
			put(t, r, 1, 2, 3, 4)
			put(t, r, 55555, 6666666, 7)
		}, []string{"1 2 3 ", "4 55555 ", "6666666 ", "7 "}},
		"rollover": {RollingPolicy{RolloverInterval: 100 * ms}, func(r *roller) {
			r.pass(50 * ms)
			put(t, r, 1)
			r.pass(99 * ms)
			put(t, r, 2)
			r.pass(1 * ms)
			put(t, r, 3)
			r.pass(99 * ms)
			put(t, r, 4)
		}, []string{"1 2 ", "3 4 "}},
		"inactivity": {RollingPolicy{InactivityInterval: 100 * ms}, func(r *roller) {
			for i := range 4 {
				put(t, r, i)
				r.pass(99 * ms)
			}
			put(t, r, 4)
			r.pass(100 * ms)
			put(t, r, 5)
		}, []string{"0 1 2 3 4 ", "5 "}},
		"both": {RollingPolicy{RolloverInterval: 250 * ms, InactivityInterval: 100 * ms}, func(r *roller) {
			for i := range 4 {
				put(t, r, i)
				r.pass(90 * ms)
			}
		}, []string{"0 1 2 ", "3 "}},
		"checkpoints only": {OnCheckpointRollingPolicy(), func(r *roller) {
			put(t, r, 1)
			r.pass(time.Hour)
			put(t, r, 2)
		}, []string{"1 2 "}},
		"the default": {DefaultRollingPolicy(), func(r *roller) {
			put(t, r, 1)
			r.pass(time.Minute - ms)
			put(t, r, 2)
			r.pass(ms)
			put(t, r, 3)
		}, []string{"1 2 ", "3 "}},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			sink := numbers(folder).Rolling(test.policy)
			r := newRoller(t, sink, run{"job", 0, 1, 0})
			test.do(r)
			if got := published(t, folder); len(got) > 0 {
				t.Errorf("visible before the commit: %q", got)
			}
			mustCommit(t, sink, false, r.prepareDurably()...)
			if got := published(t, folder); !slices.Equal(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
			if more := r.prepare(); len(more) > 0 {
				t.Errorf("%d parts without a record", len(more))
			}
			if err := r.Close(); err != nil || len(hidden(t, folder)) > 0 {
				t.Errorf("%v, left %q", err, hidden(t, folder))
			}
		})
	}
}

func TestCommitIsIdempotent(t *testing.T) {
	folder := t.TempDir()
	sink := numbers(folder)
	r := newRoller(t, sink, run{"job", 3, 4, 0})
	put(t, r, 1, 2)
	first := r.prepareDurably()
	put(t, r, 3)
	second := r.prepareDurably()
	all := append(first, second...)
	mustCommit(t, sink, false, first...)
	for i, want := range [][]connector.CommitOutcome{
		{connector.CommittedBefore, connector.Committed}, {connector.CommittedBefore, connector.CommittedBefore},
	} {
		if got := mustCommit(t, sink, true, all...); !slices.Equal(got, want) {
			t.Errorf("commit %d: %v, want %v", i, got, want)
		}
	}
	if got := published(t, folder); !slices.Equal(got, []string{"1 2 ", "3 "}) {
		t.Errorf("%q", got)
	}
	for _, c := range all {
		if p, ok := parsePart(c.ID); !ok || p.subtask != 3 || !p.published {
			t.Errorf("a part is called %q", c.ID)
		}
	}
}

func TestNamesNeverMeet(t *testing.T) {
	folder, names := t.TempDir(), map[string]bool{}
	for range 3 { // the same subtask and attempt, as in runs that all begin with one savepoint
		r := newRoller(t, numbers(folder), run{"job", 0, 1, 0}, []byte(stateOfWriter))
		put(t, r, 1)
		c := r.prepareDurably()
		mustCommit(t, numbers(folder), false, c...)
		names[c[0].ID] = true
	}
	if len(names) != 3 || len(published(t, folder)) != 3 {
		t.Errorf("names %v", names)
	}
}

func TestPartsThatAreNotAsTheyWere(t *testing.T) {
	for name, test := range map[string]struct {
		spoil    func(p pending) error
		restored bool
		finds    []string
	}{
		"torn":           {func(p pending) error { return os.Truncate(p.hidden(), 1) }, true, []string{"has 1 bytes and had 4", "lost or changed"}},
		"gone":           {func(p pending) error { return os.Remove(p.hidden()) }, false, []string{"not exist", "something has removed it"}},
		"gone, restored": {func(p pending) error { return os.Remove(p.hidden()) }, true, []string{"not exist", "PartsMayVanish"}},
		"taken":          {func(p pending) error { return os.WriteFile(p.final(), nil, 0o600) }, false, []string{"already exists"}},
		"no folder":      {func(p pending) error { return os.RemoveAll(p.folder) }, true, []string{"not exist"}},
	} {
		t.Run(name, func(t *testing.T) {
			sink := numbers(filepath.Join(t.TempDir(), "results"))
			r := newRoller(t, sink, run{"job", 0, 1, 0})
			put(t, r, 1, 2)
			c := r.prepareDurably()
			p, err := decodePending(c[0].State)
			if err == nil {
				err = test.spoil(p)
			}
			if err != nil {
				t.Fatal(err)
			}
			_, err = commit(sink, test.restored, c...)
			checkError(t, err, append(test.finds, p.name)...)
			if strings.HasPrefix(name, "gone") || name == "no folder" {
				got, err := commit(sink.PartsMayVanish(), test.restored, c...)
				if test.restored != (err == nil) || err == nil && got[0] != connector.CommittedBefore {
					t.Errorf("parts that may vanish: %v, %v", got, err)
				}
			}
		})
	}
}

func TestDisksThatFail(t *testing.T) {
	fails := func(f faulty) func(string) (partFile, error) {
		return func(string) (partFile, error) { return f, nil }
	}
	for name, test := range map[string]struct {
		create func(string) (partFile, error)
		finds  []string
	}{
		"write":  {fails(faulty{write: syscall.ENOSPC}), []string{"cannot write 2 bytes after the first 0", "free space"}},
		"create": {func(string) (partFile, error) { return nil, syscall.EMFILE }, []string{"cannot create it", "limit of open files"}},
		"sync":   {fails(faulty{sync: syscall.EIO}), []string{"cannot make its 0 bytes durable", "input/output error"}},
		"close":  {fails(faulty{close: syscall.EDQUOT}), []string{"cannot close it", "free space"}},
	} {
		t.Run(name, func(t *testing.T) {
			sink := numbers(t.TempDir())
			sink.create = test.create
			r := newRoller(t, sink, run{"job", 0, 1, 0})
			put(t, r, 7)
			err := r.Flush(false)
			if err == nil {
				c, prepareErr := r.Writer.(connector.CommittingWriter).PrepareCommit()
				if prepareErr != nil || len(c) != 1 {
					t.Fatal(c, prepareErr)
				}
				err = c[0].Persist(context.Background())
				if again := c[0].Persist(context.Background()); !errors.Is(again, err) {
					t.Errorf("what the disk has refused it takes now: %v", again)
				}
			}
			checkError(t, err, append(test.finds, ".part-0-")...)
			r.Close()
		})
	}
}

func TestCloseKeepsWhatACheckpointMayHave(t *testing.T) {
	folder := t.TempDir()
	sink := numbers(folder).Rolling(RollingPolicy{PartSize: 2})
	r := newRoller(t, sink, run{"job", 0, 1, 0})
	put(t, r, 1)
	durable := r.prepareDurably()
	put(t, r, 2)
	prepared := r.prepare()
	put(t, r, 3)
	put(t, r, 45)
	r.Flush(false)
	if n := len(hidden(t, folder)); n != 4 {
		t.Fatalf("%d hidden files", n)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(folder, hiddenRolled(durable[0].ID)), filepath.Join(folder, hiddenRolled(prepared[0].ID))}
	if got := hidden(t, folder); !slices.Equal(got, want) {
		t.Errorf("kept %q, want %q", got, want)
	}
	checkError(t, prepared[0].Persist(context.Background()), "file already closed")
}

// TestLeftoversStayUntilTheyAreOld removes what is older than an hour, if anything, and nothing before the first checkpoint.
func TestLeftoversStayUntilTheyAreOld(t *testing.T) {
	const now = 100 * time.Hour
	for _, age := range []time.Duration{0, time.Hour} {
		folder := t.TempDir()
		left := func(subtask, number int, old time.Duration) string {
			name := hiddenRolled(rolledName(subtask, "0123456789abcdef", number))
			write(t, folder, name, []byte("left"))
			at := time.UnixMilli(0).Add(now - old)
			if err := os.Chtimes(filepath.Join(folder, name), at, at); err != nil {
				t.Fatal(err)
			}
			return name
		}
		own, former, others, young := left(1, 7, 2*time.Hour), left(3, 7, 61*time.Minute), left(2, 7, 2*time.Hour), left(1, 8, 59*time.Minute)
		kept := rolledName(1, "0123456789abcdef", 6)
		write(t, folder, kept, []byte("result"))
		r := newRoller(t, numbers(folder).RemoveLeftoversAfter(age), run{"job", 1, 2, 5}, []byte(stateOfWriter))
		r.clock.Advance(now)
		put(t, r, 1)
		r.prepareDurably()
		if got := hidden(t, folder); len(got) != 5 {
			t.Errorf("hidden files %q before the first checkpoint", got)
		}
		if err := r.Writer.(connector.CheckpointListener).CheckpointComplete(1); err != nil {
			t.Fatal(err)
		}
		for name, gone := range map[string]bool{own: age > 0, former: age > 0, others: false, young: false, kept: false} {
			if _, err := os.Lstat(filepath.Join(folder, name)); errors.Is(err, fs.ErrNotExist) != gone {
				t.Errorf("age %v: %s: %v, want it gone: %v", age, name, err, gone)
			}
		}
	}
}

// TestAJobThatBeginsAnewKeepsWhatASavepointMayHave: it has failed after a savepoint and before its first checkpoint.
func TestAJobThatBeginsAnewKeepsWhatASavepointMayHave(t *testing.T) {
	folder := t.TempDir()
	r := newRoller(t, numbers(folder), run{"job", 0, 1, 0})
	put(t, r, 1)
	c := r.prepareDurably()
	r.Close()
	newRoller(t, numbers(folder), run{"job", 0, 1, 1}).Close()
	c[0].Persist = nil
	mustCommit(t, numbers(folder), true, c...)
	if got := published(t, folder); !slices.Equal(got, []string{"1 "}) {
		t.Errorf("%q", got)
	}
}

func TestAJobThatBeginsAnewClaimsItsFolder(t *testing.T) {
	folder := t.TempDir()
	name := rolledName(0, "0123456789abcdef", 0)
	write(t, folder, name, []byte("old"))
	w := newRoller(t, numbers(folder).Overwrite(), run{"two", 1, 2, 0}) // not of its share
	w.Close()
	ctx := run{"two", 0, 1, 0}.context()
	ctx.Checkpointing = true
	refused, err := numbers(folder).NewWriter(ctx)
	if err != nil {
		t.Fatal(err)
	}
	checkError(t, refused.Open(), "results of another run ("+name+")")
	newRoller(t, numbers(folder), run{"two", 0, 1, 0}, []byte(stateOfWriter)).Close() // one that goes on takes it as it is
	if got := published(t, folder); !slices.Equal(got, []string{"old"}) {
		t.Fatalf("%q", got)
	}
	newRoller(t, numbers(folder).Overwrite(), run{"two", 0, 1, 0}).Close()
	if got := published(t, folder); len(got) > 0 {
		t.Errorf("not overwritten: %q", got)
	}
}

// TestSnapshotOfAnotherFolder restores a program that names another folder, and takes no checkpoints any more.
func TestSnapshotOfAnotherFolder(t *testing.T) {
	before, after := t.TempDir(), t.TempDir()
	r := newRoller(t, numbers(before), run{"job", 0, 1, 0})
	put(t, r, 1)
	c := r.prepareDurably()
	c[0].Persist = nil
	sink := numbers(after)
	mustCommit(t, sink, true, c...)
	w := newWriter(t, sink, run{"job", 0, 1, 1})
	if err := w.(connector.StatefulWriter).Restore([][]byte{[]byte(stateOfWriter)}); err != nil {
		t.Fatal(err)
	}
	w.(*writer[int]).timer = newTimer(OnCheckpointRollingPolicy(), nil, nil)
	if err := w.Open(); err != nil {
		t.Fatal(err)
	}
	put(t, w, 2)
	if err := w.Flush(true); err != nil {
		t.Fatal(err)
	}
	c, err := w.(connector.CommittingWriter).PrepareCommit()
	if err != nil || len(c) != 1 {
		t.Fatal(c, err)
	}
	if err := c[0].Persist(context.Background()); err != nil {
		t.Fatal(err)
	}
	mustCommit(t, sink, false, c...)
	if got := append(published(t, before), published(t, after)...); !slices.Equal(got, []string{"1 ", "2 "}) {
		t.Errorf("%q", got)
	}
}

func TestRefusals(t *testing.T) {
	if _, err := numbers("x").Rolling(RollingPolicy{PartSize: -1}).NewWriter(run{"job", 0, 1, 0}.context()); err == nil {
		t.Error("a negative size is accepted")
	}
	w := newWriter(t, numbers("x"), run{"job", 0, 1, 0})
	if err := w.(connector.StatefulWriter).Restore([][]byte{{2}}); err == nil {
		t.Error("the state of a later version is accepted")
	}
	for _, name := range []string{
		"part-0", "part-0-0123456789abcdef", "part-0-0123456789abcde-1", "part-0-0123456789abcdeF-1", "part-0-0123456789abcdef-01", "part-0-0123456789abcdef-1.inprogress",
		".part-0-0123456789abcdef-1", ".part-0-0123456789abcdef-1.inprogress.1", ".part-0-1.inprogress", ".part-0-1.inprogress.x", "part-1-2-3", "../part-0-0123456789abcdef-1",
	} {
		if p, ok := parsePart(name); ok {
			t.Errorf("%q is read as %+v", name, p)
		}
	}
}

func FuzzDecodePending(f *testing.F) {
	f.Add(pending{folder: "/results", name: rolledName(1, "0123456789abcdef", 2), length: 300}.encode())
	f.Add([]byte{pendingVersion, 1, 200, 1})
	f.Add([]byte{pendingVersion, 1, 1, '/', 'p'})
	f.Fuzz(func(t *testing.T, state []byte) {
		p, err := decodePending(state)
		if err != nil {
			return
		}
		if string(p.encode()) != string(state) || filepath.Dir(p.final()) != filepath.Clean(p.folder) || p.length <= 0 {
			t.Errorf("%q is read as %+v", state, p)
		}
	})
}
