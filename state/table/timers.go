package table

import (
	"unsafe"

	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
)

// timers is [state.Timers] in memory: an index that finds a timer by its key and time, and a wheel that finds those of the
// earliest time. Neither has pointers that would grow with the number of timers.
//
// An entry of the index is [key words][time][header]. The header has the lower half of the timer's hash in its upper one, an epoch as in
// a Table, and below that 14 bits of the hash's upper half and two flags. That hash is the key's, whose lower half is mixed with the time. Each entry has one item in the wheel, with
// its time and hash, which lead back to it. A timer that is deleted stays as a dead entry until its item comes out.
type timers[K any] struct {
	named  state.Keys[K]
	packer packer[K]
	groups keygroup.Range
	// maxGroups is the job's number of key groups.
	maxGroups  int
	number     uint16
	index      *index
	arena      arena
	wheel      wheel
	live, dead int64
	// sweep is where dead entries are looked for next: chunks of a slot of the wheel.
	sweep struct {
		level  int
		digit  uint64
		chunks int
	}
	batch batch
	key   [1]K
	hash  [1]uint64

	marking timersMarking[K]
}

const (
	timerUsed = 1
	timerDead = 2
	timerBits = timerUsed | timerDead
	// fewDead is how many dead entries there may always be.
	fewDead  = 1024
	signFlip = 1 << 63
)

// NewTimers returns an empty set of timers, whose state has this number in snapshots.
func NewTimers[K any](keys state.Keys[K], groups keygroup.Range, maxParallelism int, number uint16) state.Timers[K] {
	t := &timers[K]{named: keys, packer: newPacker(keys.Codec), groups: groups, maxGroups: maxParallelism, number: number}
	t.open()
	return t
}

func (t *timers[K]) open() {
	words := t.packer.words + 1
	t.index = newIndex(layout{
		firstGroup: int(t.groups.First), groups: t.groups.Size(), maxGroups: t.maxGroups,
		keyWords: words, stride: (words + 1) * 8, hashWord: words, hashShift: hashShift,
	}, newSpares())
}

// mixed is the hash of a timer, from its key's, and the other way round.
func mixed(hash, at uint64) uint64 { return hash ^ keygroup.HashWord(at)>>32 }

// headerOf is the header of a timer's entry without flags.
func headerOf(hash uint64) uint64 { return hash<<hashShift | hash>>32<<2&(1<<16-1) }

func (t *timers[K]) at(entry unsafe.Pointer) uint64 {
	return *(*uint64)(unsafe.Add(entry, t.packer.words*8))
}

func (t *timers[K]) header(entry unsafe.Pointer) *uint64 {
	return (*uint64)(unsafe.Add(entry, t.packer.words*8+8))
}

// search packs a key and returns where its timer stands, or would.
func (t *timers[K]) search(key K, hash, at uint64) (place int, found spot) {
	t.key[0], t.hash[0] = key, hash
	t.packer.pack(t.key[:], t.hash[:], &t.batch)
	t.key = [1]K{}
	ix := t.index
	place = ix.at(hash)
	p := &ix.directory[place]
	want := t.batch.key(0, t.packer.words)
	for s := ix.spotOf(p, p.home(hash)); ; s = ix.after(p, s) {
		if ix.used(s.entry) == 0 || t.at(s.entry) == at && t.same(s.entry, want) {
			return place, s
		}
	}
}

func (t *timers[K]) same(entry unsafe.Pointer, key wordKey) bool {
	have, want := unsafe.Slice((*uint64)(entry), t.packer.words), unsafe.Slice(key.words, t.packer.words)
	if t.packer.form == varying && isLong(want[1]) {
		return have[1] == want[1] && string(t.longKey(have)) == string(key.long)
	}
	for i := range have {
		if have[i] != want[i] {
			return false
		}
	}
	return true
}

func (t *timers[K]) longKey(words []uint64) []byte {
	return t.arena.block(ref(words[0]))[:uint32(words[1])]
}

// Register adds a timer, or revives one.
func (t *timers[K]) Register(key K, hash uint64, time int64) bool {
	at := uint64(time) ^ signFlip
	hash = mixed(hash, at)
	place, found := t.search(key, hash, at)
	if t.index.used(found.entry) != 0 {
		header := t.header(found.entry)
		if *header&timerDead == 0 {
			return false
		}
		if t.index.track != nil {
			t.touch(found.entry, hash, false, false)
		}
		*header &^= timerDead
		t.dead--
		t.live++
		return true
	}
	entry, _ := t.index.insert(place, found, hash)
	words := unsafe.Slice((*uint64)(entry), t.packer.words+2)
	copy(words, t.batch.words[:t.packer.words])
	if t.packer.form == varying && isLong(words[1]) {
		long := t.batch.longs[0]
		r := t.arena.alloc(len(long))
		copy(t.arena.block(r), long)
		words[0] = uint64(r)
	}
	words[t.packer.words] = at
	words[t.packer.words+1] = headerOf(hash) | timerUsed
	if t.index.track != nil {
		t.touch(entry, hash, false, true)
	}
	t.wheel.add(item{at, hash}, true)
	t.live++
	return true
}

// Delete marks a timer as dead.
func (t *timers[K]) Delete(key K, hash uint64, time int64) bool {
	at := uint64(time) ^ signFlip
	hash = mixed(hash, at)
	_, found := t.search(key, hash, at)
	if t.index.used(found.entry) == 0 {
		return false
	}
	header := t.header(found.entry)
	if *header&timerDead != 0 {
		return false
	}
	if t.index.track != nil {
		t.touch(found.entry, hash, true, false)
		t.noteDeleted(found.entry, hash)
	}
	*header |= timerDead
	t.dead++
	t.live--
	t.wheel.unsure(at)
	if t.dead > t.live/2+fewDead {
		t.sweepSome()
	}
	return true
}

// entryOf returns an entry that has an item's time and hash. Should several keys have, each has an item, and it does not
// matter which of them comes out first.
func (t *timers[K]) entryOf(i item) unsafe.Pointer {
	ix := t.index
	p := &ix.directory[ix.at(i.hash)]
	header := headerOf(i.hash)
	for s := ix.spotOf(p, p.home(i.hash)); ; s = ix.after(p, s) {
		used := ix.used(s.entry)
		if used == 0 {
			panic("state table: a timer has lost its entry")
		}
		if t.at(s.entry) == i.at && used&^(timerBits|state.EpochMask|bornBit) == header {
			return s.entry
		}
	}
}

// remove frees an entry.
func (t *timers[K]) remove(entry unsafe.Pointer, hash uint64) {
	if words := unsafe.Slice((*uint64)(entry), t.packer.words); t.packer.form == varying && isLong(words[1]) {
		t.arena.free(ref(words[0]))
	}
	t.index.remove(entry, hash)
}

// bury removes an item's entry if it is dead. It reports whether it is alive.
func (t *timers[K]) bury(i item) (alive bool) {
	entry := t.entryOf(i)
	if *t.header(entry)&timerDead == 0 {
		return true
	}
	t.dead--
	t.remove(entry, i.hash)
	return false
}

// Next returns the least time. It removes what is dead before it.
func (t *timers[K]) Next() (int64, bool) {
	w := &t.wheel
	for len(w.early) > 0 {
		if at := w.early[0].at; t.dead == 0 || t.bury(w.early[0]) {
			return int64(at ^ signFlip), true
		}
		w.popEarly()
	}
	for {
		s, level, digit := w.lowest()
		if s == nil {
			return 0, false
		}
		if s.sure || t.dead == 0 {
			if i, ok := w.first(s, level, digit); ok {
				if level == 0 {
					return int64(i.at ^ signFlip), true
				}
				return int64(s.min ^ signFlip), true
			}
			continue
		}
		for range s.chunks() {
			w.rotate(level, digit, t.bury)
		}
		s.settle(true)
	}
}

// Take removes timers of the least time.
func (t *timers[K]) Take(until int64, due []state.Timer[K]) []state.Timer[K] {
	w, last, taken := &t.wheel, uint64(until)^signFlip, len(due)
	for len(w.early) > 0 && len(due) < cap(due) {
		i := w.early[0]
		if i.at > last || len(due) > taken && uint64(due[taken].At)^signFlip != i.at {
			return due
		}
		due = t.take(i, due)
		w.popEarly()
		t.noteTaken(i.at, len(w.early) > 0 && w.early[0].at == i.at)
	}
	for len(due) == taken {
		s, level, digit := w.lowest()
		if s == nil || s.min > last || len(due) == cap(due) {
			return due
		}
		if level > 0 {
			w.cascade(level, digit, t.dead == 0)
			continue
		}
		w.last = s.min
		for len(due) < cap(due) {
			i, ok := w.first(s, level, digit)
			if !ok {
				break
			}
			due = t.take(i, due)
			w.pop(s)
		}
		_, more := w.first(s, level, digit)
		t.noteTaken(w.last, more)
	}
	return due
}

// take removes the entry of an item, and appends its timer if it is alive.
func (t *timers[K]) take(i item, due []state.Timer[K]) []state.Timer[K] {
	entry := t.entryOf(i)
	if *t.header(entry)&timerDead == 0 {
		if t.index.track != nil {
			t.keep(entry, i.hash)
		}
		key := t.unpacked(entry)
		due = append(due, state.Timer[K]{Key: key, Hash: mixed(i.hash, i.at), At: int64(i.at ^ signFlip)})
		t.live--
	} else {
		t.dead--
	}
	t.remove(entry, i.hash)
	return due
}

func (t *timers[K]) unpacked(entry unsafe.Pointer) K {
	key, err := t.packer.unpack(unsafe.Slice((*uint64)(entry), t.packer.words), t.longKey)
	if err != nil {
		panic(&state.Failure{Action: "decode a timer's key of", Cause: err})
	}
	return key
}

// sweepSome looks for dead entries in one chunk of the wheel, and in the heap once all of the wheel was looked through.
func (t *timers[K]) sweepSome() {
	w, sw := &t.wheel, &t.sweep
	for sw.level < wheelLevels {
		l := w.levels[sw.level]
		if l == nil || l.occupied>>sw.digit == 0 {
			sw.level, sw.digit, sw.chunks = sw.level+1, 0, 0
			continue
		}
		s := &l.slots[sw.digit]
		if sw.chunks == 0 {
			if sw.chunks = s.chunks(); sw.chunks == 0 {
				sw.digit++
				continue
			}
		}
		if s.head == nil {
			sw.chunks = 0
			continue
		}
		w.rotate(sw.level, sw.digit, t.bury)
		if sw.chunks--; sw.chunks == 0 {
			s.settle(false)
			if sw.digit++; sw.digit == wheelSlots {
				sw.level, sw.digit = sw.level+1, 0
			}
		}
		return
	}
	w.filterEarly(t.bury)
	sw.level = 0
}

// Len is the number of timers.
func (t *timers[K]) Len() int64 { return t.live }

// Each visits the timers in order of their entries. f must not change the set.
func (t *timers[K]) Each(f func(key K, at int64) bool) {
	for group := range t.index.groups() {
		for entry := range t.index.group(group) {
			if *t.header(entry)&timerDead == 0 && !f(t.unpacked(entry), int64(t.at(entry)^signFlip)) {
				return
			}
		}
	}
}

// Bytes is the memory of entries, keys and items.
func (t *timers[K]) Bytes() int64 {
	return t.index.held() + t.index.spare.bytes + t.arena.held() + t.wheel.held()
}

// Close gives all memory back.
func (t *timers[K]) Close() { *t = timers[K]{} }
