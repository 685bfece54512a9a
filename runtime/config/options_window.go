package config

// Options of windows.
var (
	// WindowSlicing lets windows share slices of time.
	WindowSlicing = declare(Pipeline, "weir.window.slicing.enabled", true, boolean(),
		"Keeps tumbling and sliding windows that aggregate in slices of time, which overlapping windows share, where trigger and aggregate allow it. Results are the same without.")

	// WindowPreAggregation aggregates before the shuffle.
	WindowPreAggregation = declare(Pipeline, "weir.window.pre-aggregation.enabled", true, boolean(),
		"Aggregates the records of a window in the subtask before the shuffle, up to the next watermark or checkpoint, and sends the aggregates, where trigger and aggregate allow it. Results are the same without.")
)
