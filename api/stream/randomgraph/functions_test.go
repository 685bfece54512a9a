package randomgraph

// The functions that a user would write and pass to the API: the engine calls them through a dress, the interpretation
// as they are.

func mapValue(r record, arg int) record {
	r.Value = wrap(int64(r.Value)*int64(2*arg+1) + int64(arg))
	return r
}

func mapMark(r record, arg int) record {
	r.Mark = r.Mark*3 + uint16(arg) + uint16(r.Value&1)
	return r
}

func tag(r record, arg int) record {
	r.Key = r.Key*int32(arg/16) + int32(arg%16)
	return r
}

func refine(r record, arg int) record {
	r.Key = r.Key*int32(arg) + int32(scramble(int64(r.Value), 1)%uint64(arg))
	return r
}

func coarsen(r record, arg int) record {
	r.Key %= int32(arg)
	return r
}

func keep(r record, arg int) bool { return scramble(int64(r.Value), int64(arg))%4 != 0 }

func expand(r record, arg int) (all []record) {
	n := int(scramble(int64(r.Value), int64(arg)) % uint64(arg+1))
	for i := range n {
		grown := r
		grown.Value = wrap(int64(r.Value)*int64(arg+1) + int64(i))
		all = append(all, grown)
	}
	return all
}

func burst(r record, arg int) (all []record) {
	for i := range arg {
		grown := r
		grown.Value = wrap(int64(r.Value) + int64(i)*31)
		all = append(all, grown)
	}
	return all
}

func scatter(r record, arg int) (all []record) {
	for i := range arg {
		grown := r
		grown.Key = r.Key*int32(arg) + int32(i)
		all = append(all, grown)
	}
	return all
}

func plainMark(key int32) uint16 { return uint16(scramble(int64(key), 3)) }
func plainTime(key int32) int64  { return int64(scramble(int64(key), 4) % 100_000) }

func plain(r record) record {
	r.Mark = plainMark(r.Key)
	return r
}

// readTime puts the event time that a function saw into the value.
func readTime(r record, at int64, has bool) record {
	if !has {
		at = -1
	}
	r.Value = wrap(int64(r.Value)*5 + at)
	return r
}

func stamp(r record, subtask int) record {
	r.Value = wrap(int64(r.Value)*8 + int64(subtask))
	return r
}

func held(r record, arg int) bool { return scramble(int64(r.Value), 9)%uint64(arg) == 0 }

// either makes the keys of the streams that meet in a co-function differ.
func either(r record, second bool) record {
	r.Key *= 2
	if second {
		r.Key++
		r.Value = ^r.Value
	}
	return r
}

// paired is what a join emits.
func paired(key, a, b int32) (r record) {
	return record{Key: key, Value: wrap(int64(a)*3 + int64(b)*7), Time: int64(scramble(int64(a), int64(b)) % 1000)}
}

// reduced is neither commutative nor associative.
func reduced(a, b record) record {
	return record{Key: a.Key, Value: wrap(int64(a.Value)*3 + int64(b.Value)), Mark: a.Mark ^ b.Mark*5}
}

// merged is both.
func merged(a, b record) record {
	return record{Key: a.Key, Value: wrap(int64(a.Value) + int64(b.Value)), Mark: a.Mark ^ b.Mark}
}

// fine is the arg of minBy and maxBy with which records compare in full; below it is the tie, and they compare coarsely.
const fine = 2

func extreme(r record, arg int) int64 {
	if arg == fine {
		return int64(r.Value)<<16 | int64(r.Mark)
	}
	return int64(r.Value) >> 23
}

func folded(n int64, value int32) int64 { return n*31 + int64(value) }
