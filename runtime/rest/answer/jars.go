package answer

import (
	"time"

	"github.com/weir-stream/weir/runtime/ident"
)

// Jars answers /jars.
type Jars struct {
	Address string `json:"address"`
	Files   []Jar  `json:"files"`
}

// Jar is an entry of it: a job binary.
type Jar struct {
	ID       string  `json:"id"`
	Name     string  `json:"name"`
	Uploaded int64   `json:"uploaded"`
	Entries  []Entry `json:"entry"`
}

// Entry is where a program begins. A job binary has one.
type Entry struct {
	Name        string  `json:"name"`
	Description *string `json:"description"`
}

// DescribeJar is an entry of the answer to /jars.
func DescribeJar(id, name string, uploaded time.Time) Jar {
	return Jar{ID: id, Name: name, Uploaded: stamp(uploaded), Entries: []Entry{{Name: "main"}}}
}

// Uploaded answers /jars/upload.
type Uploaded struct {
	File   string `json:"filename"`
	Status string `json:"status"`
}

// JarRun answers /jars/:jarid/run.
type JarRun struct {
	Job         ident.JobID `json:"jobid"`
	Application ident.ID    `json:"applicationId"`
}

// ApplicationRun answers /jars/:jarid/run-application, where the id has another key.
type ApplicationRun struct {
	Application ident.ID `json:"applicationid"`
}

// Errors answers whatever fails.
type Errors struct {
	Errors []string `json:"errors"`
}
