package config

import "time"

// LatencyDetail says what latencies are told apart by.
type LatencyDetail string

// The details.
const (
	LatencySingle     LatencyDetail = "single"
	LatencyByOperator LatencyDetail = "operator"
	LatencyBySubtask  LatencyDetail = "subtask"
)

// Options of figures, and of how the processes of a cluster say whether they are well.
var (
	MetricsUpdate = declare(Cluster, "metrics.fetcher.update-interval", 10*time.Second, duration(),
		"How old the figures of TaskManagers may be that the REST API shows. They are asked for only when somebody wants to see them.")

	MetricsFetchTimeout = declare(Cluster, "metrics.internal.query-service.timeout", 5*time.Second, duration(),
		"How long the JobManager waits for a TaskManager's figures.")

	LookoutPort = declare(Cluster, "metrics.internal.query-service.port", "0", text(),
		"Port at which a TaskManager shows figures, logs and profiles to the JobManager, and to nobody else; 0 is a free one, and of a range such as 50100-50200 the first free one is taken.")

	LatencyInterval = declare(Cluster, "metrics.latency.interval", time.Duration(0), duration(),
		"How often each subtask of a source sends a latency marker, by which the subtasks behind it measure how long records take to come to them. 0 sends none.")

	LatencyGranularity = declare(Cluster, "metrics.latency.granularity", LatencyByOperator, enum([]LatencyDetail{LatencySingle, LatencyByOperator, LatencyBySubtask}, nil),
		"What latencies are told apart by: `single` nothing but the subtask that measures, `operator` the source too, `subtask` the source's subtask too.")

	LatencyHistory = declare(Cluster, "metrics.latency.history-size", 128, integer(),
		"How many of its latest latencies each histogram describes.").that(between(1, 1<<20))

	MetricsReporters = declare(Cluster, "metrics.reporters", nil, list(),
		"Reporters that are used; `prom` is known.")

	PrometheusPort = declare(Cluster, "metrics.reporter.prom.port", "9249", text(),
		"Port, or ports such as 9250-9260, of the Prometheus reporter; each process takes the first that is free. A TaskManager shows the figures of its workers too.")

	PrometheusHost = declare(Cluster, "metrics.reporter.prom.host", "", text(),
		"Host that the Prometheus reporter listens on.").computed(func() string { return "" }, "every address of the machine")

	HealthPort = declare(Cluster, "weir.health.port", "", text(),
		"Port, or ports such as 9300-9310, at which a TaskManager says whether it is well (`/weir/v1/health/live` and `/weir/v1/health/ready`); the JobManager says it in its REST API.").computed(func() string { return "" }, "none")

	HealthHost = declare(Cluster, "weir.health.host", "", text(),
		"Host that these are listened on.").computed(func() string { return "" }, "every address of the machine")

	HealthRestarts = declare(Cluster, "weir.health.restarts", 3, integer(),
		"How many restarts within `weir.health.restarts-window` make a job unhealthy: it restarts in a loop.").that(between(1, 1<<30))

	HealthRestartsWindow = declare(Cluster, "weir.health.restarts-window", 10*time.Minute, duration(),
		"See `weir.health.restarts`.")

	HealthCheckpointAge = declare(Cluster, "weir.health.checkpoint-age", time.Duration(0), duration(),
		"How long a running job may be without a completed checkpoint before it is unhealthy. 0 stands for three times the larger of interval and timeout of its checkpoints.")

	HealthStartup = declare(Cluster, "weir.health.startup", 5*time.Minute, duration(),
		"How long a job may be neither running nor ended, as while it waits for slots, before it is unhealthy.")
)
