package table

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"github.com/weir-stream/weir/state/keygroup"
)

// timeBytes is the length of a time in the key of an entry.
const timeBytes = 8

// Export writes the timers by key group, time and key.
func (t *timers[K]) Export(groups keygroup.Range, put func(key, value []byte) error) error {
	common, ok := t.groups.Intersect(groups)
	if !ok {
		return nil
	}
	out := exporting{}
	for group := int(common.First); group <= int(common.Last); group++ {
		g := &gathered{}
		for entry := range t.index.group(group - int(t.groups.First)) {
			if *t.header(entry)&timerDead != 0 {
				continue
			}
			key, err := t.packer.view(unsafe.Slice((*uint64)(entry), t.packer.words), t.longKey)
			if err != nil {
				return err
			}
			at := len(g.keys)
			g.keys = binary.BigEndian.AppendUint64(g.keys, t.at(entry))
			t.key[0] = key
			g.keys = t.packer.codec.Append(g.keys, &t.key[0])
			g.add(entry, at)
		}
		t.key = [1]K{}
		g.sort()
		out.start(uint16(group), t.number)
		for i := range g.entries {
			out.key = append(out.key[:out.prefix], g.key(&g.entries[i])...)
			if err := put(out.key, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// Import registers a timer of a snapshot.
func (t *timers[K]) Import(key, value []byte) error {
	if err := t.importTimer(key, value); err != nil {
		return fmt.Errorf("timer %x: %w", key, err)
	}
	return nil
}

func (t *timers[K]) importTimer(key, value []byte) error {
	if len(key) < prefixBytes+timeBytes {
		return errors.New("the entry's key is too short for a key group, a state and a time")
	}
	if number := binary.BigEndian.Uint16(key[2:]); number != t.number {
		return fmt.Errorf("it is of state number %d, not %d", number, t.number)
	}
	if len(value) > 0 {
		return errors.New("it has a value")
	}
	at := binary.BigEndian.Uint64(key[prefixBytes:])
	k, hash, err := ownKey(t.named, key[prefixBytes+timeBytes:], binary.BigEndian.Uint16(key), t.groups, t.maxGroups)
	if err != nil {
		return err
	}
	t.Register(k, hash, int64(at^signFlip))
	return nil
}
