package message

import (
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
)

// maxText bounds what a failure carries of a message and of a stack: actors drop the connection over which too big a
// message comes.
const maxText = 64 << 10

// Clean returns a report as it can be sent: the text of a failure comes from the program, which may put anything there,
// and protobuf refuses text that is not UTF-8.
func Clean(m *FromWorker) *FromWorker {
	if f := failureOf(m); f == nil || f.clean() {
		return m
	}
	m = proto.Clone(m).(*FromWorker)
	f := failureOf(m)
	f.Message, f.Operator, f.Stack = CleanText(f.Message), CleanText(f.Operator), CleanText(f.Stack)
	return m
}

func failureOf(m *FromWorker) *Failure {
	switch body := m.GetBody().(type) {
	case *FromWorker_TaskState:
		return body.TaskState.GetFailure()
	case *FromWorker_CoordinatorFailed:
		return body.CoordinatorFailed.GetFailure()
	case *FromWorker_Stopped:
		return body.Stopped.GetFailure()
	}
	return nil
}

func (f *Failure) clean() bool {
	for _, text := range []string{f.Message, f.Operator, f.Stack} {
		if len(text) > maxText || !utf8.ValidString(text) {
			return false
		}
	}
	return true
}

// CleanText is a text as a message can have it: not too long, and UTF-8.
func CleanText(text string) string {
	if len(text) > maxText {
		text = text[:maxText] + " ... (cut off)"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// Clean returns the refusal as it can be sent.
func (r *ProcessRefused) Clean() *ProcessRefused {
	return &ProcessRefused{Reason: CleanText(r.Reason), Usage: r.Usage, Stack: CleanText(r.Stack)}
}
