package connectortest

// random is a sequence of numbers that a seed determines (splitmix64: Steele, Lea, Flood, OOPSLA 2014).
type random uint64

// below returns a number from 0 up to n, exclusive.
func (r *random) below(n int) int {
	*r += 0x9e3779b97f4a7c15
	x := uint64(*r)
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return int((x ^ x>>31) >> 1 % uint64(n))
}
