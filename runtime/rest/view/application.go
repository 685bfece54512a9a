package view

import (
	"time"

	"github.com/weir-stream/weir/runtime/ident"
)

// ApplicationState is the state of an application. It is written as that of a job, but for CANCELING with one L.
type ApplicationState string

// The states of an application.
const (
	ApplicationCreated   ApplicationState = "CREATED"
	ApplicationRunning   ApplicationState = "RUNNING"
	ApplicationFailing   ApplicationState = "FAILING"
	ApplicationFailed    ApplicationState = "FAILED"
	ApplicationCanceling ApplicationState = "CANCELING"
	ApplicationCanceled  ApplicationState = "CANCELED"
	ApplicationFinished  ApplicationState = "FINISHED"
)

// ApplicationStates lists them all.
var ApplicationStates = []ApplicationState{
	ApplicationCreated, ApplicationRunning, ApplicationFailing, ApplicationFailed, ApplicationCanceling, ApplicationCanceled, ApplicationFinished,
}

// Application is a program that was started, with the jobs that it has submitted.
type Application struct {
	ID         ident.ID
	Name       string
	State      ApplicationState
	Start, End time.Time
	Entered    map[ApplicationState]time.Time
	Jobs       []JobSummary
	// Now is when this was so.
	Now time.Time
}

// ApplicationOf is the application of a job that stands for itself: it goes through the job's states with it, and is named as Flink names such a one.
func ApplicationOf(job JobSummary, entered map[JobState]time.Time) Application {
	state := applicationState(job.State)
	application := Application{
		ID: job.ID, Name: "SingleJobApplication(" + job.Name + ")", State: state, Start: job.Start, End: job.End, Now: job.Now, Jobs: []JobSummary{job},
		Entered: map[ApplicationState]time.Time{ApplicationCreated: job.Start, ApplicationRunning: job.Start},
	}
	for _, at := range []struct {
		job         JobState
		application ApplicationState
	}{
		{JobFailing, ApplicationFailing}, {JobFailed, ApplicationFailed}, {JobCancelling, ApplicationCanceling}, {JobCanceled, ApplicationCanceled},
		{JobFinished, ApplicationFinished},
	} {
		if when := entered[at.job]; !when.IsZero() {
			application.Entered[at.application] = when
		}
	}
	return application
}

func applicationState(state JobState) ApplicationState {
	switch state {
	case JobFailing:
		return ApplicationFailing
	case JobFailed:
		return ApplicationFailed
	case JobCancelling:
		return ApplicationCanceling
	case JobCanceled:
		return ApplicationCanceled
	case JobFinished:
		return ApplicationFinished
	case JobInitializing, JobCreated:
		return ApplicationCreated
	}
	return ApplicationRunning
}
