package task

import (
	"testing"

	"github.com/weir-stream/weir/runtime/operator"
)

func TestCallsKeepTheLeastTime(t *testing.T) {
	c := newCalls(3)
	for _, step := range []struct {
		link     int
		at, next int64
	}{
		{1, 50, 50}, {0, 70, 50}, {2, 60, 50},
		{1, 80, 60},              // a later call replaces the earlier one
		{2, operator.NoCall, 70}, // and can be taken back
		{0, operator.NoCall, 80},
		{1, operator.NoCall, operator.NoCall},
	} {
		if c.set(step.link, step.at); c.next != step.next {
			t.Errorf("after link %d asked for %d the next call is at %d, want %d", step.link, step.at, c.next, step.next)
		}
	}
}
