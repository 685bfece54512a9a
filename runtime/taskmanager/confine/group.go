package confine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/weir-stream/weir/runtime/config"
)

// files are the names that the two versions of control groups have for the same.
type files struct{ limit, peak, kills string }

var (
	version1 = files{"memory.limit_in_bytes", "memory.max_usage_in_bytes", "memory.oom_control"}
	version2 = files{"memory.max", "memory.peak", "memory.events"}
)

// Groups makes control groups below one. Its methods may be called from any goroutine.
type Groups struct {
	files
	parent, prefix string
}

// prefix begins the names of all groups that are made here.
const prefix = "weir-"

// FindGroups finds the group below which a process may make others, as weir.worker.cgroup says. root is "/" but in tests. Groups that killed
// processes have left are removed. There is none if the option is off, or auto and the system has none that can be written to; why tells.
func FindGroups(root, option string, pid int) (g *Groups, why string, err error) {
	switch option {
	case "off":
		return nil, config.WorkerGroup.Key() + " is off", nil
	case "auto":
		g, why = own(root)
	default:
		if !filepath.IsAbs(option) {
			return nil, "", fmt.Errorf("%s: %q is neither auto, off nor the path of a folder", config.WorkerGroup.Key(), option)
		}
		if g, why = at(filepath.Join(root, option)); g == nil {
			return nil, "", fmt.Errorf("%s: %s", config.WorkerGroup.Key(), why)
		}
	}
	if g == nil {
		return nil, why, nil
	}
	g.prefix = prefix + strconv.Itoa(pid) + "-"
	probe, err := g.Make("probe", LeastSlot)
	if err != nil {
		if option == "auto" {
			return nil, err.Error(), nil
		}
		return nil, "", fmt.Errorf("%s: %w", config.WorkerGroup.Key(), err)
	}
	_ = probe.Remove()
	g.sweep()
	return g, "", nil
}

// own is the group of this process.
func own(root string) (*Groups, string) {
	content, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	if err != nil {
		return nil, err.Error()
	}
	why := "no control group of this process has the memory controller"
	for line := range strings.Lines(string(content)) {
		hierarchy, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, path, ok := strings.Cut(rest, ":")
		mount := "sys/fs/cgroup"
		switch {
		case !ok || strings.Contains(path, ".."):
			continue
		case hierarchy == "0" && controllers == "":
		case hasMemory(controllers):
			mount = "sys/fs/cgroup/memory"
		default:
			continue
		}
		g, not := at(filepath.Join(root, mount, path))
		if g != nil {
			return g, ""
		}
		why = not
	}
	return nil, why
}

func hasMemory(controllers string) bool {
	for c := range strings.SplitSeq(controllers, ",") {
		if c == "memory" {
			return true
		}
	}
	return false
}

// at is the group of a folder, or why it cannot have groups with a limit of memory.
func at(folder string) (*Groups, string) {
	if _, err := os.Stat(filepath.Join(folder, version1.limit)); err == nil {
		return &Groups{files: version1, parent: folder}, ""
	}
	offered, err := os.ReadFile(filepath.Join(folder, "cgroup.controllers"))
	if err != nil {
		return nil, err.Error()
	}
	if !hasWord(offered, "memory") {
		return nil, folder + " does not have the memory controller"
	}
	passed := filepath.Join(folder, "cgroup.subtree_control")
	if given, err := os.ReadFile(passed); err == nil && hasWord(given, "memory") {
		return &Groups{files: version2, parent: folder}, ""
	}
	// Refused where the group has processes itself, as cgroup v2 wants it.
	if err := os.WriteFile(passed, []byte("+memory"), 0o600); err != nil {
		return nil, fmt.Sprintf("%s does not pass the memory controller on: %v", folder, err)
	}
	return &Groups{files: version2, parent: folder}, ""
}

func hasWord(text []byte, word string) bool {
	for w := range strings.FieldsSeq(string(text)) {
		if w == word {
			return true
		}
	}
	return false
}

// sweep removes groups whose makers are no more. One that still has processes stays.
func (g *Groups) sweep() {
	entries, _ := os.ReadDir(g.parent)
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), prefix)
		maker, _, _ := strings.Cut(rest, "-")
		pid, err := strconv.Atoi(maker)
		if ours && err == nil && e.IsDir() && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.Remove(filepath.Join(g.parent, e.Name()))
		}
	}
}

// Names are the names of the groups that were made here and are not removed.
func (g *Groups) Names() (names []string) {
	entries, _ := os.ReadDir(g.parent)
	for _, e := range entries {
		if e.IsDir() && strings.HasPrefix(e.Name(), g.prefix) {
			names = append(names, e.Name())
		}
	}
	return names
}

// Group is a control group of one worker:
//
//	made --Add--> holds processes --they have ended, Remove--> removed
type Group struct {
	files
	folder string
}

// Make makes a group that may use so many bytes.
func (g *Groups) Make(name string, limit int64) (*Group, error) {
	made := &Group{g.files, filepath.Join(g.parent, g.prefix+name)}
	if err := os.Mkdir(made.folder, 0o755); err != nil {
		return nil, fmt.Errorf("make a control group: %w", err)
	}
	if err := made.Limit(limit); err != nil {
		_ = os.Remove(made.folder)
		return nil, err
	}
	return made, nil
}

// Limit sets how many bytes the group may use. The error wraps syscall.EBUSY if it uses more and cannot give them back.
func (g *Group) Limit(bytes int64) error {
	if err := g.write(g.limit, strconv.FormatInt(bytes, 10)); err != nil {
		return fmt.Errorf("limit a control group: %w", err)
	}
	return nil
}

// Add puts a process into the group. What it starts from then on is in it too.
func (g *Group) Add(pid int) error {
	if err := g.write("cgroup.procs", strconv.Itoa(pid)); err != nil {
		return fmt.Errorf("put a process into a control group: %w", err)
	}
	return nil
}

func (g *Group) write(file, text string) error {
	return os.WriteFile(filepath.Join(g.folder, file), []byte(text), 0o600)
}

// Killed reports whether the system has ended a process of the group for its memory, and how many bytes the group has used at the most; 0 if that is
// not known.
func (g *Group) Killed() (killed bool, peak int64) {
	kills, err := os.ReadFile(filepath.Join(g.folder, g.kills))
	if err != nil {
		return false, 0
	}
	for line := range strings.Lines(string(kills)) {
		name, count, _ := strings.Cut(strings.TrimSpace(line), " ")
		killed = killed || name == "oom_kill" && count != "0"
	}
	text, _ := os.ReadFile(filepath.Join(g.folder, g.peak))
	peak, _ = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return killed, peak
}

// Remove ends what is still in the group, and removes it. Those that are just ending may keep it for a moment: then it stays, for the next sweep.
func (g *Group) Remove() error {
	for range 10 {
		members, err := os.ReadFile(filepath.Join(g.folder, "cgroup.procs"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for member := range strings.FieldsSeq(string(members)) {
			if pid, err := strconv.Atoi(member); err == nil && pid > 1 {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		if err = os.Remove(g.folder); err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	return fmt.Errorf("the control group %s stays: something in it does not end", g.folder)
}
