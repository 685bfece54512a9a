package window

import (
	"reflect"
	"testing"

	"github.com/weir-stream/weir/runtime/operator"
)

func TestSessionsMerge(t *testing.T) {
	w := func(start, end int64) operator.Window { return operator.Window{Start: start, End: end} }
	var all sessions
	add := func(new operator.Window, at int, merged ...operator.Window) {
		t.Helper()
		got, sessions := all.add(new, nil)
		var windows []operator.Window
		for _, s := range sessions {
			windows = append(windows, s.window())
		}
		if got != at || !reflect.DeepEqual(windows, merged) {
			t.Errorf("%v: put at %d, merged %v; want %d, %v", new, got, windows, at, merged)
		}
	}
	add(w(33, 37), 0)
	add(w(33, 41), 0, w(33, 37))
	// Its own window is that of the session by now, whose contents are kept under another: they must not be lost.
	add(w(33, 41), 0)
	if got, want := all[0].state(), w(33, 37); got != want {
		t.Errorf("contents are kept under %v, want %v", got, want)
	}
	add(w(10, 20), 0)
	add(w(50, 60), 2)
	add(w(12, 15), 0)
	add(w(41, 45), 1, w(33, 41)) // they touch
	add(w(46, 49), 2)
	all[1].Timer, all[2].Timer = 44, 48
	add(w(44, 52), 1, w(46, 49), w(33, 45), w(50, 60)) // in the order in which Flink's hash table has them
	want := sessions{
		{10, 20, 10, 20, noTimer},
		{33, 60, 46, 49, 48},
	}
	if !reflect.DeepEqual(all, want) {
		t.Errorf("sessions are %v, want %v", all, want)
	}
	if all.of(w(33, 60)) != 1 || all.of(w(46, 49)) != -1 || all.ofState(w(46, 49)) != 1 || all.ofState(w(33, 37)) != -1 {
		t.Error("sessions are not found by their windows, or by those of their contents")
	}
	all.remove(0)
	if len(all) != 1 || all[0].Start != 33 {
		t.Errorf("left are %v", all)
	}
}
