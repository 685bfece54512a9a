// Package answer has the JSON of Flink's REST API: structs with its keys, and pure functions that fill them from views. Flink's own client refuses keys that it does not know and
// misses those that it needs, so no struct has a key more or less than Flink's.
package answer

import (
	"time"

	"github.com/weir-stream/weir/runtime/metrics"
)

// Double is a number that Flink writes as a Java double: always with a point or exponent, and as a string where JSON has no number for it ("NaN").
type Double float64

// MarshalJSON writes the number.
func (d Double) MarshalJSON() ([]byte, error) {
	text := metrics.FormatFloat(float64(d))
	if last := text[len(text)-1]; last < '0' || last > '9' { // NaN or Infinity
		return []byte(`"` + text + `"`), nil
	}
	return []byte(text), nil
}

// stamp is the time in milliseconds since the epoch, 0 if it never came.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// ended is the time in milliseconds since the epoch, -1 if it has not come.
func ended(t time.Time) int64 {
	if t.IsZero() {
		return -1
	}
	return t.UnixMilli()
}

// duration is the milliseconds from start to end, or to now while there is no end; -1 if there was no start.
func duration(start, end, now time.Time) int64 {
	switch {
	case start.IsZero():
		return -1
	case end.IsZero():
		return now.UnixMilli() - start.UnixMilli()
	}
	return end.UnixMilli() - start.UnixMilli()
}

// nullable is nil for "".
func nullable(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
