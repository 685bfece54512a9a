// Package outside holds the proof that a module of somebody else builds, tests and runs a job against this one. Its test writes such
// a module, whose sources are the .txt files of testdata.
package outside
