package socket

import (
	"bytes"
	"fmt"
	"strings"
)

// cutter cuts a stream of bytes into records.
type cutter struct {
	delimiter string
	longest   int
	// pending has what no delimiter has ended; in its first searched bytes no delimiter begins.
	pending  []byte
	searched int
}

// add takes the next bytes and returns the records that they complete. The records are pieces of one string.
func (c *cutter) add(chunk []byte) ([]string, error) {
	c.pending = append(c.pending, chunk...)
	last := bytes.LastIndex(c.pending[c.searched:], []byte(c.delimiter))
	if last < 0 {
		c.searched = max(0, len(c.pending)-len(c.delimiter)+1)
		return nil, c.check(len(c.pending))
	}
	// The delimiters are found from the left: where they can overlap, the last from the right is another.
	text := string(c.pending[:c.searched+last+len(c.delimiter)])
	var records []string
	taken := 0
	for {
		end := strings.Index(text[taken:], c.delimiter)
		if end < 0 {
			break
		}
		if err := c.check(end); err != nil {
			return records, err
		}
		records = append(records, c.strip(text[taken:taken+end]))
		taken += end + len(c.delimiter)
	}
	c.pending = c.pending[:copy(c.pending, c.pending[taken:])]
	c.searched = max(0, len(c.pending)-len(c.delimiter)+1)
	return records, c.check(len(c.pending))
}

// end returns the record that no delimiter has ended, if there is one.
func (c *cutter) end() []string {
	if len(c.pending) == 0 {
		return nil
	}
	record := c.strip(string(c.pending))
	c.pending, c.searched = nil, 0
	return []string{record}
}

func (c *cutter) strip(record string) string {
	if c.delimiter == "\n" {
		return strings.TrimSuffix(record, "\r")
	}
	return record
}

func (c *cutter) check(length int) error {
	if length > c.longest {
		return fmt.Errorf("a line of more than %d bytes came: if that is right, allow it with LongestLine", c.longest)
	}
	return nil
}
