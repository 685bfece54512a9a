package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// durationUnits are Flink's labels, and "us" for keyboards without a micro sign. The first of each group is the one written.
var durationUnits = []struct {
	unit   time.Duration
	labels []string
}{
	{24 * time.Hour, []string{"d", "day", "days"}},
	{time.Hour, []string{"h", "hour", "hours"}},
	{time.Minute, []string{"min", "minute", "minutes", "m"}},
	{time.Second, []string{"s", "sec", "secs", "second", "seconds"}},
	{time.Millisecond, []string{"ms", "milli", "millis", "millisecond", "milliseconds"}},
	{time.Microsecond, []string{"us", "µs", "μs", "micro", "micros", "microsecond", "microseconds"}},
	{time.Nanosecond, []string{"ns", "nano", "nanos", "nanosecond", "nanoseconds"}},
}

// ParseDuration reads a duration in Flink's form: a whole number and a unit (d, h, min or m, s, ms, us, ns or their long names, in any
// case, with or without space between), or a bare number of milliseconds. It is at most about 292 years.
func ParseDuration(text string) (time.Duration, error) {
	number, label, err := splitNumber(text)
	if err != nil {
		return 0, err
	}
	unit := time.Millisecond
	if label != "" {
		if unit = durationUnit(label); unit == 0 {
			return 0, fmt.Errorf("unknown unit %q", label)
		}
	}
	if number > math.MaxInt64/int64(unit) {
		return 0, fmt.Errorf("longer than 292 years")
	}
	return time.Duration(number) * unit, nil
}

func durationUnit(label string) time.Duration {
	for _, u := range durationUnits {
		for _, l := range u.labels {
			if l == label {
				return u.unit
			}
		}
	}
	return 0
}

// FormatDuration writes d in the largest unit that keeps it whole, as "10 s"; ParseDuration reads it back.
func FormatDuration(d time.Duration) string {
	if d == 0 {
		return "0 s"
	}
	for _, u := range durationUnits {
		if d%u.unit == 0 {
			return strconv.FormatInt(int64(d/u.unit), 10) + " " + u.labels[0]
		}
	}
	return "" // not reached: every duration is whole in nanoseconds
}

// splitNumber cuts "10 mb" into 10 and "mb", the label in lower case.
func splitNumber(text string) (number int64, label string, err error) {
	text = strings.TrimSpace(text)
	end := 0
	for end < len(text) && '0' <= text[end] && text[end] <= '9' {
		end++
	}
	if end == 0 {
		return 0, "", fmt.Errorf("does not begin with a whole number")
	}
	number, err = strconv.ParseInt(text[:end], 10, 64)
	if err != nil {
		return 0, "", fmt.Errorf("the number is too big")
	}
	return number, strings.ToLower(strings.TrimSpace(text[end:])), nil
}
