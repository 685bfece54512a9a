//go:build race

package sim

// slow says that everything takes ten times as long.
const slow = true
