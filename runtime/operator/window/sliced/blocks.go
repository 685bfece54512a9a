package sliced

import (
	"unsafe"

	"github.com/weir-stream/weir/api/codec"
	"github.com/weir-stream/weir/runtime/operator"
	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/table"
)

// blocks is sharing by blocks of half a window. Of the slices of a window, the first are the rest of one block, the last
// the beginning of another, and between them lies at most one whole block:
//
//	... | . . [ s s | s s s s | s s ] . . | ...
//	           front    mid    back
//
// The beginning of a block is merged up as time goes on; the rest of a block is merged from its end on, backwards, while the
// windows advance through the half window before they reach it (next). So each slice of each key is merged three times in
// all, and no window waits for more than a few slices' work. Source: van Herk, "A fast algorithm for local minimum and maximum
// filters" (1992), with blocks of half the width so that the backward pass is spread out; the same bounds as in Tangwongsan,
// Hirzel, Schneider, "Low-Latency Sliding-Window Aggregation in Worst-Case Constant Time" (2017), for all keys at once.
//
// A key has a slot while any slice of the window has it, and an accumulator for each role at its slot. The contents of
// each slice are kept as a log of slots; the backward pass leaves in the log what the rest of the block without the slice comes
// to, so that the window lets go of a slice by putting that back.
type blocks[K comparable, Acc, S any] struct {
	slicing
	form form[Acc, S]
	// n is how many slices a window has, k how many a block.
	n, k      int64
	keys      state.Keys[K]
	directory state.Backend[K] // one column: the slot
	slotCell  state.ValueCell

	slotKeys   []K
	slotHashes []uint64
	// has tells of each slot what there is of it, in bits.
	has   []uint8
	parts [roles][]S
	free  []int32
	// front, mid, back, next are the numbers of the roles' parts.
	front, mid, back, next uint8

	logs    map[int64]*sliceLog[S]
	started bool
	// last is the last slice of the current window.
	last int64
	// The backward pass goes on with the slice building and ends with until.
	building, until int64
	// frontExtra and nextExtra have late records of slices that the backward pass was already through with.
	frontExtra, nextExtra map[int32][]extra[S]

	spare    []*sliceLog[S]
	readKeys []K
	hashes   []uint64
	cells    []unsafe.Pointer
	fresh    []bool
}

const roles = 4

// The bits of has above those of the roles.
const (
	hasFrontExtra = 1 << (roles + iota)
	hasNextExtra
	hasSlot
)

// sliceLog is the contents of a slice. Once the backward pass was there, values are what the rest of the block has without
// this entry and all before it, and others tells where there is nothing.
type sliceLog[S any] struct {
	slots  []int32
	values []S
	others []bool
}

// extra is an accumulator of late records of a slice.
type extra[S any] struct {
	index int64
	value S
}

func newBlocks[K comparable, Acc, S any](ctx *operator.Context, cut slicing, keys state.Keys[K], f form[Acc, S]) (*blocks[K, Acc, S], error) {
	b := &blocks[K, Acc, S]{
		slicing: cut, form: f, n: cut.perWindow, k: (cut.perWindow + 1) / 2, keys: keys, logs: map[int64]*sliceLog[S]{},
		frontExtra: map[int32][]extra[S]{}, nextExtra: map[int32][]extra[S]{},
	}
	b.clear()
	numbers, err := codec.For[int64]()
	if err != nil {
		return nil, err
	}
	t := table.New(keys, ctx.KeyGroups, ctx.MaxParallelism)
	if err := t.Open([]state.Descriptor{state.Describe("slot", state.KindValue, numbers)}); err != nil {
		return nil, err
	}
	b.directory, b.slotCell = t, t.Value(0)
	return b, nil
}

// clear forgets all slices. Slots are freed when they are next looked at.
func (b *blocks[K, Acc, S]) clear() {
	for slot := range b.has {
		b.has[slot] &= hasSlot
	}
	b.front, b.mid, b.back, b.next = 0, 1, 2, 3
	for index := range b.logs {
		b.dropLog(index)
	}
	clear(b.frontExtra)
	clear(b.nextExtra)
	b.started, b.building, b.until = false, 0, 1
}

func (b *blocks[K, Acc, S]) advance(last int64, panes state.Panes[K]) {
	if !b.started || last < b.last || last > b.last+b.n+b.k {
		b.clear()
		first := last - b.n + 1
		b.last, b.started = first-floorMod(first, b.k)-1, true
	}
	for b.last < last {
		b.step(b.last+1, panes)
	}
}

// step moves the window on by one slice.
func (b *blocks[K, Acc, S]) step(last int64, panes state.Panes[K]) {
	if floorMod(last, b.k) == 0 {
		// A block is complete.
		b.mid, b.back = b.back, b.mid
		b.building, b.until = last-1, last-b.k
	}
	first := last - b.n + 1
	b.release(first - 1)
	if floorMod(first, b.k) == 0 {
		// The window begins with a new block, which is mid until now.
		b.build(b.k)
		b.front, b.next = b.next, b.front
		b.take(1 << b.mid)
		b.crossExtras()
	}
	b.absorb(last, panes)
	b.build(buildStep)
	b.last = last
}

// buildStep is how many slices the backward pass goes through for each slice that comes in. One would do if windows had an
// even number of slices.
const buildStep = 2

// take takes something from all slots.
func (b *blocks[K, Acc, S]) take(bits uint8) {
	for slot := range b.has {
		b.has[slot] &^= bits
	}
}

func (b *blocks[K, Acc, S]) crossExtras() {
	for slot := range b.frontExtra {
		b.has[slot] &^= hasFrontExtra
	}
	clear(b.frontExtra)
	b.frontExtra, b.nextExtra = b.nextExtra, b.frontExtra
	for slot := range b.frontExtra {
		b.has[slot] = b.has[slot]&^hasNextExtra | hasFrontExtra
	}
}

// absorb merges a slice into the beginning of the last block.
func (b *blocks[K, Acc, S]) absorb(index int64, panes state.Panes[K]) {
	pane := panes.Find(b.startOf(index))
	if pane == nil {
		return
	}
	log := b.newLog(index)
	cell := pane.Value(0)
	pane.Each(0, func(key K) bool {
		b.readKeys = append(b.readKeys, key)
		log.values = append(log.values, b.form.load(cell))
		return true
	})
	from := 0
	for from < len(b.readKeys) {
		to := min(from+absorbBatch, len(b.readKeys))
		b.absorbBatch(log, b.readKeys[from:to], from)
		from = to
	}
	clear(b.readKeys)
	b.readKeys = b.readKeys[:0]
}

// absorbBatch is how many slots are looked up at once.
const absorbBatch = 1024

func (b *blocks[K, Acc, S]) absorbBatch(log *sliceLog[S], keys []K, from int) {
	b.slotsOf(keys, nil, log)
	back, has := b.parts[b.back], b.has
	for i, slot := range log.slots[from:] {
		value := &log.values[from+i]
		if has[slot]&(1<<b.back) != 0 {
			b.form.merge(&back[slot], value)
		} else {
			back[slot] = *value
			has[slot] |= 1 << b.back
		}
	}
}

// slotsOf appends the slots of keys to the log, made where there are none.
func (b *blocks[K, Acc, S]) slotsOf(keys []K, hashes []uint64, log *sliceLog[S]) {
	n := len(keys)
	if hashes == nil {
		hashes = operator.Resize(&b.hashes, n)
		_ = b.keys.HashesOf(keys, hashes) // a key with a NaN has never come as far as here
	}
	cells, fresh := operator.Resize(&b.cells, n), operator.Resize(&b.fresh, n)
	b.directory.Upsert(0, keys, hashes, cells, fresh)
	for i, cell := range cells {
		slot := (*int64)(cell)
		if fresh[i] {
			*slot = int64(b.newSlot(keys[i], hashes[i]))
		}
		log.slots = append(log.slots, int32(*slot))
	}
}

func (b *blocks[K, Acc, S]) newSlot(key K, hash uint64) int32 {
	if n := len(b.free); n > 0 {
		slot := b.free[n-1]
		b.free = b.free[:n-1]
		b.slotKeys[slot], b.slotHashes[slot], b.has[slot] = key, hash, hasSlot
		return slot
	}
	var none S
	b.slotKeys, b.slotHashes, b.has = append(b.slotKeys, key), append(b.slotHashes, hash), append(b.has, hasSlot)
	for role := range b.parts {
		b.parts[role] = append(b.parts[role], none)
	}
	return int32(len(b.has) - 1)
}

func (b *blocks[K, Acc, S]) freeSlot(slot int32) {
	b.directory.Seek(b.slotKeys[slot], b.slotHashes[slot])
	b.slotCell.Clear()
	var noKey K
	var none S
	b.slotKeys[slot], b.has[slot] = noKey, 0
	for role := range b.parts {
		b.parts[role][slot] = none
	}
	b.free = append(b.free, slot)
}

// build goes on with the backward pass through the block behind the last.
func (b *blocks[K, Acc, S]) build(steps int64) {
	for ; steps > 0 && b.building >= b.until; steps-- {
		if log := b.logs[b.building]; log != nil {
			b.buildOf(log)
		}
		b.building--
	}
}

func (b *blocks[K, Acc, S]) buildOf(log *sliceLog[S]) {
	next, has, bit := b.parts[b.next], b.has, uint8(1)<<b.next
	log.others = operator.Resize(&log.others, len(log.slots))
	var value S // here, since what its address is passed to lets it escape
	for i := len(log.slots) - 1; i >= 0; i-- {
		slot := log.slots[i]
		value = log.values[i]
		log.others[i] = has[slot]&bit != 0
		if log.others[i] {
			log.values[i] = next[slot]
			b.form.merge(&value, &next[slot])
		}
		next[slot] = value
		has[slot] |= bit
	}
}

// release lets go of the first slice of the window.
func (b *blocks[K, Acc, S]) release(index int64) {
	log := b.logs[index]
	if log == nil {
		return
	}
	front, has, bit := b.parts[b.front], b.has, uint8(1)<<b.front
	for i, slot := range log.slots {
		if log.others[i] {
			front[slot] = log.values[i]
		} else {
			has[slot] &^= bit
		}
	}
	b.dropLog(index)
}

func (b *blocks[K, Acc, S]) newLog(index int64) *sliceLog[S] {
	log := new(sliceLog[S])
	if n := len(b.spare); n > 0 {
		log = b.spare[n-1]
		b.spare = b.spare[:n-1]
	}
	b.logs[index] = log
	return log
}

func (b *blocks[K, Acc, S]) dropLog(index int64) {
	log := b.logs[index]
	delete(b.logs, index)
	if len(b.spare) < maxSpare {
		clear(log.values)
		log.slots, log.values, log.others = log.slots[:0], log.values[:0], log.others[:0]
		b.spare = append(b.spare, log)
	}
}

// maxSpare is how many logs are kept for later slices.
const maxSpare = 4

func (b *blocks[K, Acc, S]) holds(index int64) bool {
	return b.started && index <= b.last && index > b.last-b.n
}

func (b *blocks[K, Acc, S]) late(index int64, key K, hash uint64, acc *Acc) {
	log := b.logs[index]
	if log == nil {
		log = b.newLog(index)
	}
	value := b.form.from(acc)
	at := len(log.slots)
	b.slotsOf([]K{key}, []uint64{hash}, log)
	slot := log.slots[at]
	log.slots = log.slots[:at] // unless the slice is yet to be built
	first := b.last - b.n + 1
	switch b.block(index) {
	case b.block(b.last):
		b.put(b.back, slot, value)
		log.slots, log.values = append(log.slots, slot), append(log.values, value)
	case b.block(first):
		b.has[slot] |= hasFrontExtra
		b.addExtra(b.frontExtra, slot, index, value)
	default:
		b.put(b.mid, slot, value)
		if index <= b.building {
			log.slots, log.values = append(log.slots, slot), append(log.values, value)
			return
		}
		b.has[slot] |= hasNextExtra
		b.addExtra(b.nextExtra, slot, index, value)
	}
}

func (b *blocks[K, Acc, S]) block(index int64) int64 { return index - floorMod(index, b.k) }

func (b *blocks[K, Acc, S]) put(role uint8, slot int32, value S) {
	if b.has[slot]&(1<<role) != 0 {
		b.form.merge(&b.parts[role][slot], &value)
		return
	}
	b.parts[role][slot] = value
	b.has[slot] |= 1 << role
}

func (b *blocks[K, Acc, S]) addExtra(to map[int32][]extra[S], slot int32, index int64, value S) {
	all := to[slot]
	for i := range all {
		if all[i].index == index {
			b.form.merge(&all[i].value, &value)
			return
		}
	}
	to[slot] = append(all, extra[S]{index, value})
}

func (b *blocks[K, Acc, S]) each(f func(key K, hash uint64, acc *Acc) error) error {
	inWindow := uint8(1)<<b.front | 1<<b.mid | 1<<b.back | hasFrontExtra
	front, mid, back := b.parts[b.front], b.parts[b.mid], b.parts[b.back]
	var acc Acc
	var sum, none S // here, since what their addresses are passed to lets them escape
	for slot := range b.has {
		has := b.has[slot]
		if has&inWindow == 0 {
			if has == hasSlot {
				b.freeSlot(int32(slot))
			}
			continue
		}
		sum = none
		any := has&(1<<b.front) != 0
		if any {
			sum = front[slot]
		}
		if has&hasFrontExtra != 0 {
			any = b.mergeExtras(int32(slot), &sum, any)
		}
		if has&(1<<b.mid) != 0 {
			b.join(&sum, &mid[slot], any)
			any = true
		}
		if has&(1<<b.back) != 0 {
			b.join(&sum, &back[slot], any)
			any = true
		}
		if !any {
			continue
		}
		b.form.to(&sum, &acc)
		if err := f(b.slotKeys[slot], b.slotHashes[slot], &acc); err != nil {
			return err
		}
	}
	return nil
}

func (b *blocks[K, Acc, S]) join(sum, later *S, any bool) {
	if any {
		b.form.merge(sum, later)
	} else {
		*sum = *later
	}
}

// mergeExtras merges the late records of slices that are still in the window.
func (b *blocks[K, Acc, S]) mergeExtras(slot int32, sum *S, any bool) bool {
	for i := range b.frontExtra[slot] {
		if e := &b.frontExtra[slot][i]; e.index > b.last-b.n {
			b.join(sum, &e.value, any)
			any = true
		}
	}
	return any
}
