// Command lint checks what compilers and vet cannot know about this repository: which package may import which, where
// the clock, random numbers and goroutines may stand, and what has no place in its files.
//
// It runs in the repository's root (go run ./.ci/lint), prints a line for each finding and exits with 1 if there are any.
// The rules' data lie beside it: order.txt, allow.txt, words.txt.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// dataDir holds the lint's own data, relative to the root of the tree that is checked.
const dataDir = ".ci/lint/"

// finding is one violation. What names the thing for allow.txt; a finding without it cannot be allowed.
type finding struct {
	file string // slash-separated, relative to the root
	line int    // from 1; 0 when the finding is about the file as a whole
	what string
	text string
}

func (f finding) String() string {
	switch {
	case f.file == "":
		return f.text
	case f.line == 0:
		return f.file + ": " + f.text
	}
	return fmt.Sprintf("%s:%d: %s", f.file, f.line, f.text)
}

func main() {
	findings, err := run(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, "lint:", err)
		os.Exit(2)
	}
	for _, f := range findings {
		fmt.Println(f)
	}
	if len(findings) > 0 {
		fmt.Fprintf(os.Stderr, "lint: %d findings\n", len(findings))
		os.Exit(1)
	}
}

// run checks the tree whose root is dir. An error means that the check itself could not be made.
func run(dir string) ([]finding, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	files, err := listFiles(root)
	if err != nil {
		return nil, err
	}
	order, err := readOrder(root)
	if err != nil {
		return nil, err
	}
	allowed, err := readAllowed(root)
	if err != nil {
		return nil, err
	}
	words, err := readWords(root)
	if err != nil {
		return nil, err
	}
	tree, err := load(root, files)
	if err != nil {
		return nil, err
	}

	findings := slices.Concat(
		tree.broken,
		checkLayout(files),
		checkNames(tree),
		checkImports(tree, order),
		checkCalls(tree),
	)
	linked, err := checkLinked(root, tree)
	if err != nil {
		return nil, err
	}
	texts, err := checkTexts(root, files, words)
	if err != nil {
		return nil, err
	}
	findings = allowed.filter(slices.Concat(findings, linked, texts))
	slices.SortStableFunc(findings, func(a, b finding) int {
		if c := strings.Compare(a.file, b.file); c != 0 {
			return c
		}
		return a.line - b.line
	})
	return findings, nil
}

// listFiles returns the regular files that are committed or would be (not ignored), relative to root.
func listFiles(root string) ([]string, error) {
	// A build often runs as another user than the one who cloned, which git refuses without being told.
	out, err := output(root, "git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return nil, fmt.Errorf("cannot list the files of the repository (the lint needs a git work tree): %w", err)
	}
	files := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")
	slices.Sort(files)
	files = slices.Compact(files)
	return slices.DeleteFunc(files, func(file string) bool {
		info, err := os.Lstat(filepath.Join(root, file))
		return err != nil || !info.Mode().IsRegular() // deleted but not yet committed so, or a link
	}), nil
}

func output(dir, name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, stderr.Bytes())
	}
	return out, nil
}

// dataLine is a line of a data file without its comment.
type dataLine struct {
	number int
	fields string
	reason string // what follows " # "
}

// readData returns the lines of one of the lint's data files, without empty ones and whole-line comments.
func readData(root, name string) ([]dataLine, error) {
	content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path.Join(dataDir, name))))
	if err != nil {
		return nil, err
	}
	var lines []dataLine
	for i, line := range strings.Split(string(content), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields, reason, _ := strings.Cut(line, " # ")
		lines = append(lines, dataLine{i + 1, strings.TrimSpace(fields), strings.TrimSpace(reason)})
	}
	return lines, nil
}
