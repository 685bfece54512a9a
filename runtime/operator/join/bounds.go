package join

import "math"

// Bounds say which records an interval join pairs: those with Lower <= right - left <= Upper, both in milliseconds of event
// time.
type Bounds struct{ Lower, Upper int64 }

// rightOf is the range of event times of the right records that a left one meets, ends included.
func (b Bounds) rightOf(left int64) (from, to int64) { return plus(left, b.Lower), plus(left, b.Upper) }

// leftOf is the range of event times of the left records that a right one meets.
func (b Bounds) leftOf(right int64) (from, to int64) {
	return minus(right, b.Upper), minus(right, b.Lower)
}

// leftKept and rightKept are how long records are of use: after that event time no record that is not late can meet them.
func (b Bounds) leftKept() int64  { return max(b.Upper, 0) }
func (b Bounds) rightKept() int64 { return max(minus(0, b.Lower), 0) }

// width is that of the buckets that records are kept in: one that makes each record meet those of two buckets at the most.
func (b Bounds) width() int64 { return max(plus(minus(b.Upper, b.Lower), 1), 1) }

// bucketOf is the start of the bucket of a time.
func bucketOf(at, width int64) int64 {
	rest := at % width
	if rest < 0 {
		rest += width
	}
	return minus(at, rest)
}

// plus and minus stop at the ends of time instead of going round.
func plus(a, b int64) int64 {
	switch sum := a + b; {
	case b > 0 && sum < a:
		return math.MaxInt64
	case b < 0 && sum > a:
		return math.MinInt64
	default:
		return sum
	}
}

func minus(a, b int64) int64 {
	switch difference := a - b; {
	case b < 0 && difference < a:
		return math.MaxInt64
	case b > 0 && difference > a:
		return math.MinInt64
	default:
		return difference
	}
}
