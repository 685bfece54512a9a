package metrics

import (
	"slices"
	"strings"
)

// Level is where in the runtime a metric belongs. Its text is Flink's name of the scope.
type Level string

// The levels, as in Flink.
const (
	LevelJobManager     Level = "jobmanager"
	LevelJobManagerJob  Level = "jobmanager.job"
	LevelTaskManager    Level = "taskmanager"
	LevelTaskManagerJob Level = "taskmanager.job"
	LevelTask           Level = "task"
	LevelOperator       Level = "operator"
)

// Names of the variables that the levels set, without the angle brackets that Flink writes around them in scope formats.
const (
	Host           = "host"
	TaskManagerID  = "tm_id"
	JobID          = "job_id"
	JobName        = "job_name"
	TaskID         = "task_id"
	TaskName       = "task_name"
	TaskAttemptID  = "task_attempt_id"
	TaskAttemptNum = "task_attempt_num"
	SubtaskIndex   = "subtask_index"
	OperatorID     = "operator_id"
	OperatorName   = "operator_name"
)

// Variable is a name and a value that identify where a metric comes from.
type Variable struct{ Name, Value string }

// Scope says where a metric belongs. It is immutable and shared by the metrics of a group: treat the slices as read-only.
type Scope struct {
	Level Level
	// Variables are those of the level and the levels above it, then the key/value pairs of the user's groups; outermost first.
	Variables []Variable
	// User has the components of the user's groups below the level. A key/value pair gives two of them.
	User []string
	// UserLogical is User without the values of key/value pairs, for reporters that carry variables beside the name.
	UserLogical []string
}

// Variable returns the value of the variable, and "" if the scope has none of this name. The innermost wins.
func (s *Scope) Variable(name string) string {
	for i := len(s.Variables) - 1; i >= 0; i-- {
		if s.Variables[i].Name == name {
			return s.Variables[i].Value
		}
	}
	return ""
}

// Identifier returns the user's components and the name joined by dots: the name under which Flink's REST API lists a metric (that of an
// operator with the operator's name before it).
func (s *Scope) Identifier(name string) string {
	return strings.Join(slices.Concat(s.User, []string{name}), ".")
}

// String is a readable path of the scope, for messages.
func (s *Scope) String() string {
	var path strings.Builder
	path.WriteString(string(s.Level))
	for _, v := range s.Variables {
		path.WriteString(" " + v.Name + "=" + v.Value)
	}
	if len(s.User) > 0 {
		path.WriteString(" " + strings.Join(s.User, "."))
	}
	return path.String()
}
