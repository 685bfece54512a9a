package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/weir-stream/weir/benchmarks/killtest/internal/pipeline"
)

// comparison is how the output of a run differs from what is expected.
type comparison struct {
	// lines is how many the output has, got and want are the beginnings of the hashes of the sorted lines.
	lines            int
	got, want        string
	lost, duplicated int
	examples         []string
}

// examples is how many differences are shown.
const examples = 10

// equal reports whether there is no difference.
func (c comparison) equal() bool { return c.lost+c.duplicated == 0 && c.got == c.want }

// compareFolder compares the visible files of a folder, as sorted lines, with what is expected.
func compareFolder(want [][]byte, folder string) (comparison, error) {
	got, err := linesOf(folder)
	if err != nil {
		return comparison{}, err
	}
	slices.SortFunc(got, bytes.Compare)
	return compare(want, got), nil
}

// compare compares sorted lines. A line that is there too often is duplicated, also if it should not be there at all.
func compare(want, got [][]byte) (c comparison) {
	c.lines, c.got, c.want = len(got), hashOf(got), hashOf(want)
	for len(want) > 0 || len(got) > 0 {
		switch {
		case len(got) == 0 || len(want) > 0 && bytes.Compare(want[0], got[0]) < 0:
			c.lost++
			c.example("lost: %s", want[0])
			want = want[1:]
		case len(want) == 0 || bytes.Compare(want[0], got[0]) > 0:
			c.duplicated++
			c.example("duplicated: %s", got[0])
			got = got[1:]
		default:
			want, got = want[1:], got[1:]
		}
	}
	return c
}

func (c *comparison) example(format string, line []byte) {
	if len(c.examples) < examples {
		c.examples = append(c.examples, fmt.Sprintf(format, line))
	}
}

func hashOf(lines [][]byte) string {
	h := sha256.New()
	for _, line := range lines {
		h.Write(line)
		h.Write([]byte{'\n'})
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// sorted are lines as compare wants them.
func sorted(lines []string) [][]byte {
	slices.Sort(lines)
	to := make([][]byte, len(lines))
	for i, line := range lines {
		to[i] = []byte(line)
	}
	return to
}

// progress is how far the visible output of a job has come.
type progress struct {
	lines int
	// records are those that are counted in the lines.
	records int64
}

func progressOf(folder string) (p progress, err error) {
	lines, err := linesOf(folder)
	p.lines = len(lines)
	for _, line := range lines {
		p.records += pipeline.Clicks(string(line))
	}
	return p, err
}

// linesOf are the lines of the visible files of a folder, which need not be there.
func linesOf(folder string) (lines [][]byte, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		path := filepath.Join(folder, e.Name())
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if len(data) == 0 {
			return nil, fmt.Errorf("%s is empty", path)
		}
		if !bytes.HasSuffix(data, []byte{'\n'}) {
			return nil, fmt.Errorf("%s ends in the middle of a line", path)
		}
		lines = append(lines, bytes.Split(data[:len(data)-1], []byte{'\n'})...)
	}
	return lines, nil
}
