package pebble

import "github.com/weir-stream/weir/state/keygroup"

// written is the set of the keys of which Pebble may have rows. Of a key it says "never written" or "perhaps", and so most
// new keys are known as such without a look into files.
//
// It is a Bloom filter in blocks of one line of memory (Putze, Sanders, Singler, "Cache-, Hash- and Space-Efficient Bloom
// Filters", 2007), in layers: behind a full one comes a larger one (Almeida, Baquero, Preguiça, Hutchison, "Scalable Bloom
// Filters", 2007). Nothing is ever taken out. If there is no room for the next layer, the last one gets fuller than it should, and
// when it tells little any more, the set is given up: it then says "perhaps" of all keys.
type written struct {
	layers []layer
	// given up is for good.
	givenUp bool
	// found and lost are how many keys Pebble had, of those looked up lately, and how many it had not.
	found, lost int
}

// layer is one filter.
type layer struct {
	blocks [][8]uint64
	keys   int64
}

const (
	blockBytes = 64
	// A layer is full at keysPerBlock keys, a bit less than 3 % of the others pass it then; at worstPerBlock it is more than half.
	keysPerBlock  = 64
	worstPerBlock = 256
	// layerGrowth is how many times as large as a layer the next one is.
	layerGrowth = 4
	// firstKeys is the least number of keys of which the first layer is made.
	firstKeys = 1024
)

// ahead is how many keys are worked on at once, so that their misses of the processor's caches overlap.
const ahead = 64

// add adds keys. expected is how many keys the first layer should have room for, room where the memory comes from.
func (w *written) add(marks []uint64, expected int64, room *room) {
	for len(marks) > 0 && !w.givenUp {
		some := marks[:min(len(marks), ahead)]
		marks = marks[len(some):]
		w.touch(some)
		for _, mark := range some {
			if w.lacks(mark) {
				w.put(mark, expected, room)
			}
		}
	}
}

func (w *written) put(mark uint64, expected int64, room *room) {
	if last := len(w.layers) - 1; last < 0 || w.layers[last].keys >= int64(len(w.layers[last].blocks))*keysPerBlock {
		w.grow(expected, room)
	}
	if last := len(w.layers) - 1; last >= 0 {
		w.layers[last].add(mark)
	}
}

// touch loads what is to be known of some keys. The result means nothing; inlined, the loads would be left out.
//
//go:noinline
func (w *written) touch(marks []uint64) (loaded uint64) {
	for i := range w.layers {
		l := &w.layers[i]
		for _, mark := range marks {
			loaded |= l.block(mark)[0]
		}
	}
	return loaded
}

// grow adds a layer, or gives the set up.
func (w *written) grow(expected int64, room *room) {
	blocks, least := max(expected, firstKeys)/keysPerBlock, int64(1)
	if n := len(w.layers); n > 0 {
		last := int64(len(w.layers[n-1].blocks))
		blocks, least = layerGrowth*last, last/2+1
	}
	if blocks = min(blocks, room.left()/blockBytes); blocks >= least {
		room.take(blocks * blockBytes)
		w.layers = append(w.layers, layer{blocks: make([][8]uint64, blocks)})
		return
	}
	if n := len(w.layers); n == 0 || w.layers[n-1].keys >= int64(len(w.layers[n-1].blocks))*worstPerBlock {
		w.leave(room)
		w.givenUp = true
	}
}

// leave gives the memory back.
func (w *written) leave(room *room) {
	room.take(-w.bytes())
	w.layers = nil
}

func (w *written) bytes() (n int64) {
	for i := range w.layers {
		n += int64(len(w.layers[i].blocks)) * blockBytes
	}
	return n
}

// looked notes whether Pebble had a key.
func (w *written) looked(found bool) {
	if found {
		w.found++
	} else {
		w.lost++
	}
	if w.found+w.lost >= 4096 {
		w.found, w.lost = w.found/2, w.lost/2
	}
}

// seldom reports whether a good part of the keys that are looked up are not in Pebble, as far as is known.
func (w *written) seldom() bool { return w.givenUp && 4*w.lost > w.found }

// lacks reports whether a key was never added. It is false once the set was given up.
func (w *written) lacks(mark uint64) bool {
	for i := range w.layers {
		if w.layers[i].has(mark) {
			return false
		}
	}
	return !w.givenUp
}

// Of a mark the upper half chooses the block, and four times nine bits of the others choose the bits there.

func (l *layer) block(mark uint64) *[8]uint64 {
	return &l.blocks[(mark>>32)*uint64(len(l.blocks))>>32]
}

func (l *layer) add(mark uint64) {
	b := l.block(mark)
	for range 4 {
		b[mark>>6&7] |= 1 << (mark & 63)
		mark >>= 9
	}
	l.keys++
}

func (l *layer) has(mark uint64) bool {
	b := l.block(mark)
	has := b[mark>>6&7] >> (mark & 63)
	has &= b[mark>>15&7] >> (mark >> 9 & 63)
	has &= b[mark>>24&7] >> (mark >> 18 & 63)
	has &= b[mark>>33&7] >> (mark >> 27 & 63)
	return has&1 != 0
}

// room is the memory that sets of written keys may take of that of the tables.
type room struct {
	tables *budget
	most   int64
	used   int64
}

func (r *room) left() int64 { return r.most - r.used }

func (r *room) take(bytes int64) {
	r.used += bytes
	r.tables.limit -= bytes
}

// mark is what the set of written keys knows a key by: a visit of the table knows no more of the hash than key group and lower half,
// and in a pane only that.
func (b *Backend[K]) mark(hash uint64) uint64 {
	lower := hash & 0xffff_ffff
	if b.pane == nil {
		lower |= uint64(keygroup.Group(hash, b.db.options.MaxParallelism)) << 32
	}
	return keygroup.HashWord(lower)
}

// writing notes that Pebble is about to have rows of the current key. Until the next write it counts as a key that it lacks.
func (b *Backend[K]) writing() {
	b.marks = append(b.marks, b.mark(b.hot.CurrentHash()))
}

// write writes the rows that were gathered.
func (b *Backend[K]) write() {
	b.written.add(b.marks, 4*b.hot.Entries()+4*int64(len(b.marks)), &b.db.room)
	b.marks = b.marks[:0]
	b.db.rows.write(b.db)
	b.marking.trim(b.db)
}
