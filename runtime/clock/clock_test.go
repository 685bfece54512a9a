package clock

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"
)

var epoch = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)

func TestTimersFireInOrderOfTimeThenOfSetting(t *testing.T) {
	clock := NewManual(epoch)
	var fired []string
	note := func(name string) func() {
		return func() { fired = append(fired, name+"@"+clock.Since(epoch).String()) }
	}
	clock.AfterFunc(3*time.Second, note("late"))
	clock.AfterFunc(time.Second, note("first of two"))
	clock.AfterFunc(time.Second, note("second of two"))
	clock.AfterFunc(2*time.Second, func() {
		note("parent")()
		clock.AfterFunc(500*time.Millisecond, note("child"))
		clock.AfterFunc(0, note("child at once"))
	})
	never := clock.AfterFunc(time.Second, note("stopped"))
	clock.AfterFunc(4*time.Second, note("not yet"))
	if !never.Stop() || never.Stop() {
		t.Error("Stop of a waiting timer must report true once")
	}

	clock.Advance(3 * time.Second)
	want := []string{"first of two@1s", "second of two@1s", "parent@2s", "child at once@2s", "child@2.5s", "late@3s"}
	if !reflect.DeepEqual(fired, want) {
		t.Errorf("fired %q, want %q", fired, want)
	}
	if next, ok := clock.Next(); !ok || !next.Equal(epoch.Add(4*time.Second)) {
		t.Errorf("Next() = %v, %v", next, ok)
	}
	if got := clock.Nanos(); got != int64(3*time.Second) {
		t.Errorf("Nanos() = %d", got)
	}
}

func TestFunctionDueAtOnceWaitsForAdvance(t *testing.T) {
	clock := NewManual(epoch)
	calls := 0
	clock.AfterFunc(-time.Second, func() { calls++ })
	if calls != 0 {
		t.Error("AfterFunc called its function inside itself")
	}
	clock.Advance(0)
	clock.Advance(0)
	if calls != 1 || !clock.Now().Equal(epoch) {
		t.Errorf("%d calls at %v", calls, clock.Now())
	}
}

func received(timer Timer) (time.Time, bool) {
	select {
	case at := <-timer.C():
		return at, true
	default:
		return time.Time{}, false
	}
}

func TestChannelTimerHasNoStaleValue(t *testing.T) {
	clock := NewManual(epoch)
	timer := clock.NewTimer(time.Second)
	clock.Advance(5 * time.Second)
	if !timer.Reset(time.Second) {
		t.Error("a value that nobody received counts as running")
	}
	if at, ok := received(timer); ok {
		t.Errorf("stale value %v after Reset", at)
	}
	clock.Advance(time.Second)
	if at, ok := received(timer); !ok || !at.Equal(epoch.Add(6*time.Second)) {
		t.Errorf("received %v, %v", at, ok)
	}
	if timer.Stop() || timer.Reset(0) {
		t.Error("a timer that fired and was received is not running")
	}
	if _, ok := received(timer); !ok {
		t.Error("Reset(0) fires at once")
	}
	if _, ok := received(clock.NewTimer(-1)); !ok {
		t.Error("NewTimer of a past time fires at once")
	}
}

func TestWaitTimersMeetsSleepers(t *testing.T) {
	clock := NewManual(epoch)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	woken := make(chan error, 3)
	for i := 1; i <= 3; i++ {
		go func() { woken <- clock.Sleep(ctx, time.Duration(i)*time.Second) }()
	}
	if err := clock.WaitTimers(ctx, 3); err != nil {
		t.Fatal(err)
	}
	clock.Advance(2 * time.Second)
	for range 2 {
		if err := <-woken; err != nil {
			t.Fatal(err)
		}
	}
	if got := clock.Timers(); got != 1 {
		t.Errorf("%d timers left, want 1", got)
	}
	cancel()
	if err := <-woken; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled Sleep returned %v", err)
	}
	if got := clock.Timers(); got != 0 {
		t.Errorf("a cancelled Sleep left %d timers", got)
	}
	if err := clock.WaitTimers(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("WaitTimers with a cancelled context returned %v", err)
	}
	if len(clock.waiters) != 0 {
		t.Error("a waiter that gave up is still listed")
	}
}

func TestAdvanceBackPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	NewManual(epoch).Advance(-1)
}

func TestSystemClock(t *testing.T) {
	clock := System()
	ctx, cancel := context.WithCancel(context.Background())
	before, start := clock.Nanos(), clock.Now()
	called := make(chan struct{})
	clock.AfterFunc(time.Millisecond, func() { close(called) })
	if err := clock.Sleep(ctx, time.Millisecond); err != nil {
		t.Fatal(err)
	}
	<-called
	if passed := clock.Nanos() - before; passed < int64(time.Millisecond) {
		t.Errorf("%d ns after a sleep of 1 ms", passed)
	}
	if passed := clock.Since(start); passed < time.Millisecond {
		t.Errorf("Since = %v after a sleep of 1 ms", passed)
	}
	timer := clock.NewTimer(time.Hour)
	if !timer.Stop() || timer.Reset(0) {
		t.Error("Stop reports a running timer, Reset a stopped one")
	}
	<-timer.C()
	cancel()
	if err := clock.Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("Sleep with a done context returned %v", err)
	}
	if err := System().Sleep(context.Background(), -1); err != nil {
		t.Errorf("Sleep(-1) returned %v", err)
	}
}

func BenchmarkSystemNanos(b *testing.B) {
	clock := System()
	for b.Loop() {
		clock.Nanos()
	}
}
