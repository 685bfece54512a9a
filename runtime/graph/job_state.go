package graph

import (
	"fmt"
	"slices"
)

// JobState is the state of a job (Flink's JobStatus).
//
//	INITIALIZING -> CREATED -> RUNNING -> FINISHED
//	                             |  ^
//	                   RESTARTING<--/
//
//	CREATED, RUNNING, RESTARTING -> FAILING -> FAILED
//	CREATED, RUNNING, RESTARTING, FAILING, INITIALIZING -> CANCELLING -> CANCELED
//	all but the final ones -> SUSPENDED, when the JobMaster loses its leadership
//
// A job that cannot even be set up goes from INITIALIZING or CREATED straight to FAILED, one that is canceled then,
// to CANCELED. A failure during cancellation leads to FAILING. A job whose scheduler waits for slots anew goes from
// RESTARTING to CREATED. RECONCILING is a new leader's, while it learns which tasks still run.
type JobState uint8

// The states of a job, in the order in which Flink's REST API knows them.
const (
	JobInitializing JobState = iota
	JobCreated
	JobRunning
	JobFailing
	JobFailed
	JobCancelling
	JobCanceled
	JobFinished
	JobRestarting
	JobSuspended
	JobReconciling

	JobStates // their number
)

var jobStateNames = [JobStates]string{
	"INITIALIZING", "CREATED", "RUNNING", "FAILING", "FAILED", "CANCELLING", "CANCELED", "FINISHED", "RESTARTING", "SUSPENDED", "RECONCILING",
}

// String returns the name of the state in Flink's REST API, such as "CANCELLING".
func (s JobState) String() string {
	if s < JobStates {
		return jobStateNames[s]
	}
	return fmt.Sprintf("JobState(%d)", uint8(s))
}

// GloballyTerminal reports whether the job is over: no leader will run it again.
func (s JobState) GloballyTerminal() bool {
	return s == JobFailed || s == JobCanceled || s == JobFinished
}

// Terminal reports whether this JobMaster is done with the job: it is over, or SUSPENDED.
func (s JobState) Terminal() bool { return s.GloballyTerminal() || s == JobSuspended }

// jobTransitions has the states that may follow each state.
var jobTransitions = [JobStates][]JobState{
	JobInitializing: {JobCreated, JobReconciling, JobFailed, JobCancelling, JobCanceled, JobSuspended},
	JobCreated:      {JobRunning, JobFailing, JobFailed, JobCancelling, JobCanceled, JobSuspended},
	JobRunning:      {JobFinished, JobRestarting, JobFailing, JobCancelling, JobSuspended},
	JobFailing:      {JobFailed, JobCancelling, JobSuspended},
	JobCancelling:   {JobCanceled, JobFailing, JobSuspended},
	JobRestarting:   {JobRunning, JobCreated, JobFailing, JobCancelling, JobSuspended},
	JobReconciling:  {JobRunning, JobRestarting, JobFailing, JobCancelling, JobSuspended},
	JobFailed:       nil,
	JobCanceled:     nil,
	JobFinished:     nil,
	JobSuspended:    nil,
}

// CanBecome reports whether the state to may follow this one.
func (s JobState) CanBecome(to JobState) bool {
	return s < JobStates && slices.Contains(jobTransitions[s], to)
}
