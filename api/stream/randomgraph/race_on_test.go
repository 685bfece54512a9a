//go:build race

package randomgraph

// graphsByDefault is smaller under the race detector, which makes everything several times slower.
const graphsByDefault = 300
