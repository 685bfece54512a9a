package operator_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/weir-stream/weir/runtime/operator"
)

// TestLastWindowStart compares with numbers that do not overflow: at either end of time the windows of a slide are left out as a
// whole, and none that is left reaches beyond it.
func TestLastWindowStart(t *testing.T) {
	for _, w := range []struct{ offset, distance, size int64 }{{0, 10, 10}, {-9, 10, 10}, {9, 10, 35}, {-2, 7, 3}, {3, 4, 1}, {0, 1, 1}} {
		for _, near := range []int64{math.MinInt64, math.MaxInt64 - 200, -100, math.MinInt64/2 - 100, math.MaxInt64/2 - 100} {
			for at := near; at-near < 200; at++ {
				start, ok := operator.LastWindowStart(at, w.offset, w.distance, w.size)
				slide := new(big.Int).Mod(big.NewInt(0).Sub(big.NewInt(at), big.NewInt(w.offset)), big.NewInt(w.distance))
				want := new(big.Int).Sub(big.NewInt(at), slide)
				edge := big.NewInt(0).Add(big.NewInt(w.size), big.NewInt(2*w.distance))
				low, high := edge.Add(edge, big.NewInt(math.MinInt64)), big.NewInt(math.MaxInt64-w.size-w.distance)
				inside := want.Cmp(low) >= 0 && want.Cmp(high) <= 0
				if ok != inside || ok && start != want.Int64() {
					t.Fatalf("%d with offset %d, distance %d, size %d: %d, %v, want %v, %v", at, w.offset, w.distance, w.size, start, ok, want, inside)
				}
				if at == math.MaxInt64 {
					break
				}
			}
		}
	}
}
