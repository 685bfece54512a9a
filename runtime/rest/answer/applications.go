package answer

import (
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// Applications answers /applications/overview.
type Applications struct {
	Applications []ApplicationSummary `json:"applications"`
}

// ApplicationSummary is an entry of it; Jobs counts those in each state.
type ApplicationSummary struct {
	ID       ident.ID              `json:"id"`
	Name     string                `json:"name"`
	Start    int64                 `json:"start-time"`
	End      int64                 `json:"end-time"`
	Duration int64                 `json:"duration"`
	Status   view.ApplicationState `json:"status"`
	Jobs     map[view.JobState]int `json:"jobs"`
}

// Application answers /applications/:applicationid.
type Application struct {
	ID         ident.ID                        `json:"id"`
	Name       string                          `json:"name"`
	Status     view.ApplicationState           `json:"status"`
	Start      int64                           `json:"start-time"`
	End        int64                           `json:"end-time"`
	Duration   int64                           `json:"duration"`
	Timestamps map[view.ApplicationState]int64 `json:"timestamps"`
	Jobs       []JobSummary                    `json:"jobs"`
}

// ListApplications answers /applications/overview.
func ListApplications(all []view.Application) Applications {
	list := Applications{Applications: []ApplicationSummary{}}
	for i := range all {
		a := &all[i]
		entry := ApplicationSummary{
			ID: a.ID, Name: a.Name, Start: stamp(a.Start), End: ended(a.End), Duration: duration(a.Start, a.End, a.Now), Status: a.State, Jobs: map[view.JobState]int{},
		}
		for _, j := range a.Jobs {
			entry.Jobs[j.State]++
		}
		list.Applications = append(list.Applications, entry)
	}
	return list
}

// DescribeApplication answers /applications/:applicationid.
func DescribeApplication(a *view.Application) Application {
	made := Application{
		ID: a.ID, Name: a.Name, Status: a.State, Start: stamp(a.Start), End: ended(a.End), Duration: duration(a.Start, a.End, a.Now),
		Timestamps: map[view.ApplicationState]int64{}, Jobs: summaries(a.Jobs),
	}
	for _, state := range view.ApplicationStates {
		made.Timestamps[state] = stamp(a.Entered[state])
	}
	return made
}

// ApplicationExceptions answers /applications/:applicationid/exceptions.
type ApplicationExceptions struct {
	History ApplicationExceptionHistory `json:"exceptionHistory"`
}

// ApplicationExceptionHistory is part of it.
type ApplicationExceptionHistory struct {
	Entries []ApplicationException `json:"entries"`
}

// ApplicationException is an entry of it.
type ApplicationException struct {
	Name  string      `json:"exceptionName"`
	Stack string      `json:"stacktrace"`
	At    int64       `json:"timestamp"`
	Job   ident.JobID `json:"jobId"`
}

// DescribeApplicationExceptions answers /applications/:applicationid/exceptions: why the application's jobs have failed for good.
func DescribeApplicationExceptions(jobs []*view.Job) ApplicationExceptions {
	made := ApplicationExceptions{ApplicationExceptionHistory{Entries: []ApplicationException{}}}
	for _, j := range jobs {
		if j.State == view.JobFailed && j.Cause != nil {
			made.History.Entries = append(made.History.Entries, ApplicationException{Name: j.Cause.Class, Stack: traceOf(*j.Cause), At: stamp(j.End), Job: j.ID})
		}
	}
	return made
}
