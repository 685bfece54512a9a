package confine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/memory"
)

const mib = int64(1) << 20

func configured(t *testing.T, properties ...string) config.Configuration {
	t.Helper()
	c, _, err := config.Load("", properties)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSharesFitBesideEachOther(t *testing.T) {
	machine := memory.Limit{Bytes: 8192 * mib, Source: "half of the machine's memory"}
	container := memory.Limit{Bytes: 1000 * mib, Source: "the container", Enforced: true}
	for name, tc := range map[string]struct {
		properties []string
		found      memory.Limit
		slots      int
		own, slot  int64 // MiB
		notice     string
	}{
		"found":                     {nil, machine, 2, 256, 3968, ""},
		"found and enforced":        {nil, container, 2, 56, 421, ""},
		"configured":                {[]string{"taskmanager.memory.process.size=512m"}, machine, 4, 32, 120, ""},
		"configured, more than is":  {[]string{"taskmanager.memory.process.size=4g"}, container, 2, 56, 421, "4096 MiB"},
		"configured, below a limit": {[]string{"taskmanager.memory.process.size=800m"}, container, 1, 50, 750, ""},
		"more than half":            {[]string{"taskmanager.memory.process.size=16g"}, machine, 1, 256, 16128, ""}, // nobody enforces half of a machine
	} {
		s, notice, err := Divide(configured(t, tc.properties...), tc.found, tc.slots)
		if err != nil || s.Own>>20 != tc.own || s.Slot>>20 != tc.slot || s.Slots != tc.slots || !strings.Contains(notice, tc.notice) || (notice == "") != (tc.notice == "") {
			t.Errorf("%s: own %d MiB, %d MiB for each of %d slots, notice %q, %v", name, s.Own>>20, s.Slot>>20, s.Slots, notice, err)
		}
		if total := tc.found.Bytes; len(tc.properties) == 0 && s.Own+int64(s.Slots)*s.Slot > total {
			t.Errorf("%s: the shares add up to %d of %d", name, s.Own+int64(s.Slots)*s.Slot, total)
		}
	}
}

func TestSlotsThatAreTooSmallAreRefused(t *testing.T) {
	_, _, err := Divide(configured(t, "taskmanager.memory.process.size=128m"), memory.Limit{Bytes: 8192 * mib}, 4)
	if err == nil {
		_, _, err = Divide(configured(t, "taskmanager.memory.process.size=128m"), memory.Limit{Bytes: 8192 * mib}, 5)
	}
	if err == nil || !strings.Contains(err.Error(), "taskmanager.memory.process.size") || !strings.Contains(err.Error(), "taskmanager.numberOfTaskSlots") {
		t.Errorf("refused for %v", err)
	}
	if _, _, err := config.Load("", []string{"taskmanager.memory.process.size=10m"}); err == nil {
		t.Error("10 MB are taken")
	}
	if _, _, err := Divide(configured(t), memory.Limit{Bytes: 20 * mib, Enforced: true}, 1); err == nil {
		t.Error("a container that is smaller than the TaskManager itself is taken")
	}
}

func TestAJobHasTheShareOfItsSlots(t *testing.T) {
	s := Shares{Slot: 100 * mib, Slots: 4}
	for slots, want := range map[int]int64{-1: 100, 0: 100, 1: 100, 3: 300, 4: 400, 9: 400} {
		if got := s.Of(slots) / mib; got != want {
			t.Errorf("%d slots: %d MiB", slots, got)
		}
	}
	text := s.Beyond(250*mib, 2)
	for _, part := range []string{"it used 250 MiB", "its share of 200 MiB (2 of 4 slots)", "taskmanager.memory.process.size"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in %s", part, text)
		}
	}
}

func TestWatch(t *testing.T) {
	const second = int64(time.Second)
	w := Watch{Interval: 100 * time.Millisecond}
	w.Allow(0, 100)
	for used, want := range map[int64]time.Duration{0: w.Interval, 75: w.Interval, 76: w.Interval / 10, 100: w.Interval / 10} {
		if beyond, again := w.Look(0, used); beyond || again != want {
			t.Errorf("%d of 100: beyond %v, again after %v", used, beyond, again)
		}
	}
	if beyond, _ := w.Look(0, 101); !beyond {
		t.Error("101 of 100 is not too much")
	}
	w.Allow(0, 200) // at once
	if beyond, _ := w.Look(0, 150); beyond {
		t.Error("150 of 200 is too much")
	}
	w.Allow(1*second, 100) // with grace
	w.Allow(5*second, 90)  // which does not begin anew
	if beyond, _ := w.Look(10*second, 150); beyond {
		t.Error("a share that has become less holds at once")
	}
	if beyond, _ := w.Look(11*second, 95); !beyond {
		t.Error("a share that has become less never holds")
	}
	w.Allow(12*second, 50)
	w.Allow(13*second, 300)
	if beyond, _ := w.Look(40*second, 250); beyond {
		t.Error("what was taken back and given again is gone")
	}
}

func status(text string) fstest.MapFS {
	return fstest.MapFS{"proc/7/status": {Data: []byte(text)}}
}

func TestUsage(t *testing.T) {
	used, err := Usage(status("Name:\tx\nVmRSS:\t  9000 kB\nRssAnon:\t  1000 kB\nRssFile:\t 7000 kB\nRssShmem:\t  30 kB\nVmSwap:\t 4 kB\n"), 7)
	if err != nil || used != 1034<<10 {
		t.Errorf("%d, %v", used, err)
	}
	for _, text := range []string{"", "Name:\tx\n", "RssAnon:\tmuch kB\n", "RssAnon:\t-1 kB\n", "RssAnon:\t99999999999999999 kB\n"} {
		if used, err := Usage(status(text), 7); err == nil {
			t.Errorf("%q is %d bytes", text, used)
		}
	}
	if _, err := Usage(status(""), 8); err == nil {
		t.Error("a process that is not there uses something")
	}
	if used, err := Usage(os.DirFS("/"), os.Getpid()); err != nil || used < mib {
		t.Errorf("this process uses %d: %v", used, err)
	}
}

func FuzzUsage(f *testing.F) {
	f.Add("RssAnon:\t  1000 kB\nRssShmem:\t  30 kB\nVmSwap:\t 4 kB\n")
	f.Add("RssAnon: 9223372036854775807 kB\nRssAnon: 1 kB")
	f.Fuzz(func(t *testing.T, text string) {
		if used, err := Usage(status(text), 7); err == nil && used < 0 {
			t.Errorf("%d bytes", used)
		}
	})
}

// folder makes files below a root that stands for that of a system.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestWhereGroupsAreMade(t *testing.T) {
	own := "4:memory:/job\n0::/job\n"
	for name, tc := range map[string]struct {
		option string
		files  map[string]string
		parent string // "" if there is none
		why    string
	}{
		"off":  {"off", nil, "", "is off"},
		"none": {"auto", nil, "", "no such file"},
		"v1":   {"auto", map[string]string{"proc/self/cgroup": own, "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "1"}, "sys/fs/cgroup/memory/job", ""},
		"v2, passed on": {"auto", map[string]string{
			"proc/self/cgroup": "0::/job\n", "sys/fs/cgroup/job/cgroup.controllers": "cpu memory\n", "sys/fs/cgroup/job/cgroup.subtree_control": "memory\n",
		}, "sys/fs/cgroup/job", ""},
		"v2, to be passed on": {"auto", map[string]string{
			"proc/self/cgroup": "0::/job\n", "sys/fs/cgroup/job/cgroup.controllers": "cpu memory\n", "sys/fs/cgroup/job/cgroup.subtree_control": "",
		}, "sys/fs/cgroup/job", ""},
		"v2 without the controller": {"auto", map[string]string{"proc/self/cgroup": "0::/job\n", "sys/fs/cgroup/job/cgroup.controllers": "cpu memory_x\n"}, "", "does not have the memory controller"},
		"outside of what is seen":   {"auto", map[string]string{"proc/self/cgroup": "0::/../other\n"}, "", "no control group"},
		"named":                     {"/sys/fs/cgroup/weir", map[string]string{"sys/fs/cgroup/weir/memory.limit_in_bytes": "1"}, "sys/fs/cgroup/weir", ""},
	} {
		root := folder(t, tc.files)
		g, why, err := FindGroups(root, tc.option, os.Getpid())
		switch {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case (g != nil) != (tc.parent != "") || g != nil && g.parent != filepath.Join(root, tc.parent):
			t.Errorf("%s: found %+v, %s", name, g, why)
		case !strings.Contains(why, tc.why):
			t.Errorf("%s: none because %s", name, why)
		}
	}
	for _, option := range []string{"cgroup/weir", "", "/not/there"} {
		if _, _, err := FindGroups(folder(t, nil), option, 1); err == nil || !strings.Contains(err.Error(), "weir.worker.cgroup") {
			t.Errorf("%q: %v", option, err)
		}
	}
}

// TestGroupFiles checks what is written into a group, and read from it, in both versions.
func TestGroupFiles(t *testing.T) {
	for version, names := range map[string]files{"1": version1, "2": version2} {
		g := &Groups{files: names, parent: t.TempDir(), prefix: prefix + "1-"}
		group, err := g.Make("job", 100*mib)
		if err != nil {
			t.Fatal(err)
		}
		if err := group.Add(77); err != nil {
			t.Fatal(err)
		}
		for file, want := range map[string]string{names.limit: "104857600", "cgroup.procs": "77"} {
			if text, _ := os.ReadFile(filepath.Join(g.parent, "weir-1-job", file)); string(text) != want {
				t.Errorf("version %s: %s has %q", version, file, text)
			}
		}
		if killed, _ := group.Killed(); killed {
			t.Errorf("version %s: killed, though nobody says so", version)
		}
		for _, tc := range []struct {
			text   string
			killed bool
		}{{"low 0\noom 3\noom_kill 0\n", false}, {"oom_kill_disable 0\nunder_oom 0\noom_kill 2\n", true}} {
			group.write(names.kills, tc.text)
			group.write(names.peak, "12345\n")
			if killed, peak := group.Killed(); killed != tc.killed || peak != 12345 {
				t.Errorf("version %s: %q: killed %v, peak %d", version, tc.text, killed, peak)
			}
		}
		if _, err := g.Make("job", 1); err == nil {
			t.Errorf("version %s: two groups have the same name", version)
		}
	}
}

func TestGroupsOfEndedTaskManagersAreSwept(t *testing.T) {
	root := folder(t, map[string]string{"proc/self/cgroup": "4:memory:/\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "1"})
	parent := filepath.Join(root, "sys/fs/cgroup/memory")
	const nobody = "999999999"
	for _, name := range []string{"weir-" + nobody + "-x", "weir-1-x", "weir-x", "other"} {
		if err := os.Mkdir(filepath.Join(parent, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	g, why, err := FindGroups(root, "auto", os.Getpid())
	if err != nil || g == nil {
		t.Fatal(why, err)
	}
	g.sweep()
	for name, stays := range map[string]bool{"weir-" + nobody + "-x": false, "weir-1-x": true, "weir-x": true, "other": true} {
		if _, err := os.Stat(filepath.Join(parent, name)); (err == nil) != stays {
			t.Errorf("%s: stays %v", name, err == nil)
		}
	}
}
