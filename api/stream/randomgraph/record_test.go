package randomgraph

import (
	"cmp"
	"fmt"
	"math"
)

// record is what every record of every type stands for. Plans, interpretation and comparison know records only in this
// form; each type that the engine sees is another dress of it.
type record struct {
	Key   int32 // 0 to below keyLimit
	Value int32 // valueBits wide, signed
	Mark  uint16
	Time  int64 // event time, noTime where there is none
}

const (
	keyBits, valueBits = 20, 28
	keyLimit           = 1 << keyBits
	noTime             = int64(math.MinInt64)
)

// wrap cuts a number to the width of record.Value, as two's complement arithmetic does, so that sums do not depend on
// where they overflow.
func wrap[N int | int32 | int64 | uint64](n N) int32 {
	return int32(uint32(n)<<(32-valueBits)) >> (32 - valueBits)
}

func (r record) String() string {
	if r.Time == noTime {
		return fmt.Sprintf("{%d %d %d}", r.Key, r.Value, r.Mark)
	}
	return fmt.Sprintf("{%d %d %d @%d}", r.Key, r.Value, r.Mark, r.Time)
}

func compareRecords(a, b record) int {
	return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Value, b.Value), cmp.Compare(a.Mark, b.Mark), cmp.Compare(a.Time, b.Time))
}

// scramble is a cheap hash of two numbers. The mixing function is the finalizer of SplitMix64.
func scramble(a, b int64) uint64 {
	x := uint64(a)*0x9e3779b97f4a7c15 + uint64(b)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
