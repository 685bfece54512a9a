package route

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/weir-stream/weir/runtime/ident"
)

// Path has the parameters of a path; those that the route does not have are zero.
type Path struct {
	Job, Vertex, Application, Trigger, DataSet ident.ID
	Checkpoint                                 uint64
	Subtask, Attempt                           int
	// TaskManager is any text. Jar and File are names of files, without folders.
	TaskManager, Jar, File, Operator, Rescale string
}

// Malformed is what cannot be read of a request. Its text is Flink's, since clients look at it.
type Malformed struct{ text string }

func (m *Malformed) Error() string { return m.text }

func malformed(where, name, value string) error {
	return &Malformed{fmt.Sprintf("Bad request, could not parse parameters: Cannot resolve %s parameter (%s) from value \"%s\".", where, name, value)}
}

// ReadPath reads the parameters of a path. The error is a [*Malformed].
func ReadPath(values map[string]string) (path Path, err error) {
	for name, value := range values {
		if !path.set(name, value) {
			return Path{}, malformed("path", name, value)
		}
	}
	return path, nil
}

func (p *Path) set(name, value string) bool {
	switch name {
	case "jobid":
		return readID(value, &p.Job)
	case "vertexid":
		return readID(value, &p.Vertex)
	case "applicationid":
		return readID(value, &p.Application)
	case "triggerid":
		return readID(value, &p.Trigger)
	case "datasetid":
		return readID(value, &p.DataSet)
	case "checkpointid":
		number, err := strconv.ParseInt(value, 10, 64)
		p.Checkpoint = uint64(number)
		return err == nil && number >= 0
	case "subtaskindex":
		return readIndex(value, &p.Subtask)
	case "attempt":
		return readIndex(value, &p.Attempt)
	case "taskmanagerid":
		p.TaskManager = value
		return plain(value)
	case "jarid":
		p.Jar = value
		return FileName(value)
	case "filename":
		p.File = value
		return FileName(value)
	case "operatorUid":
		p.Operator = value
		return plain(value)
	case "rescaleuuid":
		p.Rescale = value
		return readUUID(value)
	}
	return false
}

func readID(value string, to *ident.ID) bool {
	id, err := ident.ParseID(value)
	*to = id
	return err == nil
}

func readIndex(value string, to *int) bool {
	number, err := strconv.ParseInt(value, 10, 32)
	*to = int(number)
	return err == nil && number >= 0
}

// readUUID takes a UUID with dashes or without.
func readUUID(value string) bool {
	_, err := ident.ParseID(strings.ReplaceAll(value, "-", ""))
	return err == nil
}

// longestName bounds names from outside, in bytes, as file systems do.
const longestName = 255

// plain says that the text is short and has no control characters.
func plain(text string) bool {
	return len(text) <= longestName && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7F || r == '\uFFFD' })
}

// FileName says that the text can be the name of a file in a folder, and cannot lead out of it.
func FileName(text string) bool {
	return text != "" && text != "." && text != ".." && plain(text) && !strings.ContainsAny(text, `/\`)
}
