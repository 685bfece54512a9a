package task

import "time"

// aligned is a source that waits for others, see operator/watermark.
type aligned interface{ Align(limit int64) }

// Align tells the source at the head of the chain up to which watermark it may go. Any goroutine may call it.
func (t *Task) Align(limit int64) {
	t.Do(func() {
		if source, ok := t.chain.source.(aligned); ok && t.phase == running {
			source.Align(limit)
		}
	})
}

// BackPressured is how long the task could not go on so far, because its output had no credit. Operators take that time out of what
// they measure in processing time between records.
func (t *Task) BackPressured() time.Duration { return time.Duration(t.Times().BackPressured) }
