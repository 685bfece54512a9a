package confine

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// Usage is how many bytes a process keeps from others: memory that no file backs, resident or swapped out, and what it shares. The pages of files,
// its own binary's among them, are not counted: the system takes them back when it needs them.
func Usage(root fs.FS, pid int) (int64, error) {
	name := "proc/" + strconv.Itoa(pid) + "/status"
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, fmt.Errorf("memory of a process: %w", err)
	}
	used, found := int64(0), false
	for line := range strings.Lines(string(text)) {
		field, rest, _ := strings.Cut(line, ":")
		switch field {
		case "RssAnon", "RssShmem", "VmSwap":
			kilobytes, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			if err != nil || kilobytes < 0 || kilobytes > 1<<50 {
				return 0, fmt.Errorf("memory of a process: /%s says %q", name, strings.TrimSpace(line))
			}
			used += kilobytes << 10
			found = found || field == "RssAnon"
		}
	}
	if !found {
		return 0, fmt.Errorf("memory of a process: /%s has no RssAnon: the process is ending, or the system is older than Linux 4.5", name)
	}
	return used, nil
}
