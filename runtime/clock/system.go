package clock

import (
	"context"
	"time"
)

// processStart carries a monotonic reading, so that differences to it never go back.
var processStart = time.Now()

type system struct{}

func (system) Now() time.Time                                     { return time.Now() }
func (system) Since(t time.Time) time.Duration                    { return time.Since(t) }
func (system) Nanos() int64                                       { return int64(time.Since(processStart)) }
func (s system) Sleep(ctx context.Context, d time.Duration) error { return sleep(ctx, s, d) }
func (system) NewTimer(d time.Duration) Timer                     { return systemTimer{time.NewTimer(d)} }
func (system) AfterFunc(d time.Duration, f func()) Timer          { return systemTimer{time.AfterFunc(d, f)} }

type systemTimer struct{ timer *time.Timer }

func (t systemTimer) C() <-chan time.Time        { return t.timer.C }
func (t systemTimer) Stop() bool                 { return t.timer.Stop() }
func (t systemTimer) Reset(d time.Duration) bool { return t.timer.Reset(d) }
