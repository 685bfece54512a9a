package probe

import (
	"testing"

	"github.com/weir-stream/weir/benchmarks/state/internal/workload"
)

func TestTheWatchChecksAndTimesEachPhase(t *testing.T) {
	p := workload.Plan{Keys: 100, Phases: []workload.Phase{
		{WarmUp: 50, Records: 500, Checked: 33}, {Records: 300, Checked: 70}, {WarmUp: 20, Records: 40, Checked: 60},
	}}
	for _, size := range []int{1, 7, 64, 10_000} {
		w, seen := NewWatch(p), 0
		for seen < int(p.Total()) {
			for left := min(size, int(p.Total())-seen); left > 0; {
				if w.Loading() != (seen < 100) {
					t.Fatalf("batches of %d: loading is %t after %d results", size, w.Loading(), seen)
				}
				n, checked := w.Next(left)
				for i := seen; i < seen+n; i++ {
					if want := i >= 100 && i < 133 || i >= 650 && i < 720 || i >= 950; checked != want {
						t.Fatalf("batches of %d: result %d is checked: %t", size, i, checked)
					}
				}
				seen, left = seen+n, left-n
			}
		}
		if len(w.Timed) != 3 || w.LoadSeconds <= 0 {
			t.Fatalf("batches of %d: %d phases were timed, and the loading of %v s", size, len(w.Timed), w.LoadSeconds)
		}
		for i, records := range []int64{500, 300, 40} {
			if got := w.Timed[i]; got.Records != records || got.Seconds <= 0 || got.Seconds > 60 {
				t.Errorf("batches of %d: phase %d is %+v", size, i, got)
			}
		}
	}
}
