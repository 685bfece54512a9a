package docs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryBlockOfCodeIsTestedCode holds the pages against the files of this folder: each part of a block of Go in a page, parts
// being what empty lines separate, stands in one of them, but for white space. Those files are compiled and run with the tests, so
// what the pages show is code that works.
func TestEveryBlockOfCodeIsTestedCode(t *testing.T) {
	var code strings.Builder
	for _, file := range glob(t, "*_test.go") {
		code.WriteString(squeezed(read(t, file)))
		code.WriteString("\n")
	}
	tested := code.String()
	for _, page := range append(glob(t, "*.md"), filepath.Join("..", "README.md")) {
		for _, block := range blocks(t, page, read(t, page)) {
			for part := range strings.SplitSeq(block, "\n\n") {
				if !strings.Contains(tested, squeezed(part)) {
					t.Errorf("%s: this is in no test of the folder:\n%s", page, part)
				}
			}
		}
	}
}

// TestLinksOfPagesLeadSomewhere looks for the file of each relative link.
func TestLinksOfPagesLeadSomewhere(t *testing.T) {
	for _, page := range append(glob(t, "*.md"), filepath.Join("..", "README.md")) {
		for _, after := range strings.Split(read(t, page), "](")[1:] {
			target, _, ok := strings.Cut(after, ")")
			target, _, _ = strings.Cut(target, "#")
			if !ok || target == "" || strings.Contains(target, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), filepath.FromSlash(target))); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}

func TestBlocksAreFound(t *testing.T) {
	got := blocks(t, "page", "text\n```go\na\n\nb\n```\n\n    shell\n```\nnot Go\n```\n```go\nc\n```\n")
	if len(got) != 2 || got[0] != "a\n\nb\n" || got[1] != "c\n" {
		t.Errorf("got %q", got)
	}
}

// blocks returns the contents of the fenced blocks of Go.
func blocks(t *testing.T, page, text string) (found []string) {
	t.Helper()
	fence, block := "", ""
	for line := range strings.Lines(text) {
		switch opened := strings.HasPrefix(line, "```"); {
		case opened && fence == "":
			fence, block = strings.TrimSpace(line), ""
		case opened:
			if fence == "```go" {
				found = append(found, block)
			}
			fence = ""
		case fence != "":
			block += line
		}
	}
	if fence != "" {
		t.Errorf("%s: a block is not closed", page)
	}
	return found
}

// squeezed is a text with its words one space apart.
func squeezed(text string) string { return strings.Join(strings.Fields(text), " ") }

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	return files
}

func read(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
