//go:build !race

package statetest

// seeds is how many of n seeds are run.
func seeds(n int64) int64 { return n }
