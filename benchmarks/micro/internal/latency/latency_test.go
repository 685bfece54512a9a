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
		for _, q := range []Quantiles{measured.Late, measured.Way} {
			if q.P50 <= 0 || q.P99 < q.P50 || q.P999 < q.P99 {
				t.Errorf("%s: quantiles %+v", name, q)
			}
		}
		if measured.Way.P50 > measured.Late.P50 {
			t.Errorf("%s: records are on their way for longer than they are late: %+v", name, measured)
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
