package operator

import (
	"maps"
	"slices"
)

// eventInput is the part of an Input that does not depend on the type of its records.
type eventInput interface {
	Watermark(at int64) error
	Idle(idle bool) error
}

// mainAndSides is the main output of an operator with side outputs: events that it is given go to those as well.
type mainAndSides[T any] struct {
	Input[T]
	sides []eventInput
}

func besideMain[T any](main Input[T], side map[string][]any) Input[T] {
	all := mainAndSides[T]{Input: main}
	for _, name := range slices.Sorted(maps.Keys(side)) {
		for _, input := range side[name] {
			all.sides = append(all.sides, input.(eventInput))
		}
	}
	return all
}

func (m mainAndSides[T]) Watermark(at int64) error {
	if err := m.Input.Watermark(at); err != nil {
		return err
	}
	for _, side := range m.sides {
		if err := side.Watermark(at); err != nil {
			return err
		}
	}
	return nil
}

func (m mainAndSides[T]) Idle(idle bool) error {
	if err := m.Input.Idle(idle); err != nil {
		return err
	}
	for _, side := range m.sides {
		if err := side.Idle(idle); err != nil {
			return err
		}
	}
	return nil
}
