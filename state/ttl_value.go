package state

import "unsafe"

// ttlValue is a ValueCell whose values have a time to live. It stands before the backend's cell, which keeps the time of
// last access before each value and knows nothing of what that means.
type ttlValue struct {
	cell ValueCell
	*lifetime
	// last is a copy of an expired inline value that is seen once more, in words as it must be aligned; encoded is a
	// buffer.
	last    []uint64
	encoded []byte
}

// Inline makes the handle call for each access.
func (v *ttlValue) Inline() *Inline { return nil }

// Load reads a value, which drops it or prolongs its life.
func (v *ttlValue) Load() unsafe.Pointer {
	p := v.cell.Load()
	if p == nil {
		return nil
	}
	now := v.now()
	switch last := *(*int64)(p); {
	case v.over(last, now):
		v.last = append(v.last[:0], unsafe.Slice((*uint64)(p), (v.size+7)/8)...)
		v.cell.Clear()
		if !v.seen {
			return nil
		}
		p = unsafe.Pointer(unsafe.SliceData(v.last))
	case v.renewed && last != now:
		p, _ = v.cell.Store()
		*(*int64)(p) = now
	}
	return unsafe.Add(p, timeBytes)
}

// peek returns what an addition goes on from: the value as it is, nil if it is absent or must not be seen.
func (v *ttlValue) peek() unsafe.Pointer {
	p := v.cell.Load()
	if p == nil || !v.seen && v.over(*(*int64)(p), v.now()) {
		return nil
	}
	return unsafe.Add(p, timeBytes)
}

// Store makes an expired value fresh, unless it would still be seen.
func (v *ttlValue) Store() (unsafe.Pointer, bool) {
	p, fresh := v.cell.Store()
	now := v.now()
	if !fresh && !v.seen && v.over(*(*int64)(p), now) {
		clear(unsafe.Slice((*byte)(p), v.size))
		fresh = true
	}
	*(*int64)(p) = now
	return unsafe.Add(p, timeBytes), fresh
}

// LoadBytes is Load for encoded values.
func (v *ttlValue) LoadBytes() ([]byte, bool) {
	encoded, ok := v.cell.LoadBytes()
	if !ok {
		return nil, false
	}
	now := v.now()
	switch last := timeOf(encoded); {
	case v.over(last, now):
		v.encoded = append(v.encoded[:0], encoded...)
		v.cell.Clear()
		if !v.seen {
			return nil, false
		}
		encoded = v.encoded
	case v.renewed && last != now:
		v.encoded = append(appendTime(v.encoded[:0], now), encoded[timeBytes:]...)
		v.cell.StoreBytes(v.encoded)
		encoded = v.encoded
	}
	return encoded[timeBytes:], true
}

// peekBytes is peek for encoded values.
func (v *ttlValue) peekBytes() ([]byte, bool) {
	encoded, ok := v.cell.LoadBytes()
	if !ok || !v.seen && v.over(timeOf(encoded), v.now()) {
		return nil, false
	}
	return encoded[timeBytes:], true
}

// StoreBytes stores a value with the present time.
func (v *ttlValue) StoreBytes(encoded []byte) {
	v.encoded = append(appendTime(v.encoded[:0], v.now()), encoded...)
	v.cell.StoreBytes(v.encoded)
}

// Clear removes the value.
func (v *ttlValue) Clear() { v.cell.Clear() }

// expire removes the value if its time is over.
func (v *ttlValue) expire() {
	if v.size > 0 {
		if p := v.cell.Load(); p != nil && v.over(*(*int64)(p), v.now()) {
			v.cell.Clear()
		}
	} else if encoded, ok := v.cell.LoadBytes(); ok && v.over(timeOf(encoded), v.now()) {
		v.cell.Clear()
	}
}
