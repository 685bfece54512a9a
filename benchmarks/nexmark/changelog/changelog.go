// Package changelog has the records of a query whose result changes while its input grows.
package changelog

// Kind is what a Change does to the result.
type Kind uint8

// The kinds, as Flink's changelogs have them.
const (
	// Insert adds a row.
	Insert Kind = iota
	// UpdateBefore takes back a row that an UpdateAfter replaces.
	UpdateBefore
	// UpdateAfter is the row in place of the one taken back.
	UpdateAfter
	// Delete takes a row back for good.
	Delete
)

// Kinds is how many there are.
const Kinds = 4

// String is Flink's short name.
func (k Kind) String() string { return [Kinds]string{"+I", "-U", "+U", "-D"}[k] }

// Adds says that the kind adds a row; the others take one back.
func (k Kind) Adds() bool { return k == Insert || k == UpdateAfter }

// Change is a record of a changelog.
type Change[Row any] struct {
	Kind Kind
	Row  Row
}
