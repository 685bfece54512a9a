// Command planted makes, one after the other, the mistakes of faults.go in copies of the files concerned, and asserts that a test sees each.
//
// It runs in the repository's root (go run ./.ci/planted [part of a name]), prints a line for each fault, and exits with 1 if no test has
// seen one, or if it cannot be made any more since the text has changed.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

func main() {
	only := strings.Join(os.Args[1:], " ")
	missed := 0
	for _, f := range faults {
		if !strings.Contains(f.name, only) {
			continue
		}
		start := time.Now()
		by, err := f.seen()
		took := time.Since(start).Seconds()
		if err != nil {
			missed++
			fmt.Printf("MISSED (%.0f s) %s: %v\n", took, f.name, err)
			continue
		}
		fmt.Printf("caught (%.0f s) %s: by %s of %s\n", took, f.name, by, f.pkg)
	}
	if missed > 0 {
		fmt.Fprintf(os.Stderr, "planted: %d faults were not seen\n", missed)
		os.Exit(1)
	}
}

var failed = regexp.MustCompile(`(?m)^--- FAIL: (\w+)`)

// seen returns the test that has failed with the fault.
func (f *fault) seen() (test string, err error) {
	folder, err := os.MkdirTemp("", "weir-planted-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	overlay, err := f.plant(folder)
	if err != nil {
		return "", err
	}
	// A test that hangs has seen it, too, but should say more.
	out, err := exec.Command("go", "test", "-count=1", "-timeout=60s", "-overlay="+overlay, "-run=^("+f.test+")$", f.pkg).CombinedOutput()
	if name := failed.FindSubmatch(out); err != nil && name != nil {
		return string(name[1]), nil
	}
	if err == nil {
		return "", fmt.Errorf("%s pass in %s", f.test, f.pkg)
	}
	return "", fmt.Errorf("%w: %s", err, bytes.TrimSpace(out[max(0, len(out)-2000):]))
}

// plant writes the changed files and returns the path of the overlay for the go tool.
func (f *fault) plant(folder string) (overlay string, err error) {
	replace := map[string]string{}
	for i, e := range f.edits {
		source, err := filepath.Abs(e.file)
		if err != nil {
			return "", err
		}
		content, err := os.ReadFile(source)
		if err != nil {
			return "", err
		}
		if n := strings.Count(string(content), e.from); n != 1 {
			return "", fmt.Errorf("%s has %d times what is to be replaced: %q", e.file, n, e.from)
		}
		changed := filepath.Join(folder, fmt.Sprintf("%d.go", i))
		if err := os.WriteFile(changed, []byte(strings.Replace(string(content), e.from, e.to, 1)), 0o600); err != nil {
			return "", err
		}
		replace[source] = changed
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(folder, "overlay.json")
	return overlay, os.WriteFile(overlay, data, 0o600)
}
