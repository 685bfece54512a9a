package memory

import (
	"errors"
	"math"
	"os"
	"runtime/debug"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/weir-stream/weir/runtime/invariant"
)

func tree(files map[string]string) fstest.MapFS {
	root := fstest.MapFS{}
	for name, content := range files {
		root[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return root
}

func TestDetect(t *testing.T) {
	const gib = int64(1) << 30
	const meminfo = "MemFree:  1 kB\nMemTotal:       16777216 kB\nMemAvailable: 1 kB\n"
	machine := Limit{Bytes: 8 * gib, Source: "half of the machine's memory"}
	const unlimited1 = "9223372036854771712\n"
	for name, tc := range map[string]struct {
		files map[string]string
		want  Limit
	}{
		"no groups": {map[string]string{"proc/meminfo": meminfo}, machine},
		"v2 container": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1073741824\n",
		}, Limit{gib, "/sys/fs/cgroup/memory.max", true}},
		"v2, the lowest of the way up": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b/c\n", "sys/fs/cgroup/a/b/c/memory.max": "max\n",
			"sys/fs/cgroup/a/b/memory.max": "2147483648\n", "sys/fs/cgroup/a/memory.max": "4294967296\n",
		}, Limit{2 * gib, "/sys/fs/cgroup/a/b/memory.max", true}},
		"v2 without a limit": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n",
		}, machine},
		"v2 with the host's path, outside the mount": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/../../docker/x\n", "sys/fs/cgroup/memory.max": "1073741824\n",
		}, Limit{gib, "/sys/fs/cgroup/memory.max", true}},
		"v1": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "9:name=systemd:/\n4:cpu,memory:/job\n0::/\n",
			"sys/fs/cgroup/memory/job/memory.limit_in_bytes": "536870912\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": unlimited1,
		}, Limit{gib / 2, "/sys/fs/cgroup/memory/job/memory.limit_in_bytes", true}},
		"v1 without a limit": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "4:memory:/job\n", "sys/fs/cgroup/memory/job/memory.limit_in_bytes": unlimited1,
		}, machine},
		"v1 of another controller": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "4:cpu:/job\nnonsense\n", "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "1\n",
		}, machine},
		"a limit above the machine": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "99999999999999\n",
		}, machine},
		"a limit, machine unknown": {map[string]string{
			"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1073741824\n",
		}, Limit{gib, "/sys/fs/cgroup/memory.max", true}},
	} {
		if got := Detect(tree(tc.files)); got != tc.want {
			t.Errorf("%s: %+v, want %+v", name, got, tc.want)
		}
	}
	if got := Detect(os.DirFS("/")); got.Bytes < 1<<20 {
		t.Errorf("on this machine: %+v", got)
	}
}

func FuzzDetect(f *testing.F) {
	f.Add("0::/a\n4:memory:/b\n", "MemTotal: 1 kB", "max")
	f.Add("0::/../..\n", "MemTotal:\n", "-1")
	f.Fuzz(func(t *testing.T, group, meminfo, limit string) {
		got := Detect(tree(map[string]string{
			"proc/self/cgroup": group, "proc/meminfo": meminfo,
			"sys/fs/cgroup/memory.max": limit, "sys/fs/cgroup/memory/memory.limit_in_bytes": limit,
		}))
		if got.Bytes < 0 || got.Source == "" || got.GoMemory() > got.Bytes || got.GoMemory() < 0 {
			t.Errorf("%+v", got)
		}
	})
}

func TestApplyNeverRaises(t *testing.T) {
	before := debug.SetMemoryLimit(math.MaxInt64)
	defer debug.SetMemoryLimit(before)
	if got := Apply(8 << 30); got != 8<<30 || debug.SetMemoryLimit(-1) != 8<<30 {
		t.Errorf("set to %d", got)
	}
	if got := Apply(9 << 30); got != 8<<30 || debug.SetMemoryLimit(-1) != 8<<30 {
		t.Errorf("raised to %d", got)
	}
	if got := Apply(7 << 30); got != 7<<30 || debug.SetMemoryLimit(-1) != 7<<30 {
		t.Errorf("lowered to %d", got)
	}
	if got := (Limit{Bytes: 100, Enforced: true}).GoMemory(); got != 90 {
		t.Errorf("Go gets %d of 100", got)
	}
}

func TestReserveAndRelease(t *testing.T) {
	budget := NewBudget(2048 << 20)
	state := &budget.State
	if err := state.Reserve(1000 << 20); err != nil {
		t.Fatal(err)
	}
	err := state.Reserve(24<<20 + 1)
	var exceeded *Exceeded
	if !errors.As(err, &exceeded) || exceeded.Used != 1000<<20 || exceeded.Limit != 1024<<20 {
		t.Fatalf("got %v", err)
	}
	want := "memory for state is full: 24 mb more is asked for, 1000 mb of 1 gb are in use; " +
		"give the process more memory, or spread the job over more TaskManagers"
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
	if err := state.Reserve(24 << 20); err != nil {
		t.Errorf("exactly the rest: %v", err)
	}
	if err := state.Reserve(math.MaxInt64); err == nil {
		t.Error("the sum overflowed")
	}
	state.Release(1000 << 20)
	if err := budget.Network.Reserve(1); err != nil {
		t.Error(err)
	}
	usage := budget.Usage()
	if usage[0] != (Usage{Share: "state", Used: 24 << 20, Limit: 1024 << 20, Peak: 1024 << 20}) || usage[1].Used != 1 || usage[2].Used != 0 {
		t.Errorf("%+v", usage)
	}
	var sum int64
	for _, u := range usage {
		sum += u.Limit
	}
	if sum > 2048<<20 {
		t.Errorf("shares add up to %d", sum)
	}
}

func TestReleaseOfMoreThanReservedIsABug(t *testing.T) {
	if !invariant.Enabled {
		t.Skip("needs the build tag invariants")
	}
	defer func() {
		if _, ok := recover().(*invariant.Violation); !ok {
			t.Error("no violation")
		}
	}()
	budget := NewBudget(1000)
	budget.State.Release(1)
}

// The limit holds however many reserve at once, and nothing is lost.
func TestConcurrentReservations(t *testing.T) {
	budget := NewBudget(600) // room for one reservation at a time
	state := &budget.State
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 200_000 {
				if state.Reserve(300) == nil {
					if used := state.Used(); used > state.Limit() {
						t.Errorf("%d of %d in use", used, state.Limit())
					}
					state.Release(300)
				}
			}
		})
	}
	all.Wait()
	if usage := state.Usage(); usage.Used != 0 || usage.Peak != 300 {
		t.Errorf("%+v", usage)
	}
}
