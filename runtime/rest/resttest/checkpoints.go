package resttest

import (
	"math"
	"time"

	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/rest/view"
)

func checkpointsOf(state string) *view.Checkpoints {
	n, there := load(state, "jobs_jobid_checkpoints")
	if !there {
		return nil
	}
	counts, summary, latest := n.at("counts"), n.at("summary"), n.at("latest")
	c := &view.Checkpoints{
		Counts: view.CheckpointCounts{
			Restored: int(counts.at("restored").int()), Total: int(counts.at("total").int()), InProgress: int(counts.at("in_progress").int()),
			Completed: int(counts.at("completed").int()), Failed: int(counts.at("failed").int()),
		},
		Summary: view.CheckpointSummary{
			Checkpointed: distributionOf(summary.at("checkpointed_size")), State: distributionOf(summary.at("state_size")),
			Millis: distributionOf(summary.at("end_to_end_duration")), Processed: distributionOf(summary.at("processed_data")),
			Persisted: distributionOf(summary.at("persisted_data")),
		},
		Completed: latestOf(latest.at("completed")), Savepoint: latestOf(latest.at("savepoint")), Failed: latestOf(latest.at("failed")),
	}
	if r := latest.at("restored"); !r.isNull() {
		c.Restored = &view.Restore{ID: uint64(r.at("id").int()), At: r.at("restore_timestamp").time(), Savepoint: r.at("is_savepoint").yes(), Path: r.at("external_path").text()}
	}
	for _, one := range n.at("history").list() {
		c.History = append(c.History, checkpointOf(one))
	}
	c.Settings = checkpointSettingsOf(firstOf(state, "jobs_jobid_checkpoints_config"))
	details := firstOf(state, "jobs_jobid_checkpoints_details_checkpointid")
	if one := c.Find(uint64(details.at("id").int())); one != nil {
		detail(one, state, details)
	}
	return c
}

// detail adds the vertices to a checkpoint of which they were recorded, and to the others, which have the same vertices.
func detail(one *view.Checkpoint, state string, details node) {
	for id, n := range details.at("tasks").object() {
		n := node{n}
		vertex := view.VertexCheckpoint{
			Status: view.CheckpointStatus(n.at("status").text()), LatestAck: n.at("latest_ack_timestamp").time(), Sizes: sizesOf(n),
			Millis: n.at("end_to_end_duration").int(), Subtasks: int(n.at("num_subtasks").int()), Acknowledged: int(n.at("num_acknowledged_subtasks").int()),
		}
		vertex.ID, _ = ident.ParseID(id)
		for _, suffix := range suffixes {
			parts := firstOf(state, "jobs_jobid_checkpoints_details_checkpointid_subtasks_vertexid"+suffix)
			if parts.at("checkpointed_size").int() == vertex.Sizes.Checkpointed {
				for _, p := range parts.at("subtasks").list() {
					vertex.Parts = append(vertex.Parts, partOf(p))
				}
			}
		}
		one.Vertices = append(one.Vertices, vertex)
	}
}

func distributionOf(n node) view.Distribution {
	quantile := func(key string) float64 {
		if n.at(key).text() == "NaN" {
			return math.NaN()
		}
		return n.at(key).float()
	}
	return view.Distribution{
		Min: n.at("min").int(), Max: n.at("max").int(), Avg: n.at("avg").int(),
		P50: quantile("p50"), P90: quantile("p90"), P95: quantile("p95"), P99: quantile("p99"), P999: quantile("p999"),
	}
}

func sizesOf(n node) view.CheckpointSizes {
	return view.CheckpointSizes{
		Checkpointed: n.at("checkpointed_size").int(), State: n.at("state_size").int(), Processed: n.at("processed_data").int(), Persisted: n.at("persisted_data").int(),
	}
}

func latestOf(n node) *view.Checkpoint {
	if n.isNull() {
		return nil
	}
	one := checkpointOf(n)
	return &one
}

func checkpointOf(n node) view.Checkpoint {
	return view.Checkpoint{
		ID: uint64(n.at("id").int()), Status: view.CheckpointStatus(n.at("status").text()), Savepoint: n.at("is_savepoint").yes(),
		Stop: n.at("checkpoint_type").text() == "SYNC_SAVEPOINT", Format: n.at("savepointFormat").text(), Triggered: n.at("trigger_timestamp").time(),
		LatestAck: n.at("latest_ack_timestamp").time(), Ended: n.at("failure_timestamp").time(), Sizes: sizesOf(n), Millis: n.at("end_to_end_duration").int(),
		Subtasks: int(n.at("num_subtasks").int()), Acknowledged: int(n.at("num_acknowledged_subtasks").int()), Path: n.at("external_path").text(),
		Discarded: n.at("discarded").yes(), Failure: n.at("failure_message").text(),
	}
}

func partOf(n node) view.SubtaskCheckpoint {
	sizes := sizesOf(n)
	sizes.Processed, sizes.Persisted = n.at("alignment", "processed").int(), n.at("alignment", "persisted").int()
	return view.SubtaskCheckpoint{
		Index: int(n.at("index").int()), Acked: n.at("className").text() == "completed", At: n.at("ack_timestamp").time(), Sizes: sizes,
		Millis: n.at("end_to_end_duration").int(), Sync: n.at("checkpoint", "sync").int(), Async: n.at("checkpoint", "async").int(),
		Alignment: n.at("alignment", "duration").int(), Delay: n.at("start_delay").int(), Unaligned: n.at("unaligned_checkpoint").yes(), Aborted: n.at("aborted").yes(),
	}
}

func checkpointSettingsOf(n node) view.CheckpointSettings {
	return view.CheckpointSettings{
		AtLeastOnce: n.at("mode").text() == "at_least_once", Interval: intervalOf(n.at("interval")), Timeout: n.at("timeout").millis(), MinPause: n.at("min_pause").millis(),
		MaxConcurrent: int(n.at("max_concurrent").int()), Externalized: n.at("externalization", "enabled").yes(),
		DeleteOnCancel: n.at("externalization", "delete_on_cancellation").yes(), Backend: n.at("state_backend").text(), Storage: n.at("checkpoint_storage").text(),
		Unaligned: n.at("unaligned_checkpoints").yes(), TolerableFailures: int(n.at("tolerable_failed_checkpoints").int()),
		AlignedTimeout: n.at("aligned_checkpoint_timeout").millis(), AfterTasksFinish: n.at("checkpoints_after_tasks_finish").yes(),
	}
}

// intervalOf is 0 for the longest time there is.
func intervalOf(n node) time.Duration {
	if n.float() >= math.MaxInt64 {
		return 0
	}
	return n.millis()
}
