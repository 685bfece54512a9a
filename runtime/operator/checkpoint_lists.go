package operator

import (
	"fmt"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/state/keygroup"
)

// RestoredList returns this subtask's share of a restored operator state whose elements are dealt out (SPLIT_DISTRIBUTE), nil
// if there is none.
func (c *Context) RestoredList(name string) ([][]byte, error) {
	before := make([][][]byte, len(c.Restored))
	for i, subtask := range c.Restored {
		for _, list := range subtask.Lists {
			if list.Name != name {
				continue
			}
			if list.Redistribution != snapshot.Split {
				return nil, fmt.Errorf("restore: operator state %q was redistributed as %s, now as %s", name, list.Redistribution, snapshot.Split)
			}
			before[i] = list.Elements
		}
	}
	if len(before) == 0 {
		return nil, nil
	}
	return keygroup.Split(before, c.Parallelism)[c.Subtask], nil
}
