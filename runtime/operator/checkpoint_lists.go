package operator

import (
	"fmt"

	"github.com/weir-stream/weir/checkpoint/snapshot"
)

// RestoredList returns this subtask's share of a restored operator state whose elements are dealt out (SPLIT_DISTRIBUTE), nil
// if there is none.
func (c *Context) RestoredList(name string) ([][]byte, error) {
	list, err := snapshot.DealList(c.Restored, name, snapshot.Split, c.Subtask, c.Parallelism)
	switch {
	case err != nil:
		return nil, fmt.Errorf("restore: operator %w", err)
	case list == nil:
		return nil, nil
	}
	return list.Elements, nil
}
