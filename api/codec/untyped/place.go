package untyped

import (
	"slices"
	"strings"
)

// placed is an error at a place within a value.
type placed struct {
	// steps lead to the place, the last one first.
	steps []string
	err   error
}

// mostSteps bounds what is told of the way.
const mostSteps = 32

func at(err error, step string) error {
	p, ok := err.(*placed)
	if !ok {
		return &placed{[]string{step}, err}
	}
	if len(p.steps) < mostSteps {
		p.steps = append(p.steps, step)
	}
	return p
}

// Error names the place, such as ".Items[3].Price".
func (e *placed) Error() string {
	way := slices.Clone(e.steps)
	slices.Reverse(way)
	return strings.Join(way, "") + ": " + e.err.Error()
}

func (e *placed) Unwrap() error { return e.err }
