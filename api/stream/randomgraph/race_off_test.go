//go:build !race

package randomgraph

const graphsByDefault = 2000
