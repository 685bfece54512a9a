package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const self = "github.com/weir-stream/weir/benchmarks/micro"

// folder is where the sources of this program are, whatever the working directory within the module.
func folder() (string, error) {
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", self).Output()
	if err != nil {
		return "", fmt.Errorf("find the folder of %s: run this from within the repository: %w", self, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// build compiles the program in a folder below this one and returns its path, and what removes it.
func build(name string) (program string, remove func(), err error) {
	dir, err := folder()
	if err != nil {
		return "", nil, err
	}
	temporary, err := os.MkdirTemp("", "weir-micro-")
	if err != nil {
		return "", nil, err
	}
	remove = func() { os.RemoveAll(temporary) }
	program = filepath.Join(temporary, name)
	if out, err := exec.Command("go", "-C", filepath.Join(dir, name), "build", "-o", program).CombinedOutput(); err != nil {
		remove()
		return "", nil, fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return program, remove, nil
}

// updateReadme replaces what stands between the marks of a mode in the README of this folder.
func updateReadme(name, table string) error {
	dir, err := folder()
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "README.md")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	updated, err := replaceBlock(string(text), name, table)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(updated), 0o644)
}

// replaceBlock puts a table between the two marks of a block of the text.
func replaceBlock(text, name, table string) (string, error) {
	begin, end := "<!-- results: "+name+" -->\n", "<!-- end: "+name+" -->\n"
	before, rest, found := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return "", fmt.Errorf("it has no block between %q and %q", strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return before + begin + "```text\n" + strings.TrimRight(table, "\n") + "\n```\n" + end + after, nil
}
