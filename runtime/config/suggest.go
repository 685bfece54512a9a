package config

import (
	"slices"
	"strings"
)

// suggestion ends the message about an unknown key: the known key that was probably meant, or nothing if none is near.
func (l *loader) suggestion(key string) string {
	meant := l.nearest(key)
	if meant == "" {
		return ""
	}
	words := "; did you mean " + meant + "?"
	if rule, ok := l.flink.lookup(meant); ok && l.options.byKey[meant] == nil && rule.policy != inert {
		words += " (known to Flink, not supported by this version of Weir)"
	}
	return words
}

// nearest returns the known key with the fewest edits from key, at most one for each five letters, or the only one that key begins.
func (l *loader) nearest(key string) string {
	best, fewest := "", 1+min(max(len(key)/5, 1), 4)
	for _, known := range l.knownKeys() {
		if strings.EqualFold(known, key) {
			return known
		}
		if d := editDistance(key, known, fewest); d < fewest {
			best, fewest = known, d
		}
	}
	if begun := l.beginningWith(key + "."); best == "" && len(begun) == 1 {
		return begun[0]
	}
	return best
}

func (l *loader) knownKeys() []string {
	return slices.Concat(l.options.keys(), l.flink.keys)
}

func (l *loader) beginningWith(prefix string) []string {
	var keys []string
	for _, known := range l.knownKeys() {
		if strings.HasPrefix(known, prefix) {
			keys = append(keys, known)
		}
	}
	return keys
}

// editDistance is the least number of bytes inserted, deleted, replaced or swapped with their neighbour that turns a into b (optimal string
// alignment distance), or limit if it is not less than that.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, previous, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(previous[j]+1, row[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, previous, row = previous, row, before
	}
	return min(previous[len(b)], limit)
}
