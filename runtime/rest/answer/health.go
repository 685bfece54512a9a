package answer

import (
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// Health answers /weir/v1/health/...
type Health struct {
	Status string      `json:"status"`
	Jobs   []JobHealth `json:"jobs"`
}

// JobHealth is an entry of it. A job that is well has no problems.
type JobHealth struct {
	Job      ident.JobID `json:"jobId"`
	Name     string      `json:"name"`
	Problems []string    `json:"problems"`
}

// DescribeHealth answers /weir/v1/health/... where all is well.
func DescribeHealth(jobs []view.JobHealth) Health {
	made := Health{Status: "ok", Jobs: []JobHealth{}}
	for _, j := range jobs {
		made.Jobs = append(made.Jobs, JobHealth{Job: j.Job, Name: j.Name, Problems: append([]string{}, j.Problems...)})
	}
	return made
}
