// Package console shows a person how a job is doing: a live line on a terminal, and a summary at the end.
//
// What is shown is a pure function of figures read from the metrics; [Screen] puts it on the terminal.
package console

import (
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/metrics"
)

// Operator is what the console knows of an operator before it runs.
type Operator struct {
	ID, Name    string
	Parallelism int
	// Task is the id of the vertex that the operator is chained into, and Head says that it is the first of the chain.
	Task         string
	Head         bool
	Source, Sink bool
}

// Operators lists the operators of a job, those of one chain together.
func Operators(job *graph.JobGraph) []Operator {
	var all []Operator
	for _, v := range job.Vertices {
		for i, op := range v.Operators {
			all = append(all, Operator{
				ID: op.ID.String(), Name: op.Name, Parallelism: v.Parallelism, Task: v.ID.String(), Head: i == 0,
				Source: op.Role == graph.Source, Sink: op.Role == graph.Sink,
			})
		}
	}
	return all
}

// Figures are what the metrics of a job showed at one moment.
type Figures struct {
	// Nanos is the clock's reading.
	Nanos int64
	// Operators has the figures of each operator, in the order of [Operators].
	Operators []OperatorFigures
}

// OperatorFigures are sums over the subtasks of one operator.
type OperatorFigures struct {
	In, Out int64
	// Busy, BackPressured and Idle are milliseconds of each second, of the whole chain.
	Busy, BackPressured, Idle int64
}

// Read takes the figures of the operators out of a snapshot of the metrics.
func Read(operators []Operator, samples []metrics.Sample, nanos int64) Figures {
	f := Figures{Nanos: nanos, Operators: make([]OperatorFigures, len(operators))}
	place, tasks := make(map[string]int, len(operators)), make(map[string][]int)
	for i, op := range operators {
		place[op.ID] = i
		tasks[op.Task] = append(tasks[op.Task], i)
	}
	for _, s := range samples {
		value, ok := s.Value.(int64)
		if !ok || len(s.Scope.User) > 0 {
			continue // of another type than the ones below, or a metric of the user's
		}
		switch s.Scope.Level {
		case metrics.LevelOperator:
			if i, known := place[s.Scope.Variable(metrics.OperatorID)]; known {
				f.Operators[i].count(s.Name, value)
			}
		case metrics.LevelTask:
			for _, i := range tasks[s.Scope.Variable(metrics.TaskID)] {
				f.Operators[i].spend(s.Name, value)
			}
		}
	}
	return f
}

func (f *OperatorFigures) count(name string, value int64) {
	switch name {
	case "numRecordsIn":
		f.In += value
	case "numRecordsOut":
		f.Out += value
	}
}

func (f *OperatorFigures) spend(name string, value int64) {
	switch name {
	case "busyTimeMsPerSecond":
		f.Busy += value
	case "backPressuredTimeMsPerSecond":
		f.BackPressured += value
	case "idleTimeMsPerSecond":
		f.Idle += value
	}
}

// totals are the records that the job has read and written: what its sources put out, and what its sinks took in.
func (f Figures) totals(operators []Operator) (read, written int64) {
	for i, op := range operators {
		if op.Source {
			read += f.Operators[i].Out
		}
		if op.Sink {
			written += f.Operators[i].In
		}
	}
	return read, written
}

// LessThan reports whether some operator has moved fewer records than it had in the other figures.
func (f Figures) LessThan(other Figures) bool {
	for i, op := range f.Operators {
		if op.In < other.Operators[i].In || op.Out < other.Operators[i].Out {
			return true
		}
	}
	return false
}
