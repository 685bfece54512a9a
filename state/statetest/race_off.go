//go:build !race

package statetest

// raced says that the race detector is on, which makes the backends that spill ten times slower.
const raced = false
