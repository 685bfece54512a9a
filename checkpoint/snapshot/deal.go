package snapshot

import (
	"fmt"

	"github.com/weir-stream/weir/state/keygroup"
)

// DealList returns what a subtask gets of an operator state of that name, with its types as they were: before has all former subtasks of the
// operator, in their order, also those that did not have the state, such as those that had finished. It is nil if nobody had it. The error
// says that the state was redistributed otherwise.
func DealList(before []*Operator, name string, redistribution Redistribution, subtask, parallelism int) (*List, error) {
	var found *List
	all := make([][][]byte, len(before))
	var had [][][]byte
	for i, operator := range before {
		for l := range operator.Lists {
			list := &operator.Lists[l]
			if list.Name != name {
				continue
			}
			if list.Redistribution != redistribution {
				return nil, fmt.Errorf("state %q was redistributed as %s, now as %s: give the new one another name", name, list.Redistribution, redistribution)
			}
			if found == nil {
				found = list
			}
			all[i], had = list.Elements, append(had, list.Elements)
		}
	}
	if found == nil {
		return nil, nil
	}
	mine := *found
	switch redistribution {
	case Split: // by place: with the parallelism of before nothing moves, least of all to a subtask that is over
		mine.Elements = keygroup.Split(all, parallelism)[subtask]
	case Union:
		mine.Elements = keygroup.Union(all)
	case Broadcast:
		mine.Elements = had[subtask%len(had)]
	}
	return &mine, nil
}
