package view

import "github.com/weir-stream/weir/runtime/ident"

// JobHealth says whether a job is well. Problems are in words, none if it is.
type JobHealth struct {
	Job      ident.JobID
	Name     string
	Problems []string
}
