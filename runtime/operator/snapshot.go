package operator

import (
	"context"
	"math"

	"github.com/weir-stream/weir/checkpoint/snapshot"
)

// Snapshot takes the state of an operator with nobody waiting for it: everything, kept in memory.
func Snapshot(of Stateful) (*snapshot.Operator, error) {
	capture, err := of.Mark(snapshot.MarkCanonical)
	if err != nil {
		return nil, err
	}
	for !capture.Copy(math.MaxInt) {
	}
	return capture.Write(context.Background(), "", snapshot.KeepInline)
}

// Taken is a Capture of state that was copied at the mark: that without keys. It is never changed.
type Taken struct{ State *snapshot.Operator }

// Copy has nothing to do.
func (t Taken) Copy(int) bool { return true }

// Write returns the state.
func (t Taken) Write(context.Context, string, snapshot.Upload) (*snapshot.Operator, error) {
	return t.State, nil
}

// Drop has nothing to give up.
func (t Taken) Drop() {}
