package randomgraph

import "strconv"

// keyState is what a keyed step remembers of one key, by name so that each step finds its own.
type keyState struct {
	key    int32
	count  int
	number int64
	text   string
	acc    record
	list   []int32
	counts map[int32]int64
	order  []int32 // the keys of counts as they were first inserted
}

// interpretKeyed calls a step for each record with the state of its key, and with none at the end for each key.
func interpretKeyed(n *node, in []arrived) (out []record) {
	states := map[int32]*keyState{}
	var keys []int32
	for _, a := range in {
		s := states[a.Key]
		if s == nil {
			s = &keyState{key: a.Key, counts: map[int32]int64{}}
			states[a.Key] = s
			keys = append(keys, a.Key)
		}
		s.count++
		for _, r := range keyedStep(n, s, a.record) {
			r.Key = a.Key
			out = append(out, r)
		}
	}
	for _, key := range keys {
		for _, r := range keyedEnd(n, states[key]) {
			r.Key, r.Time = key, noTime
			out = append(out, r)
		}
	}
	return out
}

func keyedStep(n *node, s *keyState, r record) []record {
	one := func(value int32, mark uint16) []record { return []record{{Value: value, Mark: mark, Time: r.Time}} }
	acc := func() []record { return one(s.acc.Value, s.acc.Mark) }
	first := s.count == 1
	if first {
		s.acc = r
	}
	switch n.op {
	case opCountEach:
		return one(wrap(s.count), 0)
	case opSumEach, opSumEnd:
		if !first {
			s.acc.Value = wrap(int64(s.acc.Value) + int64(r.Value))
		}
	case opMinEach, opMinEnd:
		s.acc.Value = min(s.acc.Value, r.Value)
	case opMaxEach, opMaxEnd:
		s.acc.Value = max(s.acc.Value, r.Value)
	case opMinByEach, opMinByEnd:
		if had, have := extreme(s.acc, n.arg), extreme(r, n.arg); have < had || have == had && n.arg == 1 {
			s.acc = r
		}
	case opMaxByEach, opMaxByEnd:
		if had, have := extreme(s.acc, n.arg), extreme(r, n.arg); have > had || have == had && n.arg == 1 {
			s.acc = r
		}
	case opReduceEach, opReduceEnd:
		if !first {
			s.acc = reduced(s.acc, r)
		}
	case opReduceAnyEnd:
		if !first {
			s.acc = merged(s.acc, r)
		}
	case opValueEach:
		s.number = folded(s.number, r.Value)
		value := wrap(s.number)
		if s.number%int64(n.arg) == 0 {
			s.number = 0
		}
		return one(value, r.Mark)
	case opTextValueEach:
		before := s.text
		s.text = strconv.Itoa(int(r.Value))
		return one(int32(len(before)), uint16(hashText(before)))
	case opListEach:
		s.list = append(s.list, r.Value)
		if len(s.list) < n.arg {
			return nil
		}
		return one(s.takeList(), uint16(n.arg))
	case opListEnd:
		s.list = append(s.list, r.Value)
	case opMapEach:
		return one(s.countIn(r.Value, int64(n.arg)), 0)
	case opDistinct:
		modulus := int32(n.arg)
		rest := (r.Value%modulus + modulus) % modulus
		if s.counts[rest]++; s.counts[rest] > 1 {
			return nil
		}
		return []record{{Value: rest, Time: int64(rest)}}
	case opReducingEach:
		if s.number == 0 {
			s.number, s.acc.Value = 1, r.Value
		} else {
			s.acc.Value = wrap(int64(s.acc.Value)*3 + int64(r.Value))
		}
		value := s.acc.Value
		if int(value&0xff)%n.arg == 0 {
			s.number = 0
		}
		return one(value, r.Mark)
	case opReducingEnd:
		s.acc.Value = max(s.acc.Value, r.Value)
	case opAggregatingEach, opAggregatingEnd:
		s.number += int64(r.Value)
		if n.op == opAggregatingEach {
			return one(wrap(s.number*7+int64(s.count)), r.Mark)
		}
	case opManyEnd:
		s.number += int64(r.Value)
		s.acc.Value = max(s.acc.Value, r.Value)
		s.counts[r.Value&3]++
	}
	switch n.op {
	case opSumEach, opMinEach, opMaxEach, opMinByEach, opMaxByEach, opReduceEach:
		return acc()
	}
	return nil
}

func keyedEnd(n *node, s *keyState) []record {
	switch n.op {
	case opCountEnd:
		return []record{{Value: wrap(s.count)}}
	case opSumEnd, opMinEnd, opMaxEnd, opMinByEnd, opMaxByEnd, opReduceEnd, opReduceAnyEnd:
		return []record{s.acc}
	case opListEach:
		if len(s.list) > 0 {
			length := len(s.list)
			return []record{{Value: s.takeList(), Mark: uint16(length)}}
		}
	case opListEnd:
		var out []record
		for _, value := range s.list {
			out = append(out, record{Value: value})
		}
		return out
	case opMapEach:
		if len(s.order) > 0 {
			var all int64
			for _, rest := range s.order {
				all = all*7 + int64(rest)*10 + s.counts[rest]
			}
			return []record{{Value: wrap(all), Mark: uint16(len(s.order))}}
		}
	case opReducingEnd:
		return []record{{Value: s.acc.Value}}
	case opAggregatingEnd:
		return []record{{Value: wrap(s.number*7 + int64(s.count))}}
	case opManyEnd:
		return []record{manySummary(s.number, s.count, len(s.counts), s.acc.Value)}
	}
	return nil
}

// takeList empties the list and returns a number for what was in it.
func (s *keyState) takeList() int32 {
	var number int64
	for _, value := range s.list {
		number = folded(number, value)
	}
	s.list = nil
	return wrap(number)
}

// countIn counts a value in the map and returns its count; at 3 it is removed.
func (s *keyState) countIn(value int32, modulus int64) int32 {
	rest := int32((int64(value)%modulus + modulus) % modulus)
	if _, known := s.counts[rest]; !known {
		s.order = append(s.order, rest)
	}
	s.counts[rest]++
	count := s.counts[rest]
	if count == 3 {
		delete(s.counts, rest)
		for i, other := range s.order {
			if other == rest {
				s.order = append(s.order[:i:i], s.order[i+1:]...)
				break
			}
		}
	}
	return int32(count)
}

func hashText(text string) (hash uint32) {
	for _, b := range []byte(text) {
		hash = hash*33 + uint32(b)
	}
	return hash
}

func manySummary(sum int64, count, distinct int, highest int32) record {
	return record{Value: wrap(sum*11 + int64(count)*3 + int64(highest)), Mark: uint16(count*8 + distinct)}
}
