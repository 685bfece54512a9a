package generator

import (
	"math"
	"math/bits"
)

// random is the generator of Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (OOPSLA 2014), with a
// fixed gamma: a counter whose values are mixed. Its value is its whole state.
type random uint64

const gamma = 0x9E3779B97F4A7C15

func (r *random) u32() uint32 {
	*r += gamma
	return mix32(uint64(*r))
}

func mix32(z uint64) uint32 {
	z = (z ^ z>>33) * 0x62A9D9ED799705F5
	return uint32((z ^ z>>28) * 0xCB24D0A5C88C35B3 >> 32)
}

func (r *random) u64() uint64 {
	*r += gamma
	z := uint64(*r)
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// below is uniform in [0, n) for n > 0, by rejection where n is no power of two.
func (r *random) below(n uint32) uint32 {
	if n&(n-1) == 0 {
		return r.u32() & (n - 1)
	}
	for {
		u := r.u32() >> 1
		if rest := u % n; u-rest+(n-1) < 1<<31 {
			return rest
		}
	}
}

// unit is uniform in [0, 1).
func (r *random) unit() float64 { return float64(r.u64()>>11) * 0x1p-53 }

// price is 100 to 100,000,000, its logarithm uniform.
func (r *random) price() int64 { return priceOf(r.unit()) }

const (
	priceSteps = 1024
	// nearTie is how close to a half an approximate price must be for the exact one to be computed. It is more than the error
	// of the approximation, which is below 4e-4.
	nearTie = 2e-3
)

// stepPrices has the unrounded price at each multiple of 1/priceSteps.
var stepPrices = func() (prices [priceSteps]float64) {
	for i := range prices {
		prices[i] = exactPrice(float64(i) / priceSteps)
	}
	return prices
}()

func exactPrice(unit float64) float64 { return math.Pow(10, float64(unit*6)) * 100 }

// priceOf rounds exactPrice, halves upwards. It takes the next lower price of the table times a polynomial for the rest of the
// exponent, and math.Pow only where that is too close to a half to tell which way to round.
func priceOf(unit float64) int64 {
	step := int(unit * priceSteps)
	rest := (unit - float64(step)*(1.0/priceSteps)) * (6 * math.Ln10)
	// The exponential function of rest, which is below 0.0135, in terms that do not wait for each other.
	square := rest * rest
	factor := (1 + rest) + square*((1.0/2+rest*(1.0/6))+square*(1.0/24))
	price := stepPrices[step&(priceSteps-1)] * factor
	whole := int64(price)
	fraction := price - float64(whole)
	// Close to a whole number either side rounds to it, so only halves need care.
	if math.Abs(fraction-0.5) > nearTie {
		return int64(price + 0.5)
	}
	exact := exactPrice(unit)
	whole = int64(exact)
	if exact-float64(whole) >= 0.5 {
		whole++
	}
	return whole
}

// absReversed is |reverse of the 32 bits of i| as 32-bit numbers have it: that of the lowest number is itself.
func absReversed(i uint32) int32 {
	reversed := int32(bits.Reverse32(i))
	if reversed < 0 {
		return -reversed
	}
	return reversed
}
