//go:build race

package randomgraph

import "time"

const (
	// graphsByDefault is smaller under the race detector, which makes everything several times slower.
	graphsByDefault = 300
	// patience is how long a job may take: far longer than any does on a busy machine, so that one that hangs is told from
	// one that is slow.
	patience = 4 * time.Minute
)
