package memory

import (
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/weir-stream/weir/runtime/config"
)

// Limit is how much memory this process may use, and who says so.
type Limit struct {
	Bytes int64
	// Source is the file that set the limit, or words for where it comes from; for logs.
	Source string
	// Enforced means that the process is killed above the limit, as in a container.
	Enforced bool
}

// assumed is the limit where nothing can be found out.
const assumed = int64(config.Gibibyte)

// Detect finds the limit: the lowest that the control groups of this process set (cgroup v2 or v1, the group and those above it), else half of
// the machine's memory, as a process that shares a machine with others should take. root is the root of the file system, os.DirFS("/").
func Detect(root fs.FS) Limit {
	machine := machineMemory(root)
	limit := lowestGroupLimit(root)
	switch {
	case limit.Bytes > 0 && (machine == 0 || limit.Bytes < machine):
		return limit
	case machine > 0:
		return Limit{Bytes: machine / 2, Source: "half of the machine's memory"}
	}
	return Limit{Bytes: assumed, Source: "assumed, since the machine's memory is unknown"}
}

// machineMemory returns 0 if it cannot find out.
func machineMemory(root fs.FS) int64 {
	content, err := fs.ReadFile(root, "proc/meminfo")
	if err != nil {
		return systemMemory()
	}
	for line := range strings.Lines(string(content)) {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			size, err := config.ParseMemorySize(rest)
			if err == nil {
				return int64(size)
			}
		}
	}
	return systemMemory()
}

// lowestGroupLimit reads the memory limits of the process's control groups; those without one, and what cannot be read, do not count. In a
// container the group's path may be the host's, which does not exist below the mount point; then the mount point itself is the group.
func lowestGroupLimit(root fs.FS) Limit {
	var lowest Limit
	content, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return lowest
	}
	for line := range strings.Lines(string(content)) {
		hierarchy, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, group, ok := strings.Cut(rest, ":")
		if !ok {
			continue
		}
		mount, file := "", ""
		switch {
		case hierarchy == "0" && controllers == "":
			mount, file = "sys/fs/cgroup", "memory.max"
		case hasMemory(controllers):
			mount, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		for dir := path.Clean("/" + group); ; dir = path.Dir(dir) {
			name := path.Join(mount, dir, file)
			if bytes := readLimit(root, name); bytes > 0 && (lowest.Bytes == 0 || bytes < lowest.Bytes) {
				lowest = Limit{Bytes: bytes, Source: "/" + name, Enforced: true}
			}
			if dir == "/" {
				break
			}
		}
	}
	return lowest
}

func hasMemory(controllers string) bool {
	for c := range strings.SplitSeq(controllers, ",") {
		if c == "memory" {
			return true
		}
	}
	return false
}

// readLimit returns 0 for "max" and for a file that is not there.
func readLimit(root fs.FS, name string) int64 {
	content, err := fs.ReadFile(root, name)
	if err != nil {
		return 0
	}
	bytes, err := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64)
	if err != nil {
		return 0
	}
	return bytes
}
