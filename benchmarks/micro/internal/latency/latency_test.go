package latency

import "testing"

func TestBothSidesSeeEachRecordOnce(t *testing.T) {
	order := Order{PerSecond: 20_000, Seconds: 0.1, Parallelism: 2}
	for name, measure := range map[string]func(Order) (Outcome, error){"engine": Engine, "bare": Bare} {
		measured, err := measure(order)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if measured.Records != 1800 {
			t.Errorf("%s: %d records count, not 1800", name, measured.Records)
		}
		if p := measured; p.P50 <= 0 || p.P99 < p.P50 || p.P999 < p.P99 {
			t.Errorf("%s: quantiles %+v", name, measured)
		}
	}
}

func TestALostRecordIsAnError(t *testing.T) {
	order := Order{PerSecond: 1000, Seconds: 1}
	if err := order.complete(Outcome{Records: 899}); err == nil {
		t.Error("899 of 900 records pass for complete")
	}
	if err := order.complete(Outcome{Records: 900}); err != nil {
		t.Error(err)
	}
}
