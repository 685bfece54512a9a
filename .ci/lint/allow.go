package main

import (
	"fmt"
	"strings"
)

// allowed holds the exceptions of allow.txt.
type allowed []exception

type exception struct {
	line       int
	file, what string
	used       bool
}

// readAllowed reads lines of the form "<file> <what> # <reason>".
func readAllowed(root string) (allowed, error) {
	lines, err := readData(root, "allow.txt")
	if err != nil {
		return nil, err
	}
	var a allowed
	for _, line := range lines {
		fields := strings.Fields(line.fields)
		if len(fields) != 2 || !strings.HasSuffix(line.reason, ".") {
			return nil, fmt.Errorf("allow.txt:%d: want <file> <what> # <reason, a sentence with a full stop>", line.number)
		}
		for _, other := range a {
			if other.file == fields[0] && other.what == fields[1] {
				return nil, fmt.Errorf("allow.txt:%d: the same as line %d", line.number, other.line)
			}
		}
		a = append(a, exception{line.number, fields[0], fields[1], false})
	}
	return a, nil
}

// filter removes the findings that are allowed and adds one for every exception that none needed.
func (a allowed) filter(findings []finding) []finding {
	var left []finding
	for _, f := range findings {
		if !a.covers(f) {
			left = append(left, f)
		}
	}
	for _, e := range a {
		if !e.used {
			left = append(left, finding{file: dataDir + "allow.txt", line: e.line, text: fmt.Sprintf("%s has no %s (any more): remove the line", e.file, e.what)})
		}
	}
	return left
}

func (a allowed) covers(f finding) bool {
	for i := range a {
		if f.what != "" && a[i].what == f.what && a[i].file == f.file {
			a[i].used = true
			return true
		}
	}
	return false
}
