package cluster

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/google/pprof/profile"
)

// checkObservations looks at what a job that runs, and the processes that run it, show of themselves.
func (b *bench) checkObservations(job, manager, vertex string) {
	b.Helper()
	b.await("a flame graph", func() bool {
		return b.get("/jobs/" + job + "/vertices/" + vertex + "/flamegraph?type=full")["data"] != nil
	})
	b.await("how long the tasks were busy", func() bool {
		figures := b.get("/jobs/" + job)["vertices"].([]any)[0].(map[string]any)["metrics"].(map[string]any)
		_, told := figures["accumulated-busy-time"].(float64)
		return told && figures["write-records"].(float64) > 0 && figures["write-bytes"].(float64) > 0
	})
	b.await("records per second and idle time", func() bool {
		answer := b.list("/jobs/" + job + "/vertices/" + vertex + "/subtasks/metrics?get=numRecordsOutPerSecond,idleTimeMsPerSecond&agg=min,sum")
		return len(answer) == 2 && answer[0]["sum"].(float64) > 0 && answer[1]["sum"].(float64) > 0 && answer[0]["max"] == nil
	})
	if pressure := b.get("/jobs/" + job + "/vertices/" + vertex + "/backpressure"); pressure["status"] != "ok" || len(pressure["subtasks"].([]any)) != 2 {
		b.Errorf("back pressure is %v", pressure)
	}
	b.checkGoroutines(manager)
	b.checkProfile(manager)
	b.checkMeasured()
	b.checkFigures()
	b.checkNames(job, manager)
	for _, path := range []string{"live", "ready", "jobs", "jobs/" + job} {
		if health := b.get("/weir/v1/health/" + path); health["status"] != "ok" {
			b.Errorf("%s is %v", path, health)
		}
	}
	workers := b.get("/weir/v1/workers")["workers"].([]any)
	if len(workers) != 1 || workers[0].(map[string]any)["jobId"] != job || workers[0].(map[string]any)["memory"].(float64) < 1<<20 {
		b.Errorf("the workers are %v", workers)
	}
}

// checkMeasured waits until figures of all kinds are more than zero.
func (b *bench) checkMeasured() {
	for _, name := range []string{
		"taskmanager_Status_Shuffle_Netty_TotalMemory", "taskmanager_Status_Shuffle_Netty_TotalMemorySegments", "taskmanager_job_task_mailboxLatencyMs_count",
		"taskmanager_job_latency_source_id_operator_id_operator_subtask_index_latency_count", "taskmanager_job_task_numBytesInLocal",
		"taskmanager_job_task_operator_state_bytesInMemory", "taskmanager_job_task_operator_state_numEntries", "taskmanager_job_task_operator_numRecordsSend",
		"taskmanager_job_task_operator_watermarkLag", "taskmanager_job_task_operator_split_watermark_accumulatedActiveTimeMs",
	} {
		measured := regexp.MustCompile(`(?m)^flink_` + name + `\{.*\} [1-9]`)
		b.await(name, func() bool { return measured.Match(b.scraped()) })
	}
}

// checkGoroutines looks for those of tasks among the TaskManager's.
func (b *bench) checkGoroutines(manager string) {
	for _, t := range b.get("/taskmanagers/" + manager + "/thread-dump")["threadInfos"].([]any) {
		thread := t.(map[string]any)
		if strings.HasPrefix(thread["threadName"].(string), "worker of ") && strings.Contains(thread["stringifiedThreadInfo"].(string), "task.(*Task)") {
			return
		}
	}
	b.Error("no task of a worker is among the goroutines of its TaskManager")
}

// checkProfile takes a profile of the TaskManager, which has its workers in it.
func (b *bench) checkProfile(manager string) {
	base := "/taskmanagers/" + manager + "/profiler"
	b.send("POST", base, map[string]any{"mode": "WALL", "duration": 1})
	var file string
	b.await("a profile", func() bool {
		one := b.get(base)["profilingList"].([]any)[0].(map[string]any)
		file = one["outputFile"].(string)
		return one["status"] == "FINISHED"
	})
	taken, err := profile.ParseData(b.content(base + "/" + file))
	if err != nil {
		b.Fatal(err)
	}
	processes := map[string]bool{}
	for _, s := range taken.Sample {
		processes[strings.Join(s.Label["process"], "")] = true
	}
	if !processes["TaskManager"] || len(processes) != 2 {
		b.Errorf("the profile is of %v", slices.Collect(maps.Keys(processes)))
	}
}

func (b *bench) content(path string) []byte {
	b.Helper()
	response, err := http.Get("http://" + b.jobs.RESTAddress() + path)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		b.Fatalf("%s: %s %v", path, response.Status, err)
	}
	return content
}

func (b *bench) list(path string) (answer []map[string]any) {
	b.Helper()
	if err := json.Unmarshal(b.content(path), &answer); err != nil {
		b.Fatal(path, err)
	}
	return answer
}

// served finds in the log where figures are served.
var served = regexp.MustCompile(`msg="figures are served to Prometheus" address=(\S+)`)

// checkFigures looks for each name that the dashboard has in what Prometheus gets.
func (b *bench) checkFigures() {
	dashboard, err := os.ReadFile("../../deploy/grafana/weir.json")
	if err != nil {
		b.Fatal(err)
	}
	all := b.scraped()
	names := regexp.MustCompile(`flink_[A-Za-z0-9_]+`).FindAllString(string(dashboard), -1)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if !bytes.Contains(all, []byte("\n"+name+"{")) {
			b.Errorf("nobody serves %s, which the dashboard shows", name)
		}
	}
	if len(names) < 20 {
		b.Errorf("the dashboard shows %d figures", len(names))
	}
}

// scraped is what all processes serve to Prometheus.
func (b *bench) scraped() []byte {
	var all bytes.Buffer
	for _, at := range served.FindAllStringSubmatch(b.logged(), -1) {
		response, err := http.Get("http://" + at[1] + "/metrics")
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(&all, response.Body)
		response.Body.Close()
	}
	return all.Bytes()
}
