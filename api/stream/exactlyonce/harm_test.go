package exactlyonce

import (
	"testing"

	"github.com/weir-stream/weir/runtime/failpoint"
)

// A subtask panics at a point, or what is done there fails. The process lives on, the region restarts from the last checkpoint.

func TestSubtaskPanics(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		at    failpoint.Point
		times int
	}{
		{failpoint.Aligning, 1}, {failpoint.Copying, 4}, {failpoint.Notified, 3}, {failpoint.Committing, 2},
	} {
		t.Run(test.at.String(), func(t *testing.T) {
			t.Parallel()
			a := harmedInside(t, panics, test.at, test.times)
			if a.Reached["restoring"] == 0 {
				t.Error("nothing was restored")
			}
		})
	}
}

func TestSubtaskPanicsWhileItRestores(t *testing.T) {
	t.Parallel()
	j := newJob(t, "pebble")
	j.dies(kill, failpoint.Notified, 4, leisurely)
	if a, _ := j.finishes(suffers(panics, failpoint.Restoring, 2)); a.Done["panic restoring"] != 1 {
		t.Errorf("%+v", a)
	}
}

func TestStepFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		at    failpoint.Point
		times int
		// restarts says that a failed checkpoint, or what it is done with, fails the job, of which no failed checkpoint is tolerated.
		restarts bool
	}{
		{failpoint.Aligning, 1, true},
		{failpoint.Copying, 4, true},
		{failpoint.Uploading, 2, true},
		{failpoint.Acknowledging, 5, true},
		{failpoint.Describing, 1, true},
		{failpoint.Completing, 1, false},
		{failpoint.Completed, 2, false},
		{failpoint.Notified, 4, true},
		{failpoint.Committing, 3, true},
		{failpoint.Releasing, 1, false},
		{failpoint.Deleting, 2, false},
		{failpoint.Ending, 1, false},
	} {
		t.Run(test.at.String(), func(t *testing.T) {
			t.Parallel()
			a := harmedInside(t, fail, test.at, test.times)
			if restored := a.Reached["restoring"] > 0; restored != test.restarts {
				t.Errorf("restarted: %v", restored)
			}
		})
	}
}

func harmedInside(t *testing.T, do deed, at failpoint.Point, times int) account {
	t.Helper()
	j := newJob(t, "hashmap")
	if times%2 == 0 {
		j.backend = "pebble"
	}
	a, said := j.finishes(paced, suffers(do, at, times))
	if a.Done[string(do)+" "+at.String()] != 1 {
		t.Errorf("%q was not reached %d times: %+v: %s", at, times, a, said)
	}
	return a
}
