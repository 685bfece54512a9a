package config

import "time"

// Options of the processes of a cluster: where they listen, and what they start.
var (
	JobManagerAddress = declare(Cluster, "jobmanager.rpc.address", "localhost", text(),
		"Host by which TaskManagers reach the JobManager.")

	JobManagerPort = declare(Cluster, "jobmanager.rpc.port", 6123, integer(),
		"Port by which TaskManagers reach the JobManager; 0 is a free one.").that(between(0, 65535))

	JobManagerBindHost = declare(Cluster, "jobmanager.bind-host", "", text(),
		"Host that the JobManager listens on.").computed(func() string { return "" }, "that of `jobmanager.rpc.address`")

	BlobPort = declare(Cluster, "blob.server.port", 0, integer(),
		"Port by which TaskManagers fetch binaries from the JobManager; 0 is a free one.").that(between(0, 65535))

	BlobFolder = declare(Cluster, "blob.storage.directory", "", text(),
		"Folder of binaries and other large things that jobs are started from.").computed(func() string { return "" }, "one below `io.tmp.dirs`")

	BlobLimit = declare(Cluster, "weir.blob.storage.limit", MemorySize(10<<30), memorySize(),
		"How much these may take on a process's disk. Those in use stay; of the others, those that were used longest ago go. "+
			"As much may be uploaded by REST and not deleted again.")

	TaskManagerHost = declare(Cluster, "taskmanager.host", "localhost", text(),
		"Host by which others reach the TaskManager and its workers.")

	TaskManagerBindHost = declare(Cluster, "taskmanager.bind-host", "", text(),
		"Host that the TaskManager listens on.").computed(func() string { return "" }, "that of `taskmanager.host`")

	TaskManagerPort = declare(Cluster, "taskmanager.rpc.port", 0, integer(),
		"Port by which the JobManager reaches the TaskManager; 0 is a free one.").that(between(0, 65535))

	ClientHeartbeatInterval = declare(Cluster, "client.heartbeat.interval", 30*time.Second, duration(),
		"How often an attached `weir run --sae` says that it lives.").that(atLeast(time.Millisecond))

	ClientHeartbeatTimeout = declare(Cluster, "client.heartbeat.timeout", 3*time.Minute, duration(),
		"A job of an attached `weir run --sae` is canceled when nothing is heard of its client for so long.").that(atLeast(time.Millisecond))

	PlanTimeout = declare(Cluster, "weir.plan.timeout", 30*time.Second, duration(),
		"How long a job's binary may take to build its graph, and a worker to begin to serve.")

	PlanMemory = declare(Cluster, "weir.plan.memory", MemorySize(0), memorySize(),
		"How much memory a job's binary may take to build its graph. 0 stands for a quarter of what the JobManager's control group, or half of the machine, has.")

	WorkerGrace = declare(Cluster, "weir.worker.grace", 5*time.Second, duration(),
		"How long a worker process may take to end before it is killed.")

	JobEnvironment = declare(Cluster, "weir.job.environment", nil, list(),
		"Variables of the JobManager's environment that job binaries see, besides those that Go, the operating system and object stores look at; a name that ends with `*` stands for all that begin so.")
)
