package main

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/weir-stream/weir/api/stream"
)

// splitter cuts lines into words. A word that is in lower case already is emitted as the piece of its line that it is; others are
// written into a buffer, which is replaced when it is full, since what was emitted still refers to it.
type splitter struct{ lower strings.Builder }

func newSplitter() func(string, stream.Collector[string]) error { return new(splitter).split }

// Classes of bytes.
const (
	separator = iota
	small     // a digit or a lower-case letter
	capital
	wide // part of a character beyond ASCII, or of none
)

var classes = func() (c [256]uint8) {
	for b := range c {
		switch {
		case b >= utf8.RuneSelf:
			c[b] = wide
		case 'a' <= b && b <= 'z' || '0' <= b && b <= '9':
			c[b] = small
		case 'A' <= b && b <= 'Z':
			c[b] = capital
		}
	}
	return c
}()

func (s *splitter) split(line string, out stream.Collector[string]) error {
	start, isLower := 0, true // of the word that ends before i
	for i := 0; i < len(line); {
		size := 1
		switch classes[line[i]] {
		case small:
			i++
			continue
		case capital:
			isLower = false
			i++
			continue
		case wide:
			var r rune
			r, size = utf8.DecodeRuneInString(line[i:]) // an invalid byte is U+FFFD, which is no letter
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				isLower = isLower && unicode.ToLower(r) == r
				i += size
				continue
			}
		}
		if start < i {
			out.Collect(s.lowered(line[start:i], isLower))
		}
		i += size
		start, isLower = i, true
	}
	if start < len(line) {
		out.Collect(s.lowered(line[start:], isLower))
	}
	return nil
}

func (s *splitter) lowered(word string, isLower bool) string {
	if isLower {
		return word
	}
	const buffer = 64 << 10
	longest := len(word) * utf8.UTFMax // a letter in lower case may take more bytes
	if s.lower.Cap()-s.lower.Len() < longest {
		s.lower.Reset()
		s.lower.Grow(max(buffer, longest))
	}
	start := s.lower.Len()
	for _, r := range word {
		s.lower.WriteRune(unicode.ToLower(r))
	}
	return s.lower.String()[start:]
}
