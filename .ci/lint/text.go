package main

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// maxLines is how long a Go file may be that nobody generated: a longer one holds more than one thing.
const maxLines = 700

// The top level is fixed; files and folders whose names begin with a dot may join it.
var topLevel = []string{
	"go.mod", "go.sum", "Makefile", "cmd", "runtime", "state", "checkpoint", "network", "api", "examples", "deploy", "benchmarks", "README.md", "LICENSE",
}

func checkLayout(files []string) []finding {
	var findings []finding
	seen := map[string]bool{}
	for _, file := range files {
		top, _, _ := strings.Cut(file, "/")
		if !seen[top] && !strings.HasPrefix(top, ".") && !slices.Contains(topLevel, top) {
			findings = append(findings, finding{file: top, text: "the top level of the repository is fixed: put this into one of its folders"})
		}
		seen[top] = true
		if path.Dir(file) == "runtime" && strings.HasSuffix(file, ".go") {
			findings = append(findings, finding{file: file, text: "runtime/ has no Go files of its own: nobody should import a package called runtime"})
		}
	}
	return findings
}

// word is something that no text of the repository may contain.
type word struct {
	name    string
	pattern *regexp.Regexp
	reason  string
}

// readWords reads lines of the form "<name> <regular expression> # <reason>".
func readWords(root string) ([]word, error) {
	lines, err := readData(root, "words.txt")
	if err != nil {
		return nil, err
	}
	var words []word
	for _, line := range lines {
		name, expression, ok := strings.Cut(line.fields, " ")
		pattern, err := regexp.Compile(strings.TrimSpace(expression))
		if !ok || err != nil || line.reason == "" {
			return nil, fmt.Errorf("words.txt:%d: want <name> <regular expression> # <reason> (%v)", line.number, err)
		}
		words = append(words, word{name, pattern, line.reason})
	}
	return words, nil
}

var generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)

// checkTexts reads every text file for words that must not be there and for its length.
func checkTexts(root string, files []string, words []word) ([]finding, error) {
	var findings []finding
	for _, file := range files {
		if file == dataDir+"words.txt" || strings.HasPrefix(file, dataDir+"testdata/") {
			continue
		}
		content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
		if err != nil {
			return nil, err
		}
		if bytes.IndexByte(content[:min(len(content), 8000)], 0) >= 0 {
			continue // not a text
		}
		if lines := bytes.Count(content, []byte("\n")); strings.HasSuffix(file, ".go") && lines > maxLines && !generated.Match(content) {
			findings = append(findings, finding{file: file, text: fmt.Sprintf("%d lines, the limit is %d: give each thing in it a file of its own", lines, maxLines)})
		}
		findings = append(findings, wordsIn(file, content, words)...)
	}
	return findings, nil
}

func wordsIn(file string, content []byte, words []word) []finding {
	var findings []finding
	for _, w := range words {
		for _, at := range w.pattern.FindAllIndex(content, -1) {
			line := 1 + bytes.Count(content[:at[1]], []byte("\n"))
			findings = append(findings, finding{file, line, w.name, fmt.Sprintf("%s %q: %s", w.name, bytes.TrimSpace(content[at[0]:at[1]]), w.reason)})
		}
	}
	return findings
}
