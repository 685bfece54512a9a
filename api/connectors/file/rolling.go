package file

import (
	"fmt"
	"time"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/operator"
)

// RollingPolicy says when a subtask ends a part and begins another. Each checkpoint ends a part, whatever the policy: no part spans two.
// A limit of 0 is none. In jobs without checkpoints it means nothing.
type RollingPolicy struct {
	// PartSize is the number of bytes at which a part ends, after the record that reaches it.
	PartSize int64
	// RolloverInterval is how long after its first record a part ends, InactivityInterval how long after its last. They are
	// exact to the millisecond, and do not make a part visible earlier: its checkpoint does.
	RolloverInterval, InactivityInterval time.Duration
}

// DefaultRollingPolicy has Flink's limits: 128 MiB, and 60 seconds after the first or the last record.
func DefaultRollingPolicy() RollingPolicy {
	return RollingPolicy{PartSize: 128 << 20, RolloverInterval: time.Minute, InactivityInterval: time.Minute}
}

// OnCheckpointRollingPolicy ends parts at checkpoints only.
func OnCheckpointRollingPolicy() RollingPolicy { return RollingPolicy{} }

func (p RollingPolicy) check() error {
	if p.PartSize < 0 || p.RolloverInterval < 0 || p.InactivityInterval < 0 {
		return fmt.Errorf("file sink: the rolling policy %+v has a negative limit: give a positive one, or 0 for none", p)
	}
	return nil
}

// timer tells when a part is to end by the clock. Times are in milliseconds since the epoch.
type timer struct {
	clock  clock.Clock
	callAt func(at int64)
	// rollover and inactivity are the policy's, 0 for none.
	rollover, inactivity int64
	// running says that a part has records; begun and wrote are when it got its first and last.
	running      bool
	begun, wrote int64
}

func newTimer(p RollingPolicy, c clock.Clock, callAt func(at int64)) timer {
	return timer{clock: c, callAt: callAt, rollover: ceilMillis(p.RolloverInterval), inactivity: ceilMillis(p.InactivityInterval)}
}

func ceilMillis(d time.Duration) int64 { return int64((d + time.Millisecond - 1) / time.Millisecond) }

// written says that the part has got records.
func (t *timer) written() {
	if t.rollover == 0 && t.inactivity == 0 {
		return
	}
	t.wrote = t.clock.Now().UnixMilli()
	if !t.running {
		t.running, t.begun = true, t.wrote
		t.callAt(t.end())
	}
}

// end is when the part ends unless it gets more.
func (t *timer) end() int64 {
	at := int64(operator.NoCall)
	if t.rollover > 0 {
		at = t.begun + t.rollover
	}
	if t.inactivity > 0 {
		at = min(at, t.wrote+t.inactivity)
	}
	return at
}

// due reports whether the part is to end now. If there is one and it is not, another call is set.
func (t *timer) due(now int64) bool {
	if !t.running {
		return false
	}
	if at := t.end(); at > now {
		t.callAt(at)
		return false
	}
	return true
}

// stop says that the part has ended.
func (t *timer) stop() { t.running = false }
