package table

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// prefixBytes is the length of the key group and the state's number at the front of an entry's key.
const prefixBytes = 4

// Import adds an entry of a snapshot.
func (t *Table[K]) Import(key, value []byte) error {
	col, group, rest, err := t.split(key)
	if err != nil {
		return err
	}
	if err := t.importKey(col, group, rest, value); err != nil {
		t.leave()
		return fmt.Errorf("state %q: entry %x: %w", col.name, key, err)
	}
	return nil
}

// split takes the key group and the state from the front of an entry's key.
func (c *core) split(key []byte) (col *column, group uint16, rest []byte, err error) {
	if len(key) < prefixBytes {
		return nil, 0, nil, fmt.Errorf("the entry's key %x is too short for a key group and a state", key)
	}
	group = binary.BigEndian.Uint16(key)
	number := binary.BigEndian.Uint16(key[2:])
	for i := range c.columns {
		if c.columns[i].number == number {
			return &c.columns[i], group, key[prefixBytes:], nil
		}
	}
	return nil, 0, nil, fmt.Errorf("entry %x is of state number %d, which is not one of this operator's", key, number)
}

// importKey adds a value under an encoded key, which that of a map follows.
func (t *Table[K]) importKey(col *column, group uint16, encoded, value []byte) error {
	rest, err := t.named.Codec.Decode(encoded, &t.key[0])
	if err != nil {
		return err
	}
	if len(rest) > 0 && col.kind != kindMap {
		return fmt.Errorf("%d bytes after the key", len(rest))
	}
	hash, err := ownHash(t.named, &t.key, &t.hash, group, t.groups, t.maxGroups)
	if err != nil {
		return err
	}
	t.Seek(t.key[0], hash)
	return t.importValue(col, rest, value)
}

// importValue adds a value of the current key.
func (t *Table[K]) importValue(col *column, mapKey, value []byte) error {
	switch {
	case col.kind == kindMap:
		if err := col.check.Value(value); err != nil {
			return err
		}
		(&mapCell{&t.core, col}).Put(mapKey, value)
	case col.kind == kindList:
		return t.importList(col, value)
	case col.inline:
		cell := inlineCell{&t.core, col}
		p, _ := cell.Store()
		rest, err := col.transcoder.Decode(value, p)
		if err == nil && len(rest) > 0 {
			err = fmt.Errorf("%d bytes after the value", len(rest))
		}
		if err != nil {
			cell.Clear()
		}
		return err
	default:
		if err := col.check.Value(value); err != nil {
			return err
		}
		(&bytesCell{&t.core, col}).StoreBytes(value)
	}
	return nil
}

// importList appends elements in pieces of about a chunk's size.
func (t *Table[K]) importList(col *column, elements []byte) error {
	cell := listCell{core: &t.core, col: col}
	for len(elements) > 0 {
		rest := elements
		for len(rest) > 0 && len(elements)-len(rest) < largestChunk/2 {
			after, err := col.check.Next(rest)
			if err != nil {
				return err
			}
			if len(after) >= len(rest) {
				return errors.New("an element takes no bytes")
			}
			rest = after
		}
		cell.Append(elements[:len(elements)-len(rest)])
		elements = rest
	}
	return nil
}

// ownKey decodes a key that nothing follows and that belongs to a key group of the subtask.
func ownKey[K any](keys state.Keys[K], encoded []byte, group uint16, groups keygroup.Range, maxGroups int) (key K, hash uint64, err error) {
	var one [1]K
	var buffer [1]uint64
	rest, err := keys.Codec.Decode(encoded, &one[0])
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%d bytes after the key", len(rest))
	}
	if err == nil {
		hash, err = ownHash(keys, &one, &buffer, group, groups, maxGroups)
	}
	return one[0], hash, err
}

// ownHash returns the hash of a key, by way of a buffer. The key must belong to the key group and that to the subtask.
func ownHash[K any](keys state.Keys[K], key *[1]K, hash *[1]uint64, group uint16, groups keygroup.Range, maxGroups int) (uint64, error) {
	if err := keys.HashesOf(key[:], hash[:]); err != nil {
		return 0, err
	}
	if actual := keygroup.Group(hash[0], maxGroups); actual != group || !groups.Contains(group) {
		return 0, fmt.Errorf("it stands in key group %d, its key belongs to %d, and this subtask owns %s", group, actual, groups)
	}
	return hash[0], nil
}
