// Package golden has snapshots of every format that has landed, below testdata, and tests that restore each of them for ever: at another
// parallelism, on both state backends, with the output that an undisturbed run has. There is no code in it but tests.
//
// To add the snapshots of a new format, which never replace older ones:
//
//	go test ./api/stream/golden -run Regenerate -regenerate
package golden
