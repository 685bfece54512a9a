package failpoint_test

import (
	"errors"
	"testing"

	"github.com/weir-stream/weir/runtime/failpoint"
)

func TestHookHasItsSayUntilItIsDisarmed(t *testing.T) {
	if err := failpoint.Reach(failpoint.Copying); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	counts := map[failpoint.Point]int{}
	disarm := failpoint.Arm(func(p failpoint.Point) error {
		if counts[p]++; p == failpoint.Uploading {
			return broken
		}
		return nil
	})
	for _, p := range failpoint.All() {
		if err := failpoint.Reach(p); (err != nil) != (p == failpoint.Uploading) {
			t.Errorf("%v: %v", p, err)
		}
	}
	disarm()
	if err := failpoint.Reach(failpoint.Uploading); err != nil {
		t.Error("still armed:", err)
	}
	for _, p := range failpoint.All() {
		if counts[p] != 1 || p.String() == "" {
			t.Errorf("%v was reached %d times", p, counts[p])
		}
	}
}
