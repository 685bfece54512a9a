package route

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/answer"
)

// Query has the parameters of a query; those that were not sent are zero.
type Query struct {
	Get       []string
	Aggregate []answer.Aggregation
	Jobs      []ident.JobID
	// TaskManagers are ids. Subtasks are ranges as they were sent, for [Ranges].
	TaskManagers []string
	Subtasks     string
	// StopMode says that mode is stop instead of cancel.
	StopMode      bool
	MaxExceptions *int
	Labels        []answer.Label
	// FlameGraph is FULL, ON_CPU or OFF_CPU; Subtask is -1 for all of them.
	FlameGraph       string
	Subtask          int
	SerializedValue  bool
	ProgramArgs      []string
	EntryClass       string
	Parallelism      *int
	AllowNonRestored *bool
	SavepointPath    string
}

// Param documents a parameter of a query.
type Param struct {
	Name    string
	Type    string // of JSON Schema: string, integer, boolean; array for a list separated by commas
	Enum    []string
	Meaning string
}

// Params lists all parameters that any endpoint reads.
var Params = []Param{
	{Name: "get", Type: "array", Meaning: "Metrics whose values are wanted."},
	{Name: "agg", Type: "array", Enum: []string{"min", "max", "sum", "avg", "skew"}, Meaning: "Aggregates that are wanted; all if it is missing."},
	{Name: "jobs", Type: "array", Meaning: "Jobs that count."},
	{Name: "taskmanagers", Type: "array", Meaning: "TaskManagers that count."},
	{Name: "subtasks", Type: "array", Meaning: "Indexes or ranges of subtasks that count, as 0-3,5."},
	{Name: "mode", Type: "string", Enum: []string{"cancel", "stop"}, Meaning: "How the job is to end; stop is refused."},
	{Name: "maxExceptions", Type: "integer", Meaning: "The most failures that are wanted."},
	{Name: "failureLabelFilter", Type: "array", Meaning: "Labels, as key:value, that failures must bear."},
	{Name: "type", Type: "string", Enum: []string{"FULL", "ON_CPU", "OFF_CPU"}, Meaning: "Which stacks are wanted."},
	{Name: "subtaskindex", Type: "integer", Meaning: "The subtask that is wanted."},
	{Name: "includeSerializedValue", Type: "boolean", Meaning: "Asks for serialized Java objects, of which there are none."},
	{Name: "programArg", Type: "array", Meaning: "Arguments of the program."},
	{Name: "entry-class", Type: "string", Meaning: "Taken and not used: a job binary has one program."},
	{Name: "parallelism", Type: "integer", Meaning: "Parallelism of operators that set none."},
	{Name: "allowNonRestoredState", Type: "boolean", Meaning: "Whether state of operators that the program no longer has is dropped."},
	{Name: "savepointPath", Type: "string", Meaning: "The savepoint or checkpoint to start from."},
}

// ReadQuery reads those parameters of a query that are named. The error is a [*Malformed].
func ReadQuery(names []string, values url.Values) (query Query, err error) {
	query.Subtask = -1
	for _, name := range names {
		sent, ok := values[name]
		if !ok || len(sent) == 0 || sent[0] == "" {
			continue
		}
		if !query.set(name, sent) {
			return Query{}, malformed("query", name, sent[0])
		}
	}
	return query, nil
}

func (q *Query) set(name string, sent []string) bool {
	value := sent[0]
	switch name {
	case "get":
		q.Get = commaSeparated(sent)
		return true
	case "agg":
		return q.setAggregate(commaSeparated(sent))
	case "jobs":
		return q.setJobs(commaSeparated(sent))
	case "taskmanagers":
		q.TaskManagers = commaSeparated(sent)
		return true
	case "subtasks":
		q.Subtasks = strings.Join(sent, ",")
		return true
	case "mode":
		q.StopMode = strings.EqualFold(value, "stop")
		return q.StopMode || strings.EqualFold(value, "cancel")
	case "maxExceptions":
		return readNumber(value, &q.MaxExceptions)
	case "failureLabelFilter":
		return q.setLabels(commaSeparated(sent))
	case "type":
		q.FlameGraph = strings.ToUpper(value)
		return slices.Contains([]string{"FULL", "ON_CPU", "OFF_CPU"}, q.FlameGraph)
	case "subtaskindex":
		return readIndex(value, &q.Subtask)
	case "includeSerializedValue":
		var wanted *bool
		ok := readBool(value, &wanted)
		q.SerializedValue = ok && *wanted
		return ok
	case "programArg":
		q.ProgramArgs = commaSeparated(sent)
		return true
	case "entry-class":
		q.EntryClass = value
		return true
	case "parallelism":
		return readNumber(value, &q.Parallelism)
	case "allowNonRestoredState":
		return readBool(value, &q.AllowNonRestored)
	case "savepointPath":
		q.SavepointPath = value
		return true
	}
	return false
}

// commaSeparated joins repeated parameters and splits them at commas; empty parts do not count.
func commaSeparated(sent []string) []string {
	parts := strings.Split(strings.Join(sent, ","), ",")
	return slices.DeleteFunc(parts, func(part string) bool { return part == "" })
}

func (q *Query) setAggregate(names []string) bool {
	for _, name := range names {
		how := answer.Aggregation(strings.ToLower(name))
		if !slices.Contains(answer.Aggregations, how) {
			return false
		}
		q.Aggregate = append(q.Aggregate, how)
	}
	return true
}

func (q *Query) setJobs(texts []string) bool {
	for _, text := range texts {
		id, err := ident.ParseID(text)
		if err != nil {
			return false
		}
		q.Jobs = append(q.Jobs, id)
	}
	return true
}

func (q *Query) setLabels(texts []string) bool {
	for _, text := range texts {
		key, value, ok := strings.Cut(text, ":")
		if !ok {
			return false
		}
		q.Labels = append(q.Labels, answer.Label{Key: key, Value: value})
	}
	return true
}

func readNumber(value string, to **int) bool {
	number, err := strconv.ParseInt(value, 10, 32)
	if err != nil {
		return false
	}
	made := int(number)
	*to = &made
	return true
}

func readBool(value string, to **bool) bool {
	switch {
	case strings.EqualFold(value, "true"):
		yes := true
		*to = &yes
	case strings.EqualFold(value, "false"):
		no := false
		*to = &no
	default:
		return false
	}
	return true
}

// Ranges says which of the indexes below n are in the ranges, as in "0-3,5". The empty text means all. The error is a [*Malformed].
func Ranges(text string, n int) ([]bool, error) {
	chosen := make([]bool, n)
	if text == "" {
		for i := range chosen {
			chosen[i] = true
		}
		return chosen, nil
	}
	for _, part := range commaSeparated([]string{text}) {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		low, errLow := strconv.Atoi(strings.TrimSpace(first))
		high, errHigh := strconv.Atoi(strings.TrimSpace(last))
		if errLow != nil || errHigh != nil || low < 0 || high < low {
			return nil, malformed("query", "subtasks", text)
		}
		for i := low; i <= min(high, n-1); i++ {
			chosen[i] = true
		}
	}
	return chosen, nil
}
