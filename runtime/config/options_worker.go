package config

import "time"

// Options of the workers of a TaskManager: how they are kept from harming each other.
var (
	TaskManagerMemory = declare(Cluster, "taskmanager.memory.process.size", MemorySize(0), memorySize(),
		"Memory of a TaskManager with all of its workers. A sixteenth of it, at least 32 mb and at most 256 mb, is the TaskManager's own, and each slot has an even part of the rest. "+
			"What a job's worker may use is the part of the slots that the job holds there, whether others use theirs or not: so a job never works only because its neighbours are away. "+
			"A worker that uses more is ended alone, and the failure says so.").
		computed(func() MemorySize { return 0 }, "nine tenths of what the control group (cgroup) of the process allows, or else half of the machine's memory").
		that(noneOrAtLeast(64 * Mebibyte))

	WorkerMemoryInterval = declare(Cluster, "weir.worker.memory.check-interval", 100*time.Millisecond, duration(),
		"How often the memory of a worker is looked at; ten times as often when it is near its share.").that(atLeast(time.Millisecond))

	WorkerGroup = declare(Cluster, "weir.worker.cgroup", "auto", text(),
		"Control group (cgroup) below which each worker gets one of its own that holds its memory, with all that it starts: the path of a folder below /sys/fs/cgroup, "+
			"`auto` for the group of the TaskManager itself, if that can be written to and has the memory controller, or `off`. Without one, the TaskManager looks at the worker's own memory alone.")

	WorkerOutputRate = declare(Cluster, "weir.worker.output.rate", MemorySize(16<<20), memorySize(),
		"How much a worker may write to its standard output, and to its standard error, in a second. One that writes more waits. 0 is no bound.").that(atLeast(MemorySize(0)))

	WorkerOutputLimit = declare(Cluster, "weir.worker.output.limit", MemorySize(1<<30), memorySize(),
		"How much what workers have written may take on a TaskManager's disk. When a worker starts and there is more, files of jobs that have ended here go, those first that were written to longest ago. "+
			"What one job writes is rotated: each of its outputs takes at the most 50 mb. 0 is no bound.").that(atLeast(MemorySize(0)))

	MailboxTimeout = declare(Cluster, "weir.task.mailbox.timeout", 3*time.Minute, duration(),
		"A worker process is ended if a running task in it does not answer for this long, because one call of a user's function, for one record, has not returned. "+
			"Time in which a task waits for input, for credit of those behind it, or for its turn does not count. The failure shows where the call stands. "+
			"As `task.cancellation.timeout` would end such a worker too, the default is the same. 0 waits for ever.").that(atLeast(time.Duration(0)))
)

// noneOrAtLeast accepts 0 and what is no less than least.
func noneOrAtLeast(least MemorySize) func(MemorySize) error {
	return func(value MemorySize) error {
		if value == 0 {
			return nil
		}
		return atLeast(least)(value)
	}
}
