package coordinator

import (
	"bytes"
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/weir-stream/weir/checkpoint/snapshot"
)

// mergeSchemas adds what a subtask says of an operator's states to what others have said, and returns the subtask's lists with the
// operator's numbers.
func mergeSchemas(op *snapshot.OperatorState, ack OperatorAck) ([]*snapshot.ListPart, error) {
	for _, st := range ack.States {
		at, known := slices.BinarySearchFunc(op.States, st.Number, func(s *snapshot.StateSchema, number uint32) int { return int(s.Number) - int(number) })
		if !known {
			op.States = slices.Insert(op.States, at, st)
		} else if !proto.Equal(op.States[at], st) {
			return nil, fmt.Errorf("state %q of one subtask has the number %d of state %q of another, or their types differ", st.Name, st.Number, op.States[at].Name)
		}
	}
	numbers := make([]uint32, len(ack.Lists))
	for i, list := range ack.Lists {
		at := slices.IndexFunc(op.Lists, func(l *snapshot.ListSchema) bool { return l.Name == list.Name })
		if at < 0 {
			at = len(op.Lists)
			op.Lists = append(op.Lists, list)
		} else if known := op.Lists[at]; known.Kind != list.Kind || !bytes.Equal(known.Key, list.Key) || !bytes.Equal(known.Element, list.Element) {
			return nil, fmt.Errorf("operator state %q differs from that of another subtask", list.Name)
		}
		numbers[i] = uint32(at)
	}
	parts := make([]*snapshot.ListPart, len(ack.State.Lists))
	for i, part := range ack.State.Lists {
		if int64(part.List) >= int64(len(numbers)) {
			return nil, fmt.Errorf("operator state %d is not described", part.List)
		}
		parts[i] = &snapshot.ListPart{List: numbers[part.List], Count: part.Count, Elements: part.Elements}
	}
	return parts, nil
}
