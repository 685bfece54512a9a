package docs_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"
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
	for _, page := range pages(t) {
		for _, block := range blocks(t, page, read(t, page)) {
			for part := range strings.SplitSeq(block, "\n\n") {
				if !strings.Contains(tested, squeezed(part)) {
					t.Errorf("%s: this is in no test of the folder:\n%s", page, part)
				}
			}
		}
	}
}

// TestLinksOfPagesLeadSomewhere looks for the file and the heading of each relative link.
func TestLinksOfPagesLeadSomewhere(t *testing.T) {
	for _, page := range pages(t) {
		for _, after := range strings.Split(prose(t, page, read(t, page)), "](")[1:] {
			target, _, _ := strings.Cut(after, ")")
			if strings.Contains(target, "://") {
				continue
			}
			file, heading, _ := strings.Cut(target, "#")
			if file = filepath.Join(filepath.Dir(page), filepath.FromSlash(file)); strings.HasPrefix(target, "#") {
				file = page
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: %v", page, err)
			} else if heading != "" && !slices.Contains(headings(t, file), heading) {
				t.Errorf("%s: %s has no heading %q", page, file, heading)
			}
		}
	}
}

// headings returns those of a page as links name them.
func headings(t *testing.T, page string) (found []string) {
	t.Helper()
	for line := range strings.Lines(prose(t, page, read(t, page))) {
		if strings.HasPrefix(line, "#") {
			title := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
			found = append(found, strings.Map(func(r rune) rune {
				switch {
				case r == ' ':
					return '-'
				case r == '-' || unicode.IsLetter(r) || unicode.IsDigit(r):
					return r
				}
				return -1
			}, title))
		}
	}
	return found
}

func TestBlocksAreFound(t *testing.T) {
	got := blocks(t, "page", "text\n```go\na\n\nb\n```\n\n    shell\n```\nnot Go\n```\n```go\nc\n```\n")
	if len(got) != 2 || got[0] != "a\n\nb\n" || got[1] != "c\n" {
		t.Errorf("got %q", got)
	}
}

// blocks returns the contents of the fenced blocks of Go.
func blocks(t *testing.T, page, text string) []string {
	found, _ := parsePage(t, page, text)
	return found
}

// prose returns what is in no block.
func prose(t *testing.T, page, text string) string {
	_, rest := parsePage(t, page, text)
	return rest
}

func parsePage(t *testing.T, page, text string) (blocks []string, prose string) {
	t.Helper()
	fence, block := "", ""
	for line := range strings.Lines(text) {
		switch opened := strings.HasPrefix(line, "```"); {
		case opened && fence == "":
			fence, block = strings.TrimSpace(line), ""
		case opened:
			if fence == "```go" {
				blocks = append(blocks, block)
			}
			fence = ""
		case fence == "":
			prose += line
		default:
			block += line
		}
	}
	if fence != "" {
		t.Errorf("%s: a block is not closed", page)
	}
	return blocks, prose
}

// pages are the index and all pages of this folder.
func pages(t *testing.T) []string {
	t.Helper()
	return append(glob(t, "*.md"), filepath.Join("..", "README.md"))
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
