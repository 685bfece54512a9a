package generator

import (
	"encoding/binary"
	"fmt"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connector/splits"
)

// Source is the events of a configuration as a source: a split for each generator, which resumes exactly where it was.
//
// Where one reader has several generators, their events come in turn, one of each, in the order of their times.
type Source struct {
	config   Config
	together bool
}

// NewSource makes a source.
func NewSource(c Config) Source { return Source{config: c} }

// Together returns the source with all generators in one split, so that one reader makes all events, in one order whatever
// the parallelism.
func (s Source) Together() Source {
	s.together = true
	return s
}

// Name is the name of the operator.
func (s Source) Name() string { return "Nexmark Source" }

// Bounded says that the source ends.
func (s Source) Bounded() bool { return true }

// NewEnumerator makes the enumerator, which gives the generators to the readers in turn.
func (s Source) NewEnumerator(ctx connector.EnumeratorContext) (connector.Enumerator, error) {
	if err := s.config.Check(); err != nil {
		return nil, err
	}
	return splits.NewEnumerator(ctx, splits.Plan{
		Fixed: true,
		List:  s.list,
		Weigh: func(split connector.Split) (int64, error) {
			_, err := s.resume(split)
			return 1, err
		},
	}), nil
}

func (s Source) list() ([]connector.Split, error) {
	var list []connector.Split
	for i := range s.config.Generators {
		g, err := New(s.config, i)
		if err != nil {
			return nil, err
		}
		if g.Left() == 0 {
			continue
		}
		start := position{i, g.made, g.random}
		if s.together && len(list) > 0 {
			list[0].State = start.append(list[0].State)
			continue
		}
		list = append(list, connector.Split{ID: fmt.Sprintf("generator-%d", i), State: start.append(nil)})
	}
	return list, nil
}

// NewReader makes the reader of one subtask.
func (s Source) NewReader(ctx connector.ReaderContext) (connector.Reader[Event], error) {
	if err := s.config.Check(); err != nil {
		return nil, err
	}
	return &reader{source: s, queue: splits.NewQueue(ctx)}, nil
}

// position is which generator, and how far it is. The state of a split is a list of them.
type position struct {
	generator int
	made      int64
	random    random
}

// positionSize is the length of an encoded position: its three numbers, 8 bytes each, the high one first.
const positionSize = 3 * 8

func (p position) append(to []byte) []byte {
	for _, n := range []uint64{uint64(p.generator), uint64(p.made), uint64(p.random)} {
		to = binary.BigEndian.AppendUint64(to, n)
	}
	return to
}

// resume makes the generators of a split, each at its position.
func (s Source) resume(split connector.Split) ([]*active, error) {
	if len(split.State)%positionSize != 0 {
		return nil, malformed(split)
	}
	var all []*active
	for state := split.State; len(state) > 0; state = state[positionSize:] {
		number := func(i int) uint64 { return binary.BigEndian.Uint64(state[8*i:]) }
		index, made := number(0), number(1)
		if index >= uint64(s.config.Generators) || made >= uint64(s.config.Share(int(index))) {
			return nil, malformed(split)
		}
		g, err := New(s.config, int(index))
		if err != nil {
			return nil, err
		}
		g.made, g.random = int64(made), random(number(2))
		all = append(all, &active{split.ID, int(index), g})
	}
	return all, nil
}

func malformed(split connector.Split) error {
	return fmt.Errorf("%x of split %q is no position of this nexmark source: it was damaged, or written by a source of another configuration", split.State, split.ID)
}
