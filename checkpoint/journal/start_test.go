package journal

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/weir-stream/weir/checkpoint/coordinator"
	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/runtime/ident"
)

// retained has a job end with a checkpoint that stays, and returns where that is.
func (b *bench) retained(job string) string {
	b.Helper()
	was := b.job
	defer func() { b.job = was }()
	b.job = ident.Derive("job", job)
	l := b.lead()
	l.checkpoint(5, l.file(5))
	return l.Path("chk-5")
}

func TestTheUsersSnapshotIsTakenWhereTheJobsOwnCannotBe(t *testing.T) {
	b := newBench(t)
	kept := b.retained("other")
	l := b.lead()
	l.checkpoint(1, l.file(1))
	l.tells(1, nil)
	named := func() (*Claimed, error) {
		j, _ := b.journal()
		start := b.start()
		start.From = kept
		return j.Claim(t.Context(), start)
	}
	if c, err := named(); err != nil || !c.Ignored || c.From.GetPath() != "chk-1" {
		t.Fatalf("%+v, %v: want the job's own checkpoint", c, err)
	}
	b.spoil(l.file(1), func(p []byte) []byte { return p[:1] })
	c, err := named()
	if err != nil || c.Ignored || numberOf(c) != 5 {
		t.Fatalf("%+v, %v: want the user's snapshot, as the job's own is damaged", c, err)
	}
	if next := b.lead().claimed; numberOf(next) != 5 {
		t.Errorf("the next leader goes on from %v", next.From)
	}
}

func numberOf(c *Claimed) uint64 { return c.From.GetCheckpoint() }

func TestASnapshotThatDoesNotFitLeavesTheLogAsItWas(t *testing.T) {
	b := newBench(t)
	kept := b.retained("other")
	before := b.names()
	j, _ := b.journal()
	start := b.start()
	start.From, start.Fit = kept, func(m *snapshot.Metadata) error {
		if m.Checkpoint != 5 {
			t.Errorf("asked for checkpoint %d", m.Checkpoint)
		}
		return errors.New("its keys are of another type")
	}
	if _, err := j.Claim(t.Context(), start); err == nil || !strings.Contains(err.Error(), "another type") || !strings.Contains(err.Error(), kept) {
		t.Errorf("%v", err)
	}
	if got := b.names(); !slices.Equal(got, before) {
		t.Errorf("%v, before %v", got, before)
	}
}

// A snapshot that is not the job's any more may go, whatever its number.
func TestTheLossOfAnUnownedSnapshotHarmsNobody(t *testing.T) {
	b := newBench(t)
	kept := b.retained("other")
	first := b.lead()
	first.checkpoint(5, first.file(5))
	first.ends("CANCELED")
	j, _ := b.journal()
	start := b.start()
	start.From = kept
	c, err := j.Claim(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}
	if c.From.GetCheckpoint() != 5 || len(c.History.Unowned) == 0 {
		t.Fatalf("goes on from %v with %v left to the user", c.From, c.History.Unowned)
	}
	if err := storage.Below(b.inner, b.folder()).Delete(t.Context(), "chk-5/_metadata"); err != nil {
		t.Fatal(err)
	}
	next := b.lead()
	if next.claimed.From.GetPath() != c.From.Path {
		t.Errorf("goes on from %v", next.claimed.From)
	}
	// Somebody may have taken it over, and use its files.
	if deleted, err := next.Collect(t.Context(), next.claimed); deleted > 0 || err != nil || !b.has(first.file(5)) {
		t.Errorf("%d deleted, %v", deleted, err)
	}
	end := coordinator.Clean{Kept: next.claimed.Held, Epoch: next.claimed.History.Epoch + 1, Next: next.claimed.History.NextCheckpoint}
	if deleted, err := next.Clean(t.Context(), end); deleted > 0 || err != nil || !b.has(first.file(5)) {
		t.Errorf("%d deleted at the end of the job, %v", deleted, err)
	}
}
