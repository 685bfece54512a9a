package console

import (
	"strings"
	"unicode"
)

// cells is how many places of a terminal a character takes: none for a mark on the one before it, two for the scripts of East
// Asia, and one for others. It is exact enough to keep a line from being broken.
func cells(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana),
		r >= 0xFF01 && r <= 0xFF60,   // forms of full width
		r >= 0x1F300 && r <= 0x1FAFF: // pictures
		return 2
	}
	return 1
}

func width(text string) int {
	n := 0
	for _, r := range text {
		n += cells(r)
	}
	return n
}

// fit returns the text cut to a number of places, with an ellipsis where something is gone. Characters that would move
// the cursor become question marks.
func fit(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
	if width(text) <= limit {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if limit -= cells(r); limit < 1 {
			break
		}
		b.WriteRune(r)
	}
	if limit >= 0 || b.Len() > 0 {
		b.WriteString("…")
	}
	return b.String()
}

// padded is the text cut or filled to exactly so many places.
func padded(text string, places int) string {
	text = fit(text, places)
	return text + strings.Repeat(" ", max(0, places-width(text)))
}

// right is the text with spaces before it.
func right(text string, places int) string {
	return strings.Repeat(" ", max(0, places-width(text))) + text
}
