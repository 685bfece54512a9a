package cluster

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/weir-stream/weir/runtime/rest/resttest"
)

// without are the metrics of Flink that there are none of, and why: expressions that their names match whole, in the forms of Prometheus and of the REST API.
var without = map[string]string{
	`(.*[._])?Status[._]JVM[._]GarbageCollector[._]G1_(Old|Young)_Generation[._].*`:              "Go has one collector, which is listed as Go; All has the same figures",
	`(.*[._])?lab_records|(.*[._])?lab\.records|(.*[._])?lastValue`:                              "metrics of the user's own in the recorded job",
	`(.*[._])?lastCheckpointMetadataSize`:                                                        "the JobMaster is not told how large the file of metadata is, which a task of its own writes",
	`flink_jobmanager_job_operator_coordinator_enumerator_unassignedSplits|.*\.unassignedSplits`: "enumerators keep splits in a way of their own and do not tell",
}

// checkNames looks for each metric that Flink has shown, at each scope.
func (b *bench) checkNames(job, manager string) {
	b.Helper()
	typed := regexp.MustCompile(`(?m)^# TYPE (\S+) `)
	names := func(text []byte) map[string]bool {
		all := map[string]bool{}
		for _, m := range typed.FindAllSubmatch(text, -1) {
			all[string(m[1])] = true
		}
		return all
	}
	recorded := map[string]bool{}
	for _, process := range []string{"jobmanager", "taskmanager"} {
		text, err := os.ReadFile("../metrics/prometheus/testdata/" + process + ".txt")
		if err != nil {
			b.Fatal(err)
		}
		maps.Copy(recorded, names(text))
	}
	excused := map[string]bool{}
	b.compareNames("Prometheus", recorded, names(b.scraped()), excused)
	for template, own := range map[string]string{
		"/jobmanager/metrics": "/jobmanager/metrics", "/jobs/:jobid/metrics": "/jobs/" + job + "/metrics", "/taskmanagers/:taskmanagerid/metrics": "/taskmanagers/" + manager + "/metrics",
	} {
		for _, c := range resttest.Calls("running") {
			if c.Template == template && !strings.Contains(c.Path, "?") {
				b.compareNames(template, ids(b, c.Answer()), ids(b, b.content(own)), excused)
			}
		}
	}
	for pattern, why := range without {
		if !excused[pattern] {
			b.Errorf("%s is there, or Flink has none (%s)", pattern, why)
		}
	}
}

// ids are those of a list of metrics.
func ids(b *bench, answer []byte) map[string]bool {
	b.Helper()
	var list []struct{ ID string }
	if err := json.Unmarshal(answer, &list); err != nil {
		b.Fatal(err)
	}
	all := map[string]bool{}
	for _, m := range list {
		all[m.ID] = true
	}
	return all
}

func (b *bench) compareNames(where string, recorded, own, excused map[string]bool) {
	b.Helper()
	if len(recorded) < 10 {
		b.Errorf("%s: %d names are recorded", where, len(recorded))
	}
	for _, name := range slices.Sorted(maps.Keys(recorded)) {
		if own[name] {
			continue
		}
		reason := ""
		for pattern, why := range without {
			if regexp.MustCompile("^(" + pattern + ")$").MatchString(name) {
				reason = why
				excused[pattern] = true
			}
		}
		if reason == "" {
			b.Errorf("%s: Flink has %s, which nobody shows", where, name)
		}
	}
}
