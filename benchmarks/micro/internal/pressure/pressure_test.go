package pressure

import (
	"testing"
	"time"
)

func TestSlowSink(t *testing.T) {
	p, err := SlowSink(600 * time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if p.InFlight > p.Allowed || p.InFlight < p.Allowed/4 {
		t.Errorf("%d records were in flight in front of a slow sink, with room for %d", p.InFlight, p.Allowed)
	}
	if p.Made < p.InFlight || p.Written == 0 || p.Early.All == 0 || p.Late.All == 0 {
		t.Errorf("measured %+v", p)
	}
}

func TestSlowMap(t *testing.T) {
	millis, err := SlowMap(100 * time.Millisecond)
	if err != nil || millis <= 0 {
		t.Errorf("canceled within %v ms: %v", millis, err)
	}
}
