package task

import (
	"github.com/weir-stream/weir/api/connector"
)

// Source is what the task needs of the source operator at the head of a chain.
type Source interface {
	// Poll emits at most limit records.
	Poll(limit int) (records int, status connector.Status, err error)
	// Woken reports whether Poll is worth calling again since it last said that it waits.
	Woken() bool
	AddSplits(splits []connector.Split) error
	NoMoreSplits() error
}

// pollSource asks the source for one slice of records.
func (t *Task) pollSource() (records int, worked bool, err error) {
	if t.over { // it had emitted everything before the snapshot
		return 0, true, t.finish()
	}
	records, status, err := t.chain.source.Poll(t.slice.limit)
	if err != nil {
		return records, true, err
	}
	switch status {
	case connector.Ended:
		return records, true, t.finish()
	case connector.Waiting:
		return records, records > 0, nil
	}
	return records, true, nil
}

// AddSplits hands splits to the source at the head of the chain. Any goroutine may call it.
func (t *Task) AddSplits(splits []connector.Split) {
	t.Do(func() { t.keepFault(t.chain.source.AddSplits(splits)) })
}

// NoMoreSplits tells the source that it has been sent its last split. Any goroutine may call it.
func (t *Task) NoMoreSplits() {
	t.Do(func() { t.keepFault(t.chain.source.NoMoreSplits()) })
}

func (t *Task) keepFault(err error) {
	if t.fault == nil {
		t.fault = err
	}
}
