package config

import (
	"fmt"
	"regexp"
	"strings"
)

// Origins of settings other than a file.
const (
	originProperty = "-D"
	originCode     = "code"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	Key  string // empty where the text cannot be read at all
	Text string // the whole sentence: key, value, where it was set, and what is expected
}

// Error is all that is wrong with a configuration.
type Error struct {
	Problems []Problem
}

// Error lists the problems, one a line if there are several.
func (e *Error) Error() string {
	if len(e.Problems) == 1 {
		return "configuration: " + e.Problems[0].Text
	}
	var lines strings.Builder
	fmt.Fprintf(&lines, "configuration: %d problems", len(e.Problems))
	for _, p := range e.Problems {
		lines.WriteString("\n  " + p.Text)
	}
	return lines.String()
}

// Notice is something about a valid configuration that its writer should know: a key that is deprecated, or one that does nothing.
type Notice struct {
	Key  string
	Text string // the whole sentence
}

func badValue(key, text, origin string, err error) Problem {
	return Problem{Key: key, Text: fmt.Sprintf("%s: value %s (%s) is refused: %v", key, shown(key, text), origin, err)}
}

// secret has the words by which Flink recognizes keys whose values must not be shown, and those of access keys.
var secret = regexp.MustCompile(`(?i)password|secret|token|credential|api-?key|access[.-]?key|private-?key|account\.key|service-key|auth-params|basic-auth|jaas\.config|http-headers`)

// Sensitive reports whether values of the key may be secrets, to be left out of logs and pages.
func Sensitive(key string) bool { return secret.MatchString(key) }

// user is what may stand before the host of a URL, a password with it.
var user = regexp.MustCompile(`://[^/@\s]*@`)

func withoutUser(text string) string { return user.ReplaceAllString(text, "://(hidden)@") }

func shown(key, text string) string {
	const longest = 80
	if Sensitive(key) {
		return "(hidden)"
	}
	text = withoutUser(text)
	if runes := []rune(text); len(runes) > longest {
		text = string(runes[:longest]) + "..."
	}
	return fmt.Sprintf("%q", text)
}
