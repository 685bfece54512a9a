package invariant

import (
	"errors"
	"testing"
)

func violation(cond bool) (v *Violation) {
	defer func() {
		if r := recover(); r != nil {
			v = r.(*Violation)
		}
	}()
	Check(cond, "credit %d of channel %q", -1, "a")
	return nil
}

func TestCheck(t *testing.T) {
	if v := violation(true); v != nil {
		t.Errorf("true condition: %v", v)
	}
	v := violation(false)
	if (v != nil) != Enabled {
		t.Fatalf("Enabled is %v, violation %v", Enabled, v)
	}
	if Enabled {
		var asError *Violation
		want := `invariant violated (a bug in Weir): credit -1 of channel "a"`
		if !errors.As(error(v), &asError) || v.Error() != want {
			t.Errorf("got %q, want %q", v.Error(), want)
		}
	}
}

func TestDisabledCheckAllocatesNothing(t *testing.T) {
	if Enabled {
		t.Skip("built with invariants")
	}
	n := 1 << 20
	if allocs := testing.AllocsPerRun(100, func() { n++; Check(n < 0, "n is %d, %s", n, t.Name()[:n&1]) }); allocs != 0 {
		t.Errorf("%v allocations per disabled Check", allocs)
	}
}
