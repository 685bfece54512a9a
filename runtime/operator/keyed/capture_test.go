package keyed

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// kept are files that were uploaded.
type kept struct {
	folder string
	files  int
	bytes  int64
	// fails is how many of the next uploads fail.
	fails int
}

var errFull = errors.New("the disk is full")

func (k *kept) upload(ctx context.Context, content storage.Source) (*snapshot.FileRef, error) {
	if k.fails > 0 {
		k.fails--
		return nil, errFull
	}
	inline, err := snapshot.KeepInline(ctx, content)
	if err != nil || inline.Length < 1000 {
		return inline, err
	}
	k.files++
	k.bytes += int64(inline.Length)
	sum := snapshot.CRC32C(inline.Inline)
	ref := &snapshot.FileRef{Name: fmt.Sprint("shared/", k.files), Length: inline.Length, Crc32C: &sum}
	path := k.path(ref)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return ref, os.WriteFile(path, inline.Inline, 0o600)
}

func (k *kept) path(ref *snapshot.FileRef) string { return filepath.Join(k.folder, ref.Name) }

// back is what a snapshot is after it went through metadata.
func (k *kept) back(t *testing.T, written *snapshot.Operator, parallelism int) *snapshot.Operator {
	t.Helper()
	packed, states, lists, err := written.Pack(0)
	if err != nil {
		t.Fatal(err)
	}
	op := &snapshot.OperatorState{Parallelism: int32(parallelism), MaxParallelism: 128, States: states, Lists: lists, Subtasks: []*snapshot.SubtaskState{packed}}
	read, err := op.Unpack(packed, snapshot.ReadInline, func(ref *snapshot.FileRef) (string, error) { return k.path(ref), nil })
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// life is a subtask whose state changes at random.
type life struct {
	t      *testing.T
	random *rand.Rand
	kept   *kept
	is     *subtask
	time   int64
}

func (l *life) change(n int) {
	for range n {
		r, s := l.random, l.is
		key := fmt.Sprint("a key with some length ", r.Intn(900))
		at := l.time + r.Int63n(300)
		switch r.Intn(12) {
		case 0:
			s.backend.Seek(key, hashOf(key))
			s.function.Count.Clear()
			s.function.Names.Clear()
		case 1:
			s.timers.Event.Delete(key, hashOf(key), at)
		case 2:
			if r.Intn(30) == 0 {
				l.time += 50
				for due := make([]state.Timer[string], 0, 8); len(s.timers.Event.Take(l.time, due)) > 0; {
				}
			}
		case 3:
			if r.Intn(60) == 0 {
				s.panes.Drop(int64(r.Intn(3)) * 100)
			}
		default:
			s.visit(key, at)
		}
	}
}

// finish copies a capture to its end, while the state changes.
func (l *life) finish(c operator.Capture) {
	for !c.Copy(1 + l.random.Intn(2000)) {
		l.change(l.random.Intn(4))
	}
}

// TestChainsGoOn takes one snapshot after the other of changing state, some of which fail, are given up or are canonical, restores each into the
// other backend at another parallelism, and goes on from some of them.
func TestChainsGoOn(t *testing.T) {
	for seed := range int64(4) {
		l := &life{t: t, random: rand.New(rand.NewSource(seed)), kept: &kept{folder: t.TempDir()}}
		l.is = openSubtask(t, subtasks(t, "hashmap", 1, nil)[0])
		local, longest, fulls, refused := t.TempDir(), 0, 0, 0
		broken := false
		l.change(3000)
		for range 40 {
			l.change(l.random.Intn(150))
			kind := []snapshot.MarkKind{snapshot.MarkChanges, snapshot.MarkChanges, snapshot.MarkChanges, snapshot.MarkChanges, snapshot.MarkCanonical, snapshot.MarkFull}[l.random.Intn(6)]
			want := contents(t, []*subtask{l.is})
			c, err := l.is.store.Mark(kind)
			if err != nil {
				t.Fatal(err)
			}
			if l.random.Intn(10) == 0 {
				c.Copy(100)
				c.Drop()
				broken = broken || kind != snapshot.MarkCanonical
				continue
			}
			l.finish(c)
			var folder string
			if l.random.Intn(2) == 0 {
				folder = local
			}
			if l.random.Intn(8) == 0 {
				l.kept.fails = 1
			}
			written, err := c.Write(context.Background(), folder, l.kept.upload)
			if err != nil {
				if !errors.Is(err, errFull) {
					t.Fatal(err)
				}
				broken = broken || kind != snapshot.MarkCanonical
				refused++
				continue
			}
			l.kept.fails = 0
			n := 0
			for _, chain := range written.Chains {
				n = len(chain.Tables)
			}
			if kind != snapshot.MarkChanges || broken {
				if n > 1 {
					t.Fatalf("seed %d: a snapshot of everything has %d tables", seed, n)
				}
				fulls++
			}
			broken = broken && kind == snapshot.MarkCanonical
			longest = max(longest, n)
			before := l.kept.back(t, written, 1)
			for _, backend := range []string{"hashmap", "pebble"} {
				var after []*subtask
				for _, ctx := range subtasks(t, backend, 1+l.random.Intn(3), []*snapshot.Operator{before}) {
					after = append(after, openSubtask(t, ctx))
				}
				if got := contents(t, after); !maps.Equal(got, want) {
					t.Fatalf("seed %d, kind %d, %d tables, on %s: %s", seed, kind, n, backend, firstDifference(got, want))
				}
				for _, s := range after {
					_ = s.store.Close()
				}
			}
			if l.random.Intn(4) == 0 && kind != snapshot.MarkCanonical { // the subtask starts again, and its chain goes on
				for i := range before.Chains {
					before.Chains[i].Whole = true
				}
				_ = l.is.store.Close()
				l.is = openSubtask(t, subtasks(t, "hashmap", 1, []*snapshot.Operator{before})[0])
			}
		}
		_ = l.is.store.Close()
		if files, _ := os.ReadDir(local); len(files) > 0 {
			t.Errorf("%d files are left over", len(files))
		}
		if longest < 4 || fulls == 0 || refused == 0 {
			t.Errorf("seed %d: at most %d tables, %d of everything, %d failed", seed, longest, fulls, refused)
		}
	}
}

func firstDifference(got, want map[string]string) string {
	for key, v := range want {
		if got[key] != v {
			return fmt.Sprintf("%d keys, want %d: %s is %q, want %q", len(got), len(want), key, got[key], v)
		}
	}
	for key, v := range got {
		if _, ok := want[key]; !ok {
			return fmt.Sprintf("%d keys, want %d: %s is %q", len(got), len(want), key, v)
		}
	}
	return "nothing"
}

// TestWritesMayLagBehindMarks writes captures after later ones were marked.
func TestWritesMayLagBehindMarks(t *testing.T) {
	for _, failing := range []int{-1, 0, 1} {
		l := &life{t: t, random: rand.New(rand.NewSource(9)), kept: &kept{folder: t.TempDir()}}
		l.is = openSubtask(t, subtasks(t, "hashmap", 1, nil)[0])
		var captures []operator.Capture
		var wants []map[string]string
		for i := range 3 {
			l.change([]int{3000, 100, 100}[i])
			wants = append(wants, contents(t, []*subtask{l.is}))
			c, err := l.is.store.Mark(snapshot.MarkChanges)
			if err != nil {
				t.Fatal(err)
			}
			l.finish(c)
			captures = append(captures, c)
		}
		for i, c := range captures {
			if i == failing {
				l.kept.fails = 1
			}
			written, err := c.Write(context.Background(), "", l.kept.upload)
			if failing >= 0 && i >= failing {
				if err == nil || i > failing && !strings.Contains(err.Error(), "earlier") {
					t.Errorf("capture %d after %d failed: %v", i, failing, err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			after := openSubtask(t, subtasks(t, "pebble", 1, []*snapshot.Operator{l.kept.back(t, written, 1)})[0])
			if got := contents(t, []*subtask{after}); !maps.Equal(got, wants[i]) {
				t.Errorf("capture %d: %s", i, firstDifference(got, wants[i]))
			}
		}
		c, err := l.is.store.Mark(snapshot.MarkChanges)
		if err != nil {
			t.Fatal(err)
		}
		l.finish(c)
		written, err := c.Write(context.Background(), "", l.kept.upload)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(written.Chains[0].Tables); failing >= 0 && n != 1 || failing < 0 && n != 4 {
			t.Errorf("after %d failed the next snapshot has %d tables", failing, n)
		}
	}
}

// TestChainsAreNotCarriedOn restores what is not all of a subtask, or not as it is now.
func TestChainsAreNotCarriedOn(t *testing.T) {
	l := &life{t: t, random: rand.New(rand.NewSource(2)), kept: &kept{folder: t.TempDir()}}
	l.is = openSubtask(t, subtasks(t, "hashmap", 1, nil)[0])
	l.change(3000)
	c, err := l.is.store.Mark(snapshot.MarkFull)
	if err != nil {
		t.Fatal(err)
	}
	l.finish(c)
	written, err := c.Write(context.Background(), "", l.kept.upload)
	if err != nil {
		t.Fatal(err)
	}
	next := func(before *snapshot.Operator, parallelism int) int {
		s := openSubtask(t, subtasks(t, "hashmap", parallelism, []*snapshot.Operator{before})[0])
		for n := 0; ; n++ {
			key := fmt.Sprint("one more ", n)
			if s.ctx.KeyGroups.Contains(keygroup.Group(hashOf(key), 128)) {
				s.visit(key, 5)
				break
			}
		}
		c, err := s.store.Mark(snapshot.MarkChanges)
		if err != nil {
			t.Fatal(err)
		}
		for !c.Copy(1000) {
		}
		again, err := c.Write(context.Background(), "", l.kept.upload)
		if err != nil {
			t.Fatal(err)
		}
		return len(again.Chains[0].Tables)
	}
	whole := func(change func(*snapshot.Operator)) *snapshot.Operator {
		before := l.kept.back(t, written, 1)
		before.Chains[0].Whole = true
		change(before)
		return before
	}
	for name, c := range map[string]struct {
		before      *snapshot.Operator
		parallelism int
		want        int
	}{
		"whole":        {whole(func(*snapshot.Operator) {}), 1, 2},
		"not whole":    {l.kept.back(t, written, 1), 1, 1},
		"other groups": {whole(func(*snapshot.Operator) {}), 2, 1},
		"a state that is gone": {whole(func(o *snapshot.Operator) {
			o.States = append(o.States, snapshot.State{Number: 77, Name: "gone", Kind: "ValueState"})
		}), 1, 1},
	} {
		if got := next(c.before, c.parallelism); got != c.want {
			t.Errorf("%s: the next snapshot has %d tables, want %d", name, got, c.want)
		}
	}
}

// TestChangesAreMerged changes the same keys again and again, or others each time, sets and deletes them and fires their timers.
func TestChangesAreMerged(t *testing.T) {
	for _, hot := range []bool{true, false} {
		for _, folder := range []string{t.TempDir(), ""} {
			k := &kept{folder: t.TempDir()}
			s := openSubtask(t, subtasks(t, "hashmap", 1, nil)[0])
			key := func(n int) string { return fmt.Sprint("a key with some length, so that there are bytes ", n) }
			keys, changed := 1700, 40
			if !hot { // so many bytes that no compression makes less that merging does not gain anything
				keys, changed = 4000, 90
				key = func(n int) string { return fmt.Sprintf("%x", sha256.Sum256([]byte{byte(n), byte(n >> 8)})) }
			}
			for i := range keys {
				s.visit(key(i), 1_000_000)
			}
			longest := 0
			for round := range 40 {
				for i := range changed {
					n := i
					if !hot {
						n += changed * round
					}
					switch at := int64(10*round + i%10); i % 4 {
					case 0:
						s.backend.Seek(key(n), hashOf(key(n)))
						s.function.Count.Clear()
						s.function.Names.Clear()
					default:
						s.visit(key(n), at)
					}
				}
				for due := make([]state.Timer[string], 0, 8); len(s.timers.Event.Take(int64(10*round), due)) > 0; {
				}
				want := contents(t, []*subtask{s})
				c, err := s.store.Mark(snapshot.MarkChanges)
				if err != nil {
					t.Fatal(err)
				}
				for !c.Copy(10_000) {
				}
				written, err := c.Write(context.Background(), folder, k.upload)
				if err != nil {
					t.Fatal(err)
				}
				tables := written.Chains[0].Tables
				longest = max(longest, len(tables))
				if round%8 != 7 {
					continue
				}
				after := openSubtask(t, subtasks(t, []string{"hashmap", "pebble"}[round/8%2], 1, []*snapshot.Operator{k.back(t, written, 1)})[0])
				if got := contents(t, []*subtask{after}); !maps.Equal(got, want) {
					t.Fatalf("hot keys %t, round %d, %d tables: %s", hot, round, len(tables), firstDifference(got, want))
				}
				_ = after.store.Close()
			}
			if most := map[bool]int{true: 2 * mergedAtOnce, false: crowded + mergedAtOnce}[hot]; folder != "" && longest > most {
				t.Errorf("hot keys %t: at most %d tables, want %d", hot, longest, most)
			}
			_ = s.store.Close()
			if folder != "" {
				if files, _ := os.ReadDir(folder); len(files) > 0 {
					t.Errorf("%d files are left over", len(files))
				}
			}
		}
	}
}

// TestAMergeThatFailsLosesNothing has the storage fail while tables of changes are merged: the snapshot names them as they are, a warning
// says so, and a later snapshot merges them.
func TestAMergeThatFailsLosesNothing(t *testing.T) {
	k := &kept{folder: t.TempDir()}
	folder := t.TempDir()
	s := openSubtask(t, subtasks(t, "hashmap", 1, nil)[0])
	var warnings strings.Builder
	s.store.ctx.Log = slog.New(slog.NewTextHandler(&warnings, nil))
	key := func(n int) string { return fmt.Sprint("a key with some length, so that there are bytes ", n) }
	for i := range 1700 {
		s.visit(key(i), 1_000_000)
	}
	failed, longest, last := 0, 0, 0
	for round := range 14 {
		for i := range 40 {
			s.visit(key(i), int64(2_000_000+round))
		}
		c, err := s.store.Mark(snapshot.MarkChanges)
		if err != nil {
			t.Fatal(err)
		}
		for !c.Copy(10_000) {
		}
		uploads := 0
		written, err := c.Write(context.Background(), folder, func(ctx context.Context, content storage.Source) (*snapshot.FileRef, error) {
			if uploads++; uploads == 2 && failed < 2 {
				failed++
				return nil, errFull
			}
			return k.upload(ctx, content)
		})
		if err != nil {
			t.Fatal(err)
		}
		last = len(written.Chains[0].Tables)
		longest = max(longest, last)
		after := openSubtask(t, subtasks(t, "hashmap", 1, []*snapshot.Operator{k.back(t, written, 1)})[0])
		if got, want := contents(t, []*subtask{after}), contents(t, []*subtask{s}); !maps.Equal(got, want) {
			t.Fatalf("round %d, %d tables: %s", round, last, firstDifference(got, want))
		}
		_ = after.store.Close()
	}
	if said := strings.Count(warnings.String(), "could not be merged"); failed != 2 || said != 2 || !strings.Contains(warnings.String(), errFull.Error()) {
		t.Errorf("%d merges failed, %d warnings: %s", failed, said, warnings.String())
	}
	if longest <= mergedAtOnce+1 || last > mergedAtOnce {
		t.Errorf("at most %d tables, %d in the end", longest, last)
	}
	_ = s.store.Close()
	if files, _ := os.ReadDir(folder); len(files) > 0 {
		t.Errorf("%d files are left over", len(files))
	}
}
