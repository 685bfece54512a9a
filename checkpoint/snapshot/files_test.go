package snapshot

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/runtime/ident"
)

func held(path string, owned bool, names ...string) Held {
	h := Held{Completed: &Completed{Checkpoint: 1, Path: path, Kind: Kind_CHECKPOINT, Owned: owned}}
	for _, n := range names {
		h.Files = append(h.Files, File{"", n})
	}
	return h
}

func TestReleasable(t *testing.T) {
	show := func(files []File) string {
		var names []string
		for _, f := range files {
			names = append(names, f.Root+f.Name)
		}
		return strings.Join(names, " ")
	}
	one, two := held("chk-1", true, "base", "a", "m1"), held("chk-2", true, "base", "b", "m2")
	theirs := held("chk-0", false, "base", "old")
	for _, c := range []struct {
		subsumed, kept []Held
		want           string
	}{
		{[]Held{one}, []Held{two}, "a m1"},
		{[]Held{one, two}, nil, "a b base m1 m2"},
		{[]Held{one, two}, []Held{theirs}, "a b m1 m2"},
		{[]Held{theirs, one}, []Held{two}, "a m1"},
		{[]Held{theirs, one, two}, nil, "a b m1 m2"},
		{nil, []Held{two}, ""},
	} {
		if got := show(Releasable(c.subsumed, c.kept)); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// TestRestoredFilesAreTheSameEverywhere: a claimed snapshot's files have the same names in the snapshot itself and in what is built on it.
func TestRestoredFilesAreTheSameEverywhere(t *testing.T) {
	for path, want := range map[string]string{
		"s3://b/old/chk-7":     "{s3://b/old chk-7/_metadata}",
		"s3://b/savepoint-1-2": "{s3://b/savepoint-1-2 _metadata}",
		"chk-7":                "{ chk-7/_metadata}",
	} {
		kind := Kind_CHECKPOINT
		if strings.Contains(path, "savepoint") {
			kind = Kind_SAVEPOINT
		}
		m := sample()
		base := &Completed{Checkpoint: 7, Path: path, Kind: kind, Owned: true}
		if got := fmt.Sprint(base.MetadataFile()); got != want {
			t.Errorf("metadata of %s is %s", path, got)
		}
		h := Hold(base, m)
		child := proto.Clone(m).(*Metadata)
		child.Rebase(base.Root())
		next := Hold(&Completed{Checkpoint: 8, Path: "chk-8", Kind: Kind_CHECKPOINT, Owned: true}, child)
		if got := Releasable([]Held{h}, []Held{next}); len(got) != 1 || got[0] != base.MetadataFile() {
			t.Errorf("%s: %v are released, though the next checkpoint needs all but the metadata", path, got)
		}
	}
}

func TestGarbage(t *testing.T) {
	uuid := func(n int) ident.ID { return ident.Derive(fmt.Sprint(n)) }
	old, mine := DataFile{3, 1, uuid(1)}, DataFile{5, 1, uuid(2)}
	kept := DataFile{2, 0, uuid(3)}
	listed := []string{
		old.Shared(), kept.Shared(), mine.Shared(), old.Exclusive(4), old.Exclusive(9), "chk-4/_metadata", "chk-6/_metadata", "chk-9/_metadata",
		"chk-4/readme", "shared/readme", "taskowned/" + old.String(), "log/000001", "other/" + old.String(), old.String(), "chk-04/_metadata",
	}
	got := Garbage(listed, []Held{held("chk-6", true, kept.Shared(), "chk-6/_metadata")}, 5, 9)
	if want := []string{old.Shared(), old.Exclusive(4), old.Exclusive(9), "chk-4/_metadata"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestReleasedFilesAreNeverNeeded holds releases against a model: a random file graph with some snapshots not owned.
func TestReleasedFilesAreNeverNeeded(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for range 2000 {
		var all []Held
		for i := range 1 + random.Intn(6) {
			h := held(CheckpointFolder(ident.CheckpointID(i+1)), random.Intn(4) > 0)
			for range random.Intn(5) {
				h.Files = append(h.Files, File{"", fmt.Sprint(random.Intn(8))})
			}
			all = append(all, h)
		}
		cut := random.Intn(len(all) + 1)
		released := Releasable(all[:cut], all[cut:])
		for i, h := range all {
			for _, f := range h.Files {
				if slices.Contains(released, f) && (i >= cut || !h.Completed.Owned) {
					t.Fatalf("%v of %v (owned %v) is released with the first %d", f, h.ID(), h.Completed.Owned, cut)
				}
				needed := slices.ContainsFunc(all, func(o Held) bool {
					return slices.Contains(o.Files, f) && (!o.Completed.Owned || slices.ContainsFunc(all[cut:], func(k Held) bool { return k.Completed == o.Completed }))
				})
				if !needed && !slices.Contains(released, f) {
					t.Fatalf("%v is kept for nobody", f)
				}
			}
		}
		if !slices.IsSortedFunc(released, File.Compare) || len(slices.Compact(slices.Clone(released))) != len(released) {
			t.Fatalf("%v is not in order", released)
		}
	}
}

func TestClaimModes(t *testing.T) {
	for text, want := range map[string]ClaimMode{"no_claim": NoClaim, "CLAIM": TakeOver} {
		if got, err := ParseClaimMode(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	if _, err := ParseClaimMode("LEGACY"); err == nil || !strings.Contains(err.Error(), "NO_CLAIM") {
		t.Errorf("%v", err)
	}
}
