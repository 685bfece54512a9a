package randomgraph

import (
	"fmt"
	"strconv"
	"strings"
)

// kind names the type that the records of a stream have in the engine.
type kind int

const (
	flatKind   kind = iota // a struct without pointers
	textKind               // a struct with strings
	lineKind               // a string
	packedKind             // an integer
	nestedKind             // slices, maps, pointers and nested structs
	kinds
)

func (k kind) String() string {
	return [kinds]string{"flat", "text", "line", "packed", "nested"}[k]
}

type flat struct {
	Key   int32
	Value int32
	Mark  uint16
}

type text struct {
	Word  string
	Value int64
	Mark  uint16
	Note  string
}

type nested struct {
	ID     struct{ High, Low uint16 }
	Values []int32
	Mark   *uint16
	Labels map[string]uint16
}

// dress turns records into values of a type and back. Wear drops the event time, which travels beside the value; bare
// panics where a value is not one that wear has made, so that a damaged record is found out wherever it turns up.
type dress[T any] struct {
	wear func(record) T
	bare func(T) record
}

func flatDress() dress[flat] {
	return dress[flat]{
		wear: func(r record) flat { return flat{r.Key, r.Value, r.Mark} },
		bare: func(f flat) record { return record{f.Key, wrap(f.Value), f.Mark, noTime} },
	}
}

// keyText writes keys as words of 1 to some 40 bytes.
func keyText(key int32) string {
	return strconv.Itoa(int(key)) + strings.Repeat("~", int(key)*7%41)
}

func keyOfText(word string) int32 {
	key, err := strconv.Atoi(strings.TrimRight(word, "~"))
	if err != nil || keyText(int32(key)) != word {
		panic(fmt.Sprintf("damaged word %q", word))
	}
	return int32(key)
}

func note(mark uint16) string { return strings.Repeat("n", int(mark%19)) + strconv.Itoa(int(mark)) }

func textDress() dress[text] {
	return dress[text]{
		wear: func(r record) text { return text{keyText(r.Key), int64(r.Value), r.Mark, note(r.Mark)} },
		bare: func(t text) record {
			if t.Note != note(t.Mark) {
				panic(fmt.Sprintf("damaged text %+v", t))
			}
			return record{keyOfText(t.Word), wrap(t.Value), t.Mark, noTime}
		},
	}
}

func lineDress() dress[string] {
	return dress[string]{
		wear: func(r record) string { return fmt.Sprintf("%d|%d|%d", r.Key, r.Value, r.Mark) },
		bare: func(s string) record {
			parts := strings.Split(s, "|")
			if len(parts) != 3 {
				panic(fmt.Sprintf("damaged line %q", s))
			}
			var n [3]int
			for i, part := range parts {
				var err error
				if n[i], err = strconv.Atoi(part); err != nil {
					panic(fmt.Sprintf("damaged line %q", s))
				}
			}
			return record{int32(n[0]), wrap(n[1]), uint16(n[2]), noTime}
		},
	}
}

func packedDress() dress[uint64] {
	return dress[uint64]{
		wear: func(r record) uint64 {
			return uint64(r.Key)<<(valueBits+16) | uint64(uint32(r.Value)&(1<<valueBits-1))<<16 | uint64(r.Mark)
		},
		bare: func(p uint64) record {
			return record{int32(p >> (valueBits + 16)), wrap(p >> 16), uint16(p), noTime}
		},
	}
}

func nestedDress() dress[nested] {
	return dress[nested]{
		wear: func(r record) nested {
			n := nested{Values: []int32{r.Value, ^r.Value}, Labels: map[string]uint16{"mark": r.Mark}}
			n.ID.High, n.ID.Low = uint16(r.Key>>16), uint16(r.Key)
			if r.Mark%2 == 1 {
				n.Mark = &r.Mark
			}
			return n
		},
		bare: func(n nested) record {
			mark := n.Labels["mark"]
			if len(n.Values) != 2 || n.Values[0] != ^n.Values[1] || len(n.Labels) != 1 || n.Mark != nil && *n.Mark != mark || (n.Mark != nil) != (mark%2 == 1) {
				panic(fmt.Sprintf("damaged nested record %+v", n))
			}
			return record{int32(n.ID.High)<<16 | int32(n.ID.Low), wrap(n.Values[0]), mark, noTime}
		},
	}
}
