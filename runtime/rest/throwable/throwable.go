// Package throwable writes failures in the one form in which Flink's Java client reads them: a serialized object of the class
// org.apache.flink.util.SerializedThrowable.
//
// The object holds a message, a stack trace and a class name, and an inner exception that the client deserializes if it can. Here the inner one is
// an empty array, with which the client keeps the outer one. Only the three strings differ between failures, so they are put into a recorded object.
package throwable

import (
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

//go:embed template.bin
var template []byte

// Where the strings of the template begin, each with its tag and length, and how long they are there.
var (
	messageSlot = slot{378, len("java.lang.Exception: MESSAGE")}
	stackSlot   = slot{509, len("STACK")}
	classSlot   = slot{517, len("CLASSNAME")}
)

type slot struct{ at, length int }

func (s slot) end() int { return s.at + stringHeader + s.length }

const (
	stringTag    = 0x74 // TC_STRING of the Java Object Serialization Specification: two bytes of length follow
	stringHeader = 3
	longest      = 1<<16 - 1 // bytes of such a string
)

// Encode returns the object in base64. class is the name of the failed thing's class, message what it says, and stack all of it, as a person would read it: the first line is
// class and message. Strings of more than 65,535 bytes are cut at a character.
func Encode(class, message, stack string) string {
	var object []byte
	object = append(object, template[:messageSlot.at]...)
	object = appendString(object, message) // the client puts the class before it
	object = append(object, template[messageSlot.end():stackSlot.at]...)
	object = appendString(object, stack)
	object = append(object, template[stackSlot.end():classSlot.at]...)
	object = appendString(object, class)
	object = append(object, template[classSlot.end():]...)
	return base64.StdEncoding.EncodeToString(object)
}

// appendString appends text in modified UTF-8: NUL takes two bytes, and a character beyond the basic plane is a pair of surrogates of three bytes each.
func appendString(to []byte, text string) []byte {
	to = append(to, stringTag, 0, 0)
	start := len(to)
	for _, r := range text { // what is no UTF-8 comes as the replacement character
		before := len(to)
		to = appendModified(to, r)
		if len(to)-start > longest {
			to = to[:before]
			break
		}
	}
	binary.BigEndian.PutUint16(to[start-2:], uint16(len(to)-start))
	return slices.Clip(to)
}

func appendModified(to []byte, r rune) []byte {
	switch {
	case r == 0:
		return append(to, 0xC0, 0x80)
	case r < utf8.RuneSelf:
		return append(to, byte(r))
	case r <= 0xFFFF:
		return utf8.AppendRune(to, r)
	}
	r -= 0x10000
	return appendUnit(appendUnit(to, 0xD800|uint16(r>>10)), 0xDC00|uint16(r&0x3FF))
}

// appendUnit writes a UTF-16 unit of a surrogate pair in three bytes, which UTF-8 proper does not allow.
func appendUnit(to []byte, unit uint16) []byte {
	return append(to, 0xE0|byte(unit>>12), 0x80|byte(unit>>6&0x3F), 0x80|byte(unit&0x3F))
}
