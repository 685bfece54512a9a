package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// comparison is how the output of a run differs from that of an undisturbed one.
type comparison struct {
	// lines is how many the output has, got and want are the beginnings of the hashes of the sorted lines.
	lines            int
	got, want        string
	lost, duplicated int
	examples         []string
}

// examples is how many differences are shown.
const examples = 10

// compare compares the visible files of two folders, as sorted lines. A line that is there too often is duplicated, also if
// it should not be there at all.
func compare(undisturbed, killed string) (c comparison, err error) {
	want, err := sortedLines(undisturbed)
	if err != nil {
		return c, err
	}
	got, err := sortedLines(killed)
	if err != nil {
		return c, err
	}
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
	return c, nil
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

func sortedLines(folder string) ([][]byte, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var lines [][]byte
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return nil, err
		}
		if !bytes.HasSuffix(data, []byte{'\n'}) && len(data) > 0 {
			return nil, fmt.Errorf("%s ends in the middle of a line", filepath.Join(folder, e.Name()))
		}
		lines = append(lines, bytes.SplitAfter(data, []byte{'\n'})...)
		lines = lines[:len(lines)-1]
		if len(data) == 0 {
			return nil, fmt.Errorf("%s is empty", filepath.Join(folder, e.Name()))
		}
	}
	for i := range lines {
		lines[i] = bytes.TrimSuffix(lines[i], []byte{'\n'})
	}
	slices.SortFunc(lines, bytes.Compare)
	return lines, nil
}
