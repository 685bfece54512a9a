package victim

import (
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/weir-stream/weir/benchmarks/killtest/internal/ledger"
	"github.com/weir-stream/weir/runtime/failpoint"
)

func TestFaultsAreReadAsTheyAreWritten(t *testing.T) {
	for _, f := range []Fault{{Kill, failpoint.Ending, 1, false}, {Fail, failpoint.Committing, 12, true}} {
		if again, err := parseFault(f.String()); err != nil || again != f {
			t.Errorf("%v was read as %v, %v", f, again, err)
		}
	}
	for _, text := range []string{"", "kill", "kill:ending", "kill:nowhere:1", "kill:ending:x", "kill:ending:1:start", "kill:ending:end"} {
		if f, err := parseFault(text); err == nil {
			t.Errorf("%q was read as %v", text, f)
		}
	}
}

// TestAFaultAtTheEndWaitsForIt counts only what comes after the end of the input.
func TestAFaultAtTheEndWaitsForIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	l, err := ledger.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	faults := []Fault{{Fail, failpoint.Committing, 2, true}, {Fail, failpoint.Uploading, 2, false}}
	v := &victim{ledger: l, faults: faults, since: make([]atomic.Uint64, len(faults))}
	fails := func(p failpoint.Point, want bool) {
		t.Helper()
		if err := v.suffer(p); (err != nil) != want {
			t.Errorf("%v: %v", p, err)
		}
	}
	fails(failpoint.Uploading, false)
	fails(failpoint.Uploading, true)
	fails(failpoint.Committing, false)
	fails(failpoint.Committing, false)
	l.End()
	fails(failpoint.Committing, false)
	fails(failpoint.Committing, true)
	fails(failpoint.Committing, false)
	page, err := ledger.Read(path)
	if last, any := page.Last(); err != nil || !page.Ended || page.Hurts != 2 || page.Count(failpoint.Committing) != 5 || !any || last != failpoint.Committing {
		t.Errorf("%+v, %v", page, err)
	}
}
