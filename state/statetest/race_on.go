//go:build race

package statetest

// seeds is how many of n seeds are run: the race detector makes everything about ten times as slow, and finds with one seed what it finds with all.
func seeds(int64) int64 { return 1 }
