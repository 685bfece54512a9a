package table

import (
	"unsafe"

	"github.com/weir-stream/weir/state"
)

// Missing appends to missing the positions of the keys of the prepared batch that have no entry.
func (h *Hot[K]) Missing(missing []int) []int {
	for i := range h.prepared.hashes {
		if i < len(h.index.watched) {
			entry := h.index.watched[i]
			if h.index.used(entry) != 0 && h.same(entry, h.prepared.key(i, h.packer.words)) {
				continue
			}
		}
		if h.find(h.prepared.key(i, h.packer.words), h.prepared.hashes[i]) == nil {
			missing = append(missing, i)
		}
	}
	return missing
}

// TryUpsert is Upsert if all keys have entries that know of the column, which is said by a note without the bit unknown.
// Otherwise it appends to missing the positions of the other keys, and changes nothing.
func (h *Hot[K]) TryUpsert(c state.Column, keys []K, hashes []uint64, cells []unsafe.Pointer, fresh []bool, unknown uint64, missing []int) []int {
	col := &h.columns[c]
	if !col.inline {
		panic(wrongHalf(col, "encoded"))
	}
	h.leave()
	h.packer.pack(keys, hashes, h.batched)
	h.index.watched = h.index.watched[:0]
	h.guess(h.batched, cells[:len(keys)])
	clear(fresh)
	late := h.late[:0]
	mask, want := state.EpochMask|col.present, h.cursor.Epoch|col.present
	words := h.packer.words
	for i, e := range cells[:len(keys)] {
		if *h.header(e)&mask == want && h.quicklySame(e, i, words) {
			cells[i] = unsafe.Add(e, h.keyBytes+col.offset)
			continue
		}
		entry := h.find(h.batched.key(i, words), hashes[i])
		if entry == nil || h.note != 0 && *(*uint64)(unsafe.Add(entry, h.keyBytes+h.note))&unknown != 0 {
			missing = append(missing, i)
		}
		late = append(late, i)
	}
	h.late = late
	if len(missing) > 0 {
		return missing
	}
	for _, i := range late {
		h.correct(col, h.batched, i, cells, fresh)
	}
	return nil
}

func (h *Hot[K]) quicklySame(entry unsafe.Pointer, i, words int) bool {
	if h.form == oneWord {
		return *(*uint64)(entry) == h.batched.words[i]
	}
	return h.same(entry, h.batched.key(i, words))
}

// SeekTried makes a key of the batch of the last TryUpsert current.
func (h *Hot[K]) SeekTried(keys []K, i int) {
	h.cursor.Entry = nil
	h.current = current{h.batched.key(i, h.packer.words), h.batched.hashes[i], true}
	h.key[0], h.at = keys[i], alone
	if entry := h.find(h.current.key, h.current.hash); entry != nil {
		h.cursor.Entry = unsafe.Add(entry, h.keyBytes)
		h.use()
	}
}
