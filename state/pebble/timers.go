package pebble

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/weir-stream/weir/state"
	"github.com/weir-stream/weir/state/keygroup"
	"github.com/weir-stream/weir/state/table"
)

// timers is [state.Timers] with the earliest ones in memory and the rest in Pebble, each timer in one of the two. All that
// are in Pebble are at the horizon or behind it; in memory there may be some behind it, too, that were registered since.
type timers[K any] struct {
	db     *Database
	keys   state.Keys[K]
	number uint16
	near   state.Timers[K]
	// far is how many are in Pebble.
	far     int64
	horizon position
	member  member
	// unseen is how many were registered since the memory was last looked at.
	unseen int
	one    [1]K
	hash   [1]uint64
	row    []byte
	// capture is the last one of near, while it may be under way.
	capture state.Capture
	// moved says that timers have moved between memory and Pebble since the last mark that was not canonical, partly that the last ones
	// taken may have been some of a time.
	moved, partly bool
}

// position orders timers by time and key group. Of times behind the last one the group is beyond all groups.
type position struct {
	at    int64
	group int
}

func (p position) before(q position) bool {
	return p.at < q.at || p.at == q.at && p.group < q.group
}

// behind is the position behind all timers of a time.
func behind(at int64) position {
	if at == math.MaxInt64 {
		return position{at, math.MaxInt}
	}
	return position{at + 1, 0}
}

const (
	timeBytes = 8
	// lookEvery is after how many timers the memory is looked at.
	lookEvery = 64
	// nearPart is the part of the database's memory that timers are read back into, and the part of the timers that stay in
	// memory when others leave.
	nearPart = 4
	// timerBytes is about what a timer takes in memory.
	timerBytes = 64
	// sampled is how many timers are looked at to find the time at which to divide them.
	sampled = 4096
)

// NewTimers returns an empty set of timers, whose state has this number in snapshots.
func NewTimers[K any](db *Database, keys state.Keys[K], number uint16) state.Timers[K] {
	t := &timers[K]{db: db, keys: keys, number: number}
	t.near = t.empty()
	t.member.shed = t.shed
	db.budget.join(&t.member)
	return t
}

func (t *timers[K]) empty() state.Timers[K] {
	return table.NewTimers(t.keys, t.db.options.Groups, t.db.options.MaxParallelism, t.number)
}

// Register adds a timer.
func (t *timers[K]) Register(key K, hash uint64, at int64) bool {
	if t.isFar(key, hash, at) {
		return false
	}
	added := t.near.Register(key, hash, at)
	if t.unseen++; t.unseen >= lookEvery {
		t.look()
	}
	return added
}

// isFar reports whether a timer is in Pebble; row is then its key there.
func (t *timers[K]) isFar(key K, hash uint64, at int64) bool {
	group := keygroup.Group(hash, t.db.options.MaxParallelism)
	if t.far == 0 || (position{at, int(group)}).before(t.horizon) {
		return false
	}
	t.row = t.appendRow(t.row[:0], group, at, key)
	return t.db.get(t.row, true, func([]byte) {})
}

func (t *timers[K]) appendRow(dst []byte, group uint16, at int64, key K) []byte {
	t.one[0] = key
	dst = t.keys.Codec.Append(t.appendTime(dst, group, at), &t.one[0])
	t.one = [1]K{}
	return dst
}

func (t *timers[K]) appendTime(dst []byte, group uint16, at int64) []byte {
	return binary.BigEndian.AppendUint64(t.appendPrefix(dst, group), uint64(at)^signFlip)
}

func (t *timers[K]) appendPrefix(dst []byte, group uint16) []byte {
	return append(dst, byte(group>>8), byte(group), byte(t.number>>8), byte(t.number))
}

// Delete removes a timer.
func (t *timers[K]) Delete(key K, hash uint64, at int64) bool {
	if t.near.Delete(key, hash, at) {
		return true
	}
	if !t.isFar(key, hash, at) {
		return false
	}
	batch := t.db.store().db.NewBatch()
	if err := batch.Delete(t.row, nil); err != nil {
		fail("write", err)
	}
	t.db.finish(batch)
	t.far--
	t.moved = true
	return true
}

// Next is the least time.
func (t *timers[K]) Next() (int64, bool) {
	for {
		next, ok := t.near.Next()
		if t.far == 0 || ok && next <= t.horizon.at {
			return next, ok
		}
		t.approach()
	}
}

// Take removes timers of the least time: those in memory, and then those of the same time that come from Pebble.
func (t *timers[K]) Take(until int64, due []state.Timer[K]) []state.Timer[K] {
	taken := len(due)
	for len(due) < cap(due) {
		at, ok := t.Next()
		if !ok || at > until || len(due) > taken && at != due[taken].At {
			break
		}
		before, far := len(due), t.far
		if due = t.near.Take(at, due); len(due) > before {
			continue
		}
		// The time was that of timers that are deleted. Those of Pebble may have it, too.
		if again, ok := t.Next(); ok && again == at && t.far == far {
			break
		}
	}
	t.partly = len(due) > taken && len(due) == cap(due)
	return due
}

// Len is the number of timers.
func (t *timers[K]) Len() int64 { return t.near.Len() + t.far }

// Each visits all timers.
func (t *timers[K]) Each(f func(key K, at int64) bool) {
	more := true
	t.near.Each(func(key K, at int64) bool {
		more = f(key, at)
		return more
	})
	if t.far == 0 || !more {
		return
	}
	groups := t.db.options.Groups
	it := t.db.iterator(t.appendPrefix(nil, groups.First), groupEnd(groups.Last))
	defer done(it)
	for group := int(groups.First); group <= int(groups.Last); group++ {
		prefix := t.appendPrefix(nil, uint16(group))
		for ok := it.SeekGE(prefix); ok && string(it.Key()[:prefixBytes]) == string(prefix); ok = it.Next() {
			key, at := t.decode(it.Key())
			if !f(key, at) {
				return
			}
		}
	}
}

// decode returns the key and time of a row.
func (t *timers[K]) decode(row []byte) (K, int64) {
	if _, err := t.keys.Codec.Decode(row[prefixBytes+timeBytes:], &t.one[0]); err != nil {
		panic(&state.Failure{Action: "decode a timer of", Cause: err})
	}
	return t.one[0], timeOf(row)
}

func timeOf(row []byte) int64 {
	return int64(binary.BigEndian.Uint64(row[prefixBytes:]) ^ signFlip)
}

// Bytes is the memory of the timers that are in it.
func (t *timers[K]) Bytes() int64 { return t.near.Bytes() }

// Close gives the memory back.
func (t *timers[K]) Close() {
	t.db.budget.leave(&t.member)
	t.near.Close()
}

// look compares the memory with its limit.
func (t *timers[K]) look() {
	t.unseen = 0
	budget := &t.db.budget
	budget.calls++
	t.member.last = budget.calls
	if t.note(); budget.used > budget.limit {
		budget.makeRoom(&t.member)
	}
}

// note says what the timers in memory take: of long keys more than of others.
func (t *timers[K]) note() {
	t.db.budget.note(&t.member, max(t.near.Bytes(), t.near.Len()*timerBytes))
}

// Export writes the timers by key group, time and key: those in memory and those in Pebble in step.
func (t *timers[K]) Export(groups keygroup.Range, put func(key, value []byte) error) error {
	common, ok := t.db.options.Groups.Intersect(groups)
	if !ok {
		return nil
	}
	var stored *storedRows
	if t.far > 0 {
		stored = &storedRows{it: t.db.iterator(t.appendPrefix(nil, common.First), groupEnd(common.Last))}
		defer stored.close()
		for group := int(common.First); group <= int(common.Last); group++ {
			stored.ranges = append(stored.ranges, t.appendPrefix(nil, uint16(group)))
		}
		stored.it.SeekGE(stored.ranges[0])
	}
	err := t.near.Export(common, func(key, value []byte) error {
		if err := stored.until(key, put); err != nil {
			return err
		}
		return put(key, value)
	})
	if err != nil {
		return err
	}
	return stored.until(nil, put)
}

// Import registers a timer of a snapshot.
func (t *timers[K]) Import(key, value []byte) error {
	if err := t.near.Import(key, value); err != nil {
		return err
	}
	if t.unseen++; t.unseen >= lookEvery {
		t.look()
	}
	return nil
}

// shed writes the later timers to Pebble, so that those left take at most so many bytes.
func (t *timers[K]) shed(bytes int64) {
	keep := min(float64(bytes)/float64(max(t.member.used, 1)), 1.0/nearPart)
	cut, ok := t.divide(keep)
	if !ok {
		return
	}
	before := t.far
	t.spill(cut)
	if t.far == before {
		t.spill(position{math.MinInt64, 0})
	}
	t.note()
}

// divide returns the position before which about so large a part of the timers in memory is.
func (t *timers[K]) divide(keep float64) (cut position, ok bool) {
	var times []int64
	t.near.Each(func(_ K, at int64) bool {
		times = append(times, at)
		return len(times) < sampled
	})
	if len(times) == 0 {
		return position{}, false
	}
	slices.Sort(times)
	at := times[int(keep*float64(len(times)-1))]
	if at > times[0] {
		return position{at, 0}, true
	}
	groups := t.db.options.Groups
	return position{at, int(groups.First) + int(keep*float64(groups.Size()))}, true
}

// spill writes the timers from a position on to Pebble. Those that stay move to a new set, so that nothing of the old one
// remains.
func (t *timers[K]) spill(cut position) {
	t.finish()
	t.moved = true
	rows := &t.db.rows
	stay := t.empty()
	t.near.Each(func(key K, at int64) bool {
		t.one[0] = key
		if err := t.keys.HashesOf(t.one[:], t.hash[:]); err != nil {
			panic(&state.Failure{Action: "hash a key of", Cause: err})
		}
		group := keygroup.Group(t.hash[0], t.db.options.MaxParallelism)
		if (position{at, int(group)}).before(cut) {
			stay.Register(key, t.hash[0], at)
			return true
		}
		start := len(rows.bytes)
		rows.bytes = t.appendRow(rows.bytes, group, at, key)
		rows.add(set, start, len(rows.bytes))
		if len(rows.bytes) >= gatherBytes {
			rows.write(t.db)
		}
		return true
	})
	rows.write(t.db)
	if left := t.near.Len() - stay.Len(); left > 0 {
		if t.far == 0 || cut.before(t.horizon) {
			t.horizon = cut
		}
		t.far += left
	}
	t.near.Close()
	t.near = stay
}
