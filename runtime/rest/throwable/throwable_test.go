package throwable

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"
)

// strings3 takes an object apart again and returns its three strings; what is between them must be the template's.
func strings3(t *testing.T, encoded string) (message, stack, class string) {
	t.Helper()
	object, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	next := func(literal []byte) string {
		t.Helper()
		if !bytes.HasPrefix(object, literal) {
			t.Fatalf("what is between the strings has changed: %x, want %x", object[:min(len(object), len(literal))], literal)
		}
		object = object[len(literal):]
		if object[0] != stringTag {
			t.Fatalf("no string: %x", object[0])
		}
		length := int(binary.BigEndian.Uint16(object[1:]))
		text := decodeModified(t, object[3:3+length])
		object = object[3+length:]
		return text
	}
	message = next(template[:messageSlot.at])
	stack = next(template[messageSlot.end():stackSlot.at])
	class = next(template[stackSlot.end():classSlot.at])
	if !bytes.Equal(object, template[classSlot.end():]) {
		t.Fatalf("the end is %x", object)
	}
	return message, stack, class
}

func decodeModified(t *testing.T, b []byte) string {
	t.Helper()
	var units []uint16
	for len(b) > 0 {
		switch {
		case b[0] == 0:
			t.Fatal("a NUL byte")
		case b[0] < 0x80:
			units, b = append(units, uint16(b[0])), b[1:]
		case b[0]&0xE0 == 0xC0:
			units, b = append(units, uint16(b[0]&0x1F)<<6|uint16(b[1]&0x3F)), b[2:]
		case b[0]&0xF0 == 0xE0:
			units, b = append(units, uint16(b[0]&0x0F)<<12|uint16(b[1]&0x3F)<<6|uint16(b[2]&0x3F)), b[3:]
		default:
			t.Fatalf("a byte %x begins no character", b[0])
		}
	}
	return string(utf16.Decode(units))
}

// The template's own strings give the template, so the places are right.
func TestTemplateIsItsOwnEncoding(t *testing.T) {
	got := Encode("CLASSNAME", "MESSAGE", "STACK")
	message, stack, class := strings3(t, got)
	if message != "MESSAGE" || stack != "STACK" || class != "CLASSNAME" {
		t.Errorf("%q, %q, %q", message, stack, class)
	}
	if text := decodeModified(t, template[messageSlot.at+3:messageSlot.end()]); text != "java.lang.Exception: MESSAGE" {
		t.Errorf("the template's message is %q", text)
	}
}

func TestLongStringsAreCutAtACharacter(t *testing.T) {
	for _, unit := range []string{"a", "é", "€", "😀", "\x00"} {
		message, stack, _ := strings3(t, Encode("C", strings.Repeat(unit, 70_000), strings.Repeat(unit, 70_000)))
		if strings.Trim(stack, unit) != "" || len(stack) == 0 {
			t.Errorf("%q: the stack ends in %q", unit, stack[len(stack)-6:])
		}
		if !strings.HasPrefix(message, unit) {
			t.Errorf("%q: the message begins with %q", unit, message[:10])
		}
	}
}

func FuzzEncode(f *testing.F) {
	f.Add("java.lang.Exception", "MESSAGE", "STACK")
	f.Add("", "", "")
	f.Add("C\x00", "naïve €", "😀\xff\xed\xa0\x80")
	f.Fuzz(func(t *testing.T, class, message, stack string) {
		gotMessage, gotStack, gotClass := strings3(t, Encode(class, message, stack))
		if len(class)+len(message)+len(stack) > 10_000 {
			return
		}
		clean := func(s string) string { return string([]rune(s)) }
		if gotMessage != clean(message) || gotStack != clean(stack) || gotClass != clean(class) {
			t.Errorf("%q, %q, %q became %q, %q, %q", class, message, stack, gotMessage, gotStack, gotClass)
		}
	})
}
