package state

import "iter"

// List is a list of T per key. Declare it as an exported field of a function; its zero value is ready for that.
// A list without elements and an absent one are the same.
type List[T any] struct{ bound *boundList[T] }

type boundList[T any] struct {
	port[T]
	cell    ListCell
	encoded []byte
	// spare is the buffer of a reader that has ended.
	spare []byte
	// life is nil if elements live for ever.
	life  *lifetime
	check Check
	// visits is nil for a cell whose chunks stay where they are.
	visits Visited
}

// Visited is a cell that must know of visits: what is visited stays in memory until the visit ends, though the visitor adds to other state.
type Visited interface {
	BeginVisit()
	EndVisit()
}

// Add appends one element.
func (l *List[T]) Add(value T) { l.binding().add(value) }

// AddAll appends elements in their order.
func (l *List[T]) AddAll(values []T) {
	b := l.binding()
	for _, value := range values {
		b.add(value)
	}
}

// Get iterates over the elements in their order. If the list is changed meanwhile, it is unspecified which of the
// changes the iteration sees.
func (l *List[T]) Get() iter.Seq[T] {
	b := l.binding()
	return b.each
}

// Slice returns the elements in a new slice, nil if there are none.
func (l *List[T]) Slice() (values []T) {
	for v := range l.Get() {
		values = append(values, v)
	}
	return values
}

// Update replaces all elements.
func (l *List[T]) Update(values []T) {
	l.Clear()
	l.AddAll(values)
}

// Clear removes all elements.
func (l *List[T]) Clear() { l.binding().cell.Clear() }

func (b *boundList[T]) add(value T) {
	b.encoded = b.encoded[:0]
	if b.life != nil {
		b.encoded = appendTime(b.encoded, b.life.now())
	}
	b.encoded = b.encode(b.encoded, value)
	b.cell.Append(b.encoded)
}

// each works on a copy of each chunk, since the loop's body may change any state.
func (b *boundList[T]) each(yield func(T) bool) {
	if b.visits != nil {
		b.visits.BeginVisit()
		defer b.visits.EndVisit()
	}
	if b.life != nil {
		b.eachAlive(yield)
		return
	}
	buffer := b.spare
	b.spare = nil
	defer func() { b.spare = buffer }()
	for n := 0; ; n++ {
		chunk, ok := b.cell.Chunk(n)
		if !ok {
			return
		}
		buffer = append(buffer[:0], chunk...)
		for rest := buffer; len(rest) > 0; {
			var value T
			value, rest = b.decode(rest)
			if !yield(value) {
				return
			}
		}
	}
}

func (l *List[T]) binding() *boundList[T] {
	if l.bound == nil {
		panic(unbound[T]("List"))
	}
	return l.bound
}

func (l *List[T]) describe() (Descriptor, error) { return describe[T](KindList) }

func (l *List[T]) bind(store Store, c Column, d Descriptor, now func() int64) {
	l.bound = &boundList[T]{
		port: port[T]{name: d.Name, codec: codecOf[T](d)}, cell: store.List(c), life: lifetimeOf(d, now), check: NewCheck(d),
	}
	l.bound.visits, _ = l.bound.cell.(Visited)
}

func (l *List[T]) expire() {
	if b := l.binding(); b.life != nil {
		b.expire()
	}
}
