package snapshot

// List returns the operator state that is described, without elements.
func (s *ListSchema) List() (list List, err error) {
	list = List{Name: s.Name, Redistribution: Redistribution(s.Kind - ListKind_SPLIT_DISTRIBUTE)}
	if list.Key, err = parseSchema(s.Key); err != nil {
		return list, err
	}
	list.Element, err = parseSchema(s.Element)
	return list, err
}

// UnpackLists returns the operator states of a subtask with their elements.
func (op *OperatorState) UnpackLists(s *SubtaskState, read Read) (lists []List, err error) {
	for _, part := range s.Lists {
		list, err := op.unpackList(part, read)
		if err != nil {
			return nil, err
		}
		lists = append(lists, list)
	}
	return lists, nil
}
