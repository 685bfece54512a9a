package table

import (
	"unsafe"

	"github.com/weir-stream/weir/state/keygroup"
)

// mapCell keeps a map as a list of pairs in the order of insertion; the column's word is the ref of the list's head.
// All pairs of all maps of a table are found by one index, so that a map of any size grows as smoothly as the table.
type mapCell struct {
	core *core
	col  *column
}

// mapHead is the block of one map. Its ref is the map's identity in the index.
type mapHead struct {
	first, last ref
	count       int64
}

// pair is one key and value of a map; their bytes follow it in its block.
type pair struct {
	next, prev ref
	// twin is another pair whose hash in the index is the same, of whatever map.
	twin        ref
	owner       ref
	key, length uint32 // bytes of the key, of the value
}

const (
	pairHeader = int(unsafe.Sizeof(pair{}))
	headBytes  = int(unsafe.Sizeof(mapHead{}))
	pairGroups = 8
)

// pairs is what the maps of one table share.
type pairs struct {
	// index finds the first of the pairs of a hash: an entry is the hash and a ref.
	index *index
	// walks are the iterations under way, to be told of what they are about to reach.
	walks []*walk
}

type walk struct{ owner, next ref }

func newPairs(spare *spares) pairs {
	return pairs{index: newIndex(layout{groups: pairGroups, maxGroups: pairGroups, keyWords: 1, stride: 16}, spare)}
}

func (m *mapCell) head(r ref) *mapHead { return (*mapHead)(m.core.arena.address(r)) }
func (m *mapCell) pair(r ref) *pair    { return (*pair)(m.core.arena.address(r)) }

func (m *mapCell) bytes(r ref) (key, value []byte) {
	p, block := m.pair(r), m.core.arena.block(r)[pairHeader:]
	end := p.key + p.length
	return block[:p.key:p.key], block[p.key:end:end]
}

func pairHash(owner ref, key []byte) uint64 {
	return keygroup.HashWord(keygroup.HashBytes(key) ^ keygroup.HashWord(uint64(owner)))
}

// slot returns the word in the index that leads to the pairs of a hash, nil if there is none.
func (m *mapCell) slot(hash uint64) *ref {
	entry := m.core.pairs.index.find(hash, hash)
	if entry == nil {
		return nil
	}
	return (*ref)(unsafe.Add(entry, 8))
}

// find returns the word that leads to a key's pair: that of the index, or the twin of another pair.
func (m *mapCell) find(owner ref, key []byte, hash uint64) *ref {
	for at := m.slot(hash); at != nil && *at != 0; at = &m.pair(*at).twin {
		if m.pair(*at).owner == owner {
			if have, _ := m.bytes(*at); string(have) == string(key) {
				return at
			}
		}
	}
	return nil
}

func (m *mapCell) Get(key []byte) ([]byte, bool) {
	p := m.core.peek(m.col)
	if p == nil {
		return nil, false
	}
	at := m.find(ref(*p), key, pairHash(ref(*p), key))
	if at == nil {
		return nil, false
	}
	_, value := m.bytes(*at)
	return value, true
}

func (m *mapCell) Put(key, value []byte) {
	p, fresh := m.core.cell(m.col)
	if fresh {
		r := m.core.arena.alloc(headBytes)
		*m.head(r) = mapHead{}
		*p = uint64(r)
	}
	owner := ref(*p)
	hash := pairHash(owner, key)
	if at := m.find(owner, key, hash); at != nil {
		m.replace(at, value)
		return
	}
	r := m.newPair(key, value)
	pr, head := m.pair(r), m.head(owner)
	pr.owner, pr.prev = owner, head.last
	if head.last != 0 {
		m.pair(head.last).next = r
	} else {
		head.first = r
	}
	head.last = r
	head.count++
	m.publish(r, hash)
	for _, w := range m.core.pairs.walks {
		if w.owner == owner && w.next == 0 {
			w.next = r
		}
	}
}

func (m *mapCell) newPair(key, value []byte) ref {
	r := m.core.arena.alloc(pairHeader + len(key) + len(value))
	*m.pair(r) = pair{key: uint32(len(key)), length: uint32(len(value))}
	block := m.core.arena.block(r)[pairHeader:]
	copy(block, key)
	copy(block[len(key):], value)
	return r
}

// publish makes a pair the first of its hash.
func (m *mapCell) publish(r ref, hash uint64) {
	ix := m.core.pairs.index
	place := ix.at(hash)
	at := ix.search(&ix.directory[place], hash, hash)
	if ix.used(at.entry) != 0 {
		first := (*ref)(unsafe.Add(at.entry, 8))
		m.pair(r).twin = *first
		*first = r
		return
	}
	entry, _ := ix.insert(place, at, hash)
	*(*uint64)(entry) = hash
	*(*ref)(unsafe.Add(entry, 8)) = r
}

// replace gives the pair to which at leads another value.
func (m *mapCell) replace(at *ref, value []byte) {
	old := *at
	key, _ := m.bytes(old)
	block, used := m.core.arena.block(old), pairHeader+len(key)
	if need := used + len(value); need <= len(block) && 2*need > len(block) {
		copy(block[used:], value)
		m.pair(old).length = uint32(len(value))
		return
	}
	r := m.newPair(key, value)
	was, now := m.pair(old), m.pair(r)
	now.next, now.prev, now.twin, now.owner = was.next, was.prev, was.twin, was.owner
	*at = r
	m.link(now.owner, now.prev, r, now.next, r)
	m.walksTurn(old, r)
	m.core.arena.free(old)
}

// link makes the neighbours of a pair's place in its map lead to left and right.
func (m *mapCell) link(owner, prev, right, next, left ref) {
	if prev != 0 {
		m.pair(prev).next = right
	} else {
		m.head(owner).first = right
	}
	if next != 0 {
		m.pair(next).prev = left
	} else {
		m.head(owner).last = left
	}
}

// walksTurn leads the iterations that are about to reach one pair to another.
func (m *mapCell) walksTurn(from, to ref) {
	for _, w := range m.core.pairs.walks {
		if w.next == from {
			w.next = to
		}
	}
}

func (m *mapCell) Remove(key []byte) bool {
	p := m.core.peek(m.col)
	if p == nil {
		return false
	}
	owner := ref(*p)
	hash := pairHash(owner, key)
	at := m.find(owner, key, hash)
	if at == nil {
		return false
	}
	m.core.touch()
	m.core.gone(m.col, key)
	r := *at
	pr := m.pair(r)
	m.walksTurn(r, pr.next)
	m.link(owner, pr.prev, pr.next, pr.next, pr.prev)
	m.unpublish(at, hash)
	m.core.arena.free(r)
	head := m.head(owner)
	if head.count--; head.count == 0 {
		m.dropHead(owner)
	}
	return true
}

// unpublish takes the pair to which at leads out of the index.
func (m *mapCell) unpublish(at *ref, hash uint64) {
	slot := m.slot(hash)
	if twin := m.pair(*at).twin; twin != 0 || at != slot {
		*at = twin
		return
	}
	m.core.pairs.index.remove(unsafe.Add(unsafe.Pointer(slot), -8), hash)
}

// dropHead frees the head of a map without pairs and takes the column from the current entry.
func (m *mapCell) dropHead(owner ref) {
	for _, w := range m.core.pairs.walks {
		if w.owner == owner {
			*w = walk{}
		}
	}
	m.core.arena.free(owner)
	m.core.absent(m.col)
}

func (m *mapCell) Len() int {
	p := m.core.peek(m.col)
	if p == nil {
		return 0
	}
	return int(m.head(ref(*p)).count)
}

func (m *mapCell) Each(f func(key, value []byte) bool) {
	p := m.core.peek(m.col)
	if p == nil {
		return
	}
	w := &walk{owner: ref(*p), next: m.head(ref(*p)).first}
	shared := &m.core.pairs
	shared.walks = append(shared.walks, w)
	defer func() { shared.walks = remove(shared.walks, w) }()
	for w.next != 0 {
		r := w.next
		w.next = m.pair(r).next
		if !f(m.bytes(r)) {
			return
		}
	}
}

func remove(walks []*walk, w *walk) []*walk {
	for i := range walks {
		if walks[i] == w {
			copy(walks[i:], walks[i+1:])
			walks[len(walks)-1] = nil
			return walks[:len(walks)-1]
		}
	}
	return walks
}

func (m *mapCell) Clear() {
	p := m.core.peek(m.col)
	if p == nil {
		return
	}
	m.core.touch()
	owner := ref(*p)
	for r := m.head(owner).first; r != 0; {
		next := m.pair(r).next
		key, _ := m.bytes(r)
		hash := pairHash(owner, key)
		m.unpublish(m.find(owner, key, hash), hash)
		m.core.arena.free(r)
		r = next
	}
	m.dropHead(owner)
}
