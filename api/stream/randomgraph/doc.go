// Package randomgraph holds the engine's property test and nothing else: it makes random programs, runs them, and
// compares what they emit with what a plain sequential interpretation says.
//
//	go test ./api/stream/randomgraph                    the usual run
//	go test ./api/stream/randomgraph -graphs 20000      a longer one
//	go test ./api/stream/randomgraph -seed 4711         one program again, as a failure prints it
//
// The way of a program through the files: generate makes a plan from a seed; promise says which order the plan's streams
// have; interpret says what its sinks must receive; program builds it with the public API; verdict compares; shrink makes
// a plan that fails smaller.
package randomgraph
