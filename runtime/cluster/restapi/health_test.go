package restapi

import (
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/rest/view"
)

func TestWhenAJobIsNotWell(t *testing.T) {
	options := HealthOptions{Restarts: 2, Window: time.Minute, Startup: time.Minute}
	now := time.UnixMilli(10_000_000)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	failed := func(ages ...time.Duration) (all []view.Failure) {
		for _, age := range ages {
			all = append(all, view.Failure{Cause: view.Cause{Message: "disk full"}, At: ago(age)})
		}
		return all
	}
	job := func(state view.JobState, since time.Duration, failures []view.Failure) *view.Job {
		return &view.Job{JobSummary: view.JobSummary{State: state}, Entered: map[view.JobState]time.Time{state: ago(since)}, Failures: failures}
	}
	every := view.CheckpointSettings{Interval: time.Second, Timeout: 10 * time.Second}
	completed := func(age time.Duration) *view.Checkpoints {
		return &view.Checkpoints{Settings: every, Completed: &view.Checkpoint{LatestAck: ago(age)}}
	}
	for name, c := range map[string]struct {
		job         *view.Job
		checkpoints *view.Checkpoints
		age         time.Duration
		want        string
	}{
		"it runs":                       {job: job(view.JobRunning, time.Hour, nil)},
		"it failed once":                {job: job(view.JobRunning, time.Hour, failed(time.Second, 2*time.Minute))},
		"it fails again and again":      {job: job(view.JobRestarting, 0, failed(time.Second, 2*time.Second)), want: "disk full"},
		"it waits for slots":            {job: job(view.JobCreated, 59*time.Second, nil)},
		"it has waited for too long":    {job: job(view.JobCreated, 61*time.Second, nil), want: "CREATED for 1m1s"},
		"its checkpoints complete":      {job: job(view.JobRunning, time.Hour, nil), checkpoints: completed(29 * time.Second)},
		"they do not complete any more": {job: job(view.JobRunning, time.Hour, nil), checkpoints: completed(31 * time.Second), want: "for 31s"},
		"it has only begun to run":      {job: job(view.JobRunning, 5*time.Second, nil), checkpoints: completed(time.Hour)},
		"none has completed":            {job: job(view.JobRunning, time.Minute, nil), checkpoints: &view.Checkpoints{Settings: every}, want: "for 1m0s"},
		"they are late by what was set": {job: job(view.JobRunning, time.Hour, nil), checkpoints: completed(3 * time.Second), age: 2 * time.Second, want: "for 3s"},
		"it takes none by itself":       {job: job(view.JobRunning, time.Hour, nil), checkpoints: &view.Checkpoints{}},
	} {
		options.CheckpointAge = c.age
		got := strings.Join(problemsOf(c.job, c.checkpoints, options, now), "; ")
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
