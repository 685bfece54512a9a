package config

import "time"

// Options of the JobManager's REST API.
var (
	RESTAddress = declare(Cluster, "rest.address", "", text(),
		"Host by which clients reach the JobManager's REST API.").computed(func() string { return "" }, "that of `jobmanager.rpc.address`")

	RESTPort = declare(Cluster, "rest.port", 8081, integer(),
		"Port of the JobManager's REST API; 0 is a free one.").that(between(0, 65535))

	RESTBindAddress = declare(Cluster, "rest.bind-address", "", text(),
		"Host that the REST API listens on.").computed(func() string { return "" }, "that of `rest.address`")

	RESTIdle = declare(Cluster, "rest.idleness-timeout", 5*time.Minute, duration(),
		"How long a connection without requests stays open.")

	RESTStoreFor = declare(Cluster, "rest.async.store-duration", 5*time.Minute, duration(),
		"How long the outcomes of asynchronous operations are kept for whoever asks for them.").that(atLeast(time.Second))

	RESTLargestBody = declare(Cluster, "rest.server.max-content-length", 100<<20, integer(),
		"How many bytes a request may have; a job's binary is one.").that(between(1, 1<<40))

	RESTProfiling = declare(Cluster, "rest.profiling.enabled", true, boolean(),
		"Whether profiles of the processes may be taken through the REST API.")

	WebTimeout = declare(Cluster, "web.timeout", 10*time.Minute, duration(),
		"How long a request may wait for the cluster.")

	WebRefresh = declare(Cluster, "web.refresh-interval", 3*time.Second, duration(),
		"How often the web UI asks anew.")

	WebUploads = declare(Cluster, "web.upload.dir", "", text(),
		"Folder of uploaded job binaries, which then stay when the JobManager ends.").computed(func() string { return "" }, "one below `io.tmp.dirs`")

	WebSubmit = declare(Cluster, "web.submit.enable", true, boolean(),
		"Whether job binaries may be uploaded and run through the REST API.")

	WebCancel = declare(Cluster, "web.cancel.enable", true, boolean(),
		"Whether the web UI offers to cancel jobs.")

	WebAllowOrigin = declare(Cluster, "web.access-control-allow-origin", "*", text(),
		"Header Access-Control-Allow-Origin of answers.")

	FlameGraphs = declare(Cluster, "rest.flamegraph.enabled", true, boolean(),
		"Whether stacks are sampled for flame graphs when somebody asks for one.")

	FlameGraphRefresh = declare(Cluster, "rest.flamegraph.refresh-interval", time.Minute, duration(),
		"How old a flame graph may be before stacks are sampled anew.")

	FlameGraphSamples = declare(Cluster, "rest.flamegraph.num-samples", 100, integer(),
		"How many times stacks are looked at for a flame graph.").that(between(1, 1000))

	FlameGraphPause = declare(Cluster, "rest.flamegraph.delay-between-samples", 50*time.Millisecond, duration(),
		"The time between two looks at stacks.")

	FlameGraphDepth = declare(Cluster, "rest.flamegraph.stack-depth", 100, integer(),
		"How many frames of a stack are shown, the innermost ones.").that(between(1, 500))
)
