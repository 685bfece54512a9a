package answer

import (
	"time"

	"github.com/weir-stream/weir/runtime/rest/view"
)

// IO is what attempts have moved.
type IO struct {
	ReadBytes            int64  `json:"read-bytes"`
	ReadBytesComplete    bool   `json:"read-bytes-complete"`
	WriteBytes           int64  `json:"write-bytes"`
	WriteBytesComplete   bool   `json:"write-bytes-complete"`
	ReadRecords          int64  `json:"read-records"`
	ReadRecordsComplete  bool   `json:"read-records-complete"`
	WriteRecords         int64  `json:"write-records"`
	WriteRecordsComplete bool   `json:"write-records-complete"`
	Backpressured        int64  `json:"accumulated-backpressured-time"`
	Idle                 int64  `json:"accumulated-idle-time"`
	Busy                 Double `json:"accumulated-busy-time"`
}

func describeIO(io view.IO) IO {
	known := !io.Incomplete
	return IO{
		ReadBytes: io.ReadBytes, ReadBytesComplete: known, WriteBytes: io.WriteBytes, WriteBytesComplete: known,
		ReadRecords: io.ReadRecords, ReadRecordsComplete: known, WriteRecords: io.WriteRecords, WriteRecordsComplete: known,
		Backpressured: io.BackpressuredMillis, Idle: io.IdleMillis, Busy: Double(io.BusyMillis),
	}
}

func currentAttempts(v *view.Vertex) []*view.Attempt {
	all := make([]*view.Attempt, len(v.Subtasks))
	for i := range v.Subtasks {
		all[i] = &v.Subtasks[i].Current
	}
	return all
}

func sumIO(all []*view.Attempt) (sum view.IO) {
	for _, a := range all {
		sum.ReadBytes += a.IO.ReadBytes
		sum.WriteBytes += a.IO.WriteBytes
		sum.ReadRecords += a.IO.ReadRecords
		sum.WriteRecords += a.IO.WriteRecords
		sum.Incomplete = sum.Incomplete || a.IO.Incomplete
		sum.BackpressuredMillis += a.IO.BackpressuredMillis
		sum.IdleMillis += a.IO.IdleMillis
		sum.BusyMillis += a.IO.BusyMillis
	}
	return sum
}

func newStatusCounts() StatusCounts {
	counts := StatusCounts{}
	for _, state := range view.TaskStates {
		counts[state] = 0
	}
	return counts
}

func countStates(all []*view.Attempt) StatusCounts {
	counts := newStatusCounts()
	for _, a := range all {
		counts[a.State]++
	}
	return counts
}

// vertexState is the one state that Flink shows for many attempts: what is worst first, and finished only if all are.
func vertexState(all []*view.Attempt) view.TaskState {
	counts := countStates(all)
	for _, state := range []view.TaskState{view.TaskFailed, view.TaskCanceling, view.TaskCanceled, view.TaskInitializing, view.TaskRunning} {
		if counts[state] > 0 {
			return state
		}
	}
	switch finished := counts[view.TaskFinished]; {
	case finished == 0:
		return view.TaskCreated
	case finished == len(all):
		return view.TaskFinished
	}
	return view.TaskRunning
}

// span is from the first deployment to the last end; the end is zero while an attempt goes on.
type span struct{ start, end time.Time }

func spanOf(all []*view.Attempt) (s span) {
	over := true
	for _, a := range all {
		if began := a.Entered[view.TaskDeploying]; !began.IsZero() && (s.start.IsZero() || began.Before(s.start)) {
			s.start = began
		}
		if end := endOf(a); end.After(s.end) {
			s.end = end
		}
		over = over && a.State.Over()
	}
	if !over || s.start.IsZero() {
		s.end = time.Time{}
	}
	return s
}

// endOf is when the attempt ended, zero if it goes on.
func endOf(a *view.Attempt) time.Time {
	if !a.State.Over() {
		return time.Time{}
	}
	return a.Entered[a.State]
}

// timedStates are those whose duration Flink shows.
var timedStates = []view.TaskState{view.TaskCreated, view.TaskScheduled, view.TaskDeploying, view.TaskInitializing, view.TaskRunning}

// stateMillis tells how long the attempt was in each of the timed states: until it entered the next one, or until now; -1 for a state that it
// was never in.
func stateMillis(a *view.Attempt, now time.Time) map[view.TaskState]int64 {
	millis := map[view.TaskState]int64{}
	for _, state := range timedStates {
		start := a.Entered[state]
		left := leaving(a, start, state)
		if left.IsZero() && a.State != state {
			left = start
		}
		millis[state] = duration(start, left, now)
	}
	return millis
}

// leaving is when the attempt entered the state after the one that it entered at start.
func leaving(a *view.Attempt, start time.Time, state view.TaskState) (next time.Time) {
	for other, at := range a.Entered {
		if other != state && !at.IsZero() && !at.Before(start) && laterState(other, state) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

func laterState(a, b view.TaskState) bool { return order[a] > order[b] }

// order is the place of a state in the life of an attempt.
var order = func() map[view.TaskState]int {
	places := map[view.TaskState]int{}
	for i, state := range view.TaskStates {
		places[state] = i
	}
	return places
}()
