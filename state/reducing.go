package state

// Reducing is one value of T per key, to which values are added with an associative function. Make it with [NewReducing]
// in the factory of the function that has it as a field.
type Reducing[T any] struct {
	reduce func(a, b T) T
	value  Value[T]
}

// NewReducing returns a state that combines what is added with reduce(accumulated, added).
func NewReducing[T any](reduce func(a, b T) T) Reducing[T] { return Reducing[T]{reduce: reduce} }

// Add combines value with what the current key has; the first one is kept as it is.
func (r *Reducing[T]) Add(value T) {
	if had, ok := r.value.base(); ok {
		value = r.reduce(had, value)
	}
	r.value.Set(value)
}

// Get returns the combination of all that was added for the current key, and false if nothing was.
func (r *Reducing[T]) Get() (T, bool) { return r.value.Get() }

// Clear forgets what was added for the current key.
func (r *Reducing[T]) Clear() { r.value.Clear() }

func (r *Reducing[T]) describe() (Descriptor, error) {
	if r.reduce == nil {
		return Descriptor{}, errNoFunction("Reducing", "NewReducing")
	}
	return describe[T](KindReducing)
}

func (r *Reducing[T]) bind(store Store, c Column, d Descriptor, now func() int64) {
	r.value.bind(store, c, d, now)
}

func (r *Reducing[T]) expire() { r.value.expire() }
