package exactlyonce

import (
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/weir-stream/weir/runtime/failpoint"
)

// A leader sleeps, two successors come and go, and it wakes: whatever it was about to do harms nothing, and it stops.
func TestFrozenLeaderWakes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		at    failpoint.Point
		times int
	}{
		{failpoint.Copying, 5}, {failpoint.Uploading, 2}, {failpoint.Describing, 1}, {failpoint.Completing, 2}, {failpoint.Completed, 1},
		{failpoint.Notified, 4}, {failpoint.Committing, 3}, {failpoint.Releasing, 2},
	} {
		t.Run(test.at.String(), func(t *testing.T) {
			t.Parallel()
			newJob(t, map[bool]string{false: "hashmap", true: "pebble"}[test.times%2 == 0]).wakesAfterTwo(test.at, test.times)
		})
	}
}

// The leader sleeps after it has published a checkpoint and before it deletes what that has replaced.
func TestFrozenBetweenPublishingAndDeleting(t *testing.T) {
	eachBackend(t, func(t *testing.T, j *job) { j.wakesAfterTwo(failpoint.Deleting, 1) })
}

func (j *job) wakesAfterTwo(at failpoint.Point, times int) {
	j.t.Helper()
	sleeper := j.start(leisurely, suffers(freeze, at, times))
	sleeper.falls(at, times)
	defer func() { _ = sleeper.command.Process.Kill() }()

	j.dies(kill, failpoint.Completed, 1, leisurely)
	j.parallelism = 3
	j.dies(kill, failpoint.Completed, 1, leisurely)
	before := j.needed()

	if err := sleeper.command.Process.Signal(syscall.SIGCONT); err != nil {
		j.t.Fatal(err)
	}
	signal, a := sleeper.end()
	if signal != 0 || !a.Over || a.Failure == "" {
		j.t.Fatalf("the leader that woke was to be refused; ended by signal %d, account %+v: %s", signal, a, sleeper.said())
	}
	mentions(j.t, a.Failure, "another leader has taken over this job")
	for _, path := range before {
		if _, err := os.Stat(path); err != nil {
			j.t.Errorf("the leader that woke has harmed its successor: %v", err)
		}
	}
	j.parallelism = 2
	j.finishes()
}

// falls waits until the process is asleep.
func (p *process) falls(at failpoint.Point, times int) {
	p.t.Helper()
	var status syscall.WaitStatus
	for {
		_, err := syscall.Wait4(p.command.Process.Pid, &status, syscall.WUNTRACED, nil)
		if err == nil {
			break
		}
		if err != syscall.EINTR {
			p.t.Fatal(err)
		}
	}
	if !status.Stopped() {
		p.t.Fatalf("the process was to fall asleep: %v: %s", status, p.said())
	}
	if a := p.account(); a.Reached[at.String()] < times {
		p.t.Fatalf("%q was reached %d times: %+v", at, times, a)
	}
}

// needed are the files of the job's checkpoints.
func (j *job) needed() (paths []string) {
	for _, metadata := range j.metadata() {
		paths = append(paths, metadata)
		for _, f := range j.files(metadata) {
			paths = append(paths, filepath.Join(j.checkpoints(), f))
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}
