package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/weir-stream/weir/runtime/message"
)

// living are the processes that a process has started and that have not ended, also those that nobody has waited for.
func living(parent int) (pids []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
	for _, list := range lists {
		data, _ := os.ReadFile(list)
		for _, field := range strings.Fields(string(data)) {
			stat, err := os.ReadFile("/proc/" + field + "/stat")
			_, behind, _ := strings.Cut(string(stat), ") ")
			if pid, notANumber := strconv.Atoi(field); err == nil && notANumber == nil && !strings.HasPrefix(behind, "Z") {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// hasAFrozenTaskManagerReplaced stops a TaskManager alone. Its job goes on elsewhere; its worker, which lives on, ends when it has missed the TaskManager for
// the heartbeat's timeout; and when the TaskManager wakes, nothing that it still has to say does any harm.
func (b *bench) hasAFrozenTaskManagerReplaced() {
	frozen := b.taskManager(2).Process
	id, err := b.submit(b.binary, []string{"--output", filepath.Join(b.folder, "output")})
	if err != nil {
		b.Fatal(err)
	}
	b.await("results", func() bool { return len(b.published()) > 0 })
	workers := living(frozen.Pid)
	if err := frozen.Signal(syscall.SIGSTOP); err != nil {
		b.Fatal(err)
	}
	next := b.taskManager(2).Process
	b.await("a worker on the next TaskManager", func() bool { return len(living(next.Pid)) > 0 })
	if len(workers) != 1 {
		b.Fatalf("the frozen TaskManager has the workers %v", workers)
	}
	b.await("the end of the worker that misses its TaskManager", func() bool { return len(living(frozen.Pid)) == 0 })
	if err := frozen.Signal(syscall.SIGCONT); err != nil {
		b.Fatal(err)
	}
	if result := b.result(id); result.State != message.JobState_JOB_FINISHED {
		b.Fatalf("the job is %v: %v", result.State, result.Failure)
	}
	b.checkOutput()
}
