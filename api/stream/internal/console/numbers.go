package console

import (
	"fmt"
	"strconv"
	"time"
)

// count writes a number with its digits in groups of three.
func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	first := 0
	if n < 0 {
		first = 1
	}
	for at := len(digits) - 3; at > first; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// rate writes a number of records per second with three digits that count.
func rate(perSecond float64) string {
	unit := ""
	for _, next := range []string{"k", "M", "G"} {
		if perSecond < 999.5 {
			break
		}
		perSecond, unit = perSecond/1000, next
	}
	decimals := 0
	switch {
	case unit == "":
	case perSecond < 9.995:
		decimals = 2
	case perSecond < 99.95:
		decimals = 1
	}
	return strconv.FormatFloat(perSecond, 'f', decimals, 64) + " " + unit + "/s"
}

// between is how often per second a count has gone up from one moment to the next. A count that went down, because a failed
// attempt's records are no longer part of it, gives 0.
func between(before, after int64, nanos int64) float64 {
	if nanos <= 0 || after <= before {
		return 0
	}
	return float64(after-before) / time.Duration(nanos).Seconds()
}

// elapsed writes a duration with as much of it as is worth reading.
func elapsed(d time.Duration) string {
	switch {
	case d < time.Minute-50*time.Millisecond:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d < time.Hour-500*time.Millisecond:
		d = d.Round(time.Second)
		return fmt.Sprintf("%d min %02d s", d/time.Minute, d%time.Minute/time.Second)
	}
	d = d.Round(time.Minute)
	return fmt.Sprintf("%d h %02d min", d/time.Hour, d%time.Hour/time.Minute)
}

// precisely writes how long a job took that may have ended within milliseconds.
func precisely(d time.Duration) string {
	if d < 10*time.Second {
		return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) + " s"
	}
	return elapsed(d)
}
