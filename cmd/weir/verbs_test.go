package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/weir-stream/weir/runtime/rest"
	"github.com/weir-stream/weir/runtime/rest/answer"
	"github.com/weir-stream/weir/runtime/rest/resttest"
	"github.com/weir-stream/weir/runtime/rest/view"
)

// withLogs is a recorded cluster whose TaskManager has what a job's workers have written.
type withLogs struct {
	*resttest.Cluster
	job string
}

func (w *withLogs) Logs(_ context.Context, p view.Process) ([]view.LogFile, error) {
	if p.TaskManager == "" {
		return []view.LogFile{{Name: "jobmanager.log", Size: 7}}, nil
	}
	return []view.LogFile{{Name: "taskmanager.log", Size: 7}, {Name: "t-" + w.job + ".log", Size: 7}, {Name: "t-" + w.job + ".out", Size: 0}}, nil
}

func (w *withLogs) OpenLog(_ context.Context, p view.Process, name string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(fmt.Sprintf("%s of %q\n", name, p.TaskManager))), nil
}

// recorded serves a cluster in some states, and returns how commands are carried out against it.
func recorded(t *testing.T, states ...string) (verb func(arguments ...string) (string, int), cluster *withLogs) {
	t.Helper()
	cluster = &withLogs{Cluster: resttest.New(states...)}
	jobs, err := cluster.Jobs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cluster.job = jobs[0].ID.String()
	server, err := rest.New(cluster, rest.Options{UploadDir: t.TempDir(), Timeout: 0, Profiling: true, FlameGraphs: true})
	if err != nil {
		t.Fatal(err)
	}
	listening := httptest.NewServer(server)
	close(cluster.Gate)
	t.Cleanup(func() {
		listening.Close()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return func(arguments ...string) (string, int) {
		var out bytes.Buffer
		at := slices.IndexFunc(arguments, func(a string) bool { return a != cobra.ShellCompRequestCmd }) + 1
		code := run(t.Context(), slices.Insert(slices.Clone(arguments), at, "-m", strings.TrimPrefix(listening.URL, "http://")), &out, &out)
		return out.String(), code
	}, cluster
}

func TestLogsAreShown(t *testing.T) {
	verb, cluster := recorded(t, "running")
	managers, err := cluster.TaskManagers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	manager := managers[0].ID
	for _, c := range []struct {
		words string
		code  int
		line  []string
	}{
		{"of \"\"\n", exitDone, []string{"logs"}},
		{fmt.Sprintf("of %q\n", manager), exitDone, []string{"logs", "-t", manager}},
		{fmt.Sprintf("taskmanager.log of %q\n", manager), exitDone, []string{"logs", "-t", manager, "-f", "taskmanager.log"}},
		{"         7 JobManager jobmanager.log\n", exitDone, []string{"logs", "-l"}},
		{fmt.Sprintf("==> %s t-%s.log <==\nt-%s.log of %q\n", manager, cluster.job, cluster.job, manager), exitDone, []string{"logs", cluster.job}},
		{"\"name\": \"t-" + cluster.job + ".out\"", exitDone, []string{"logs", "--list", "--json", cluster.job}},
		{"none of 1 TaskManagers has logs", exitFailed, []string{"logs", strings.Repeat("1", 32)}},
		{"no job id", exitUsage, []string{"logs", "x"}},
		{"takes a job, or", exitUsage, []string{"logs", "-t", "x", cluster.job}},
	} {
		if out, code := verb(c.line...); code != c.code || !strings.Contains(out, c.words) {
			t.Errorf("weir %v: %d, %q", c.line, code, out)
		}
	}
}

// TestAProcessIsLookedInto has the recorded cluster's one profile stand for the one that is taken.
func TestAProcessIsLookedInto(t *testing.T) {
	verb, cluster := recorded(t, "running")
	managers, err := cluster.TaskManagers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	manager, file := managers[0].ID, filepath.Join(t.TempDir(), "it.pprof")
	for _, c := range []struct {
		words string
		code  int
		line  []string
	}{
		{"goroutine 1 [running]", exitDone, []string{"threads"}},
		{"goroutine 1 [running]", exitDone, []string{"threads", "-t", manager}},
		{"\"threadName\": \"main\"", exitDone, []string{"threads", "--json"}},
		{"nosuch", exitFailed, []string{"threads", "-t", "nosuch"}},
		{"The profile is in " + file, exitDone, []string{"profile", "-t", manager, "--duration", "1s", "-o", file}},
		{"<html/>", exitDone, []string{"profile", "--duration", "1s", "-o", "-"}},
		{"--mode \"x\": there are CPU", exitUsage, []string{"profile", "--mode", "x"}},
		{"--duration 1.5s: want whole seconds", exitUsage, []string{"profile", "--duration", "1500ms"}},
		{"it.pprof", exitFailed, []string{"profile", "--duration", "1s", "-o", filepath.Join(file, "it.pprof")}},
		{"--type \"x\": there are full", exitUsage, []string{"flamegraph", "--type", "x", cluster.job}},
		{"Source: Numbers", exitDone, []string{"flamegraph", cluster.job}},
		{"has no task that runs", exitFailed, []string{"flamegraph", "--vertex", "nosuch", cluster.job}},
		{"no job id", exitUsage, []string{"flamegraph", "x"}},
	} {
		if out, code := verb(c.line...); code != c.code || !strings.Contains(out, c.words) {
			t.Errorf("weir %v: %d, %q", c.line, code, out)
		}
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != "<html/>" {
		t.Errorf("the profile: %q, %v", content, err)
	}
}

func TestSamplesAreFolded(t *testing.T) {
	var out strings.Builder
	fold(&out, "Map", &answer.Frame{Name: "root", Value: 9, Children: []*answer.Frame{
		{Name: "a", Value: 6, Children: []*answer.Frame{{Name: "b;c", Value: 4}}}, {Name: "d", Value: 3},
	}})
	if want := "Map;a;b,c 4\nMap;a 2\nMap;d 3\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

func TestScriptsReadJSON(t *testing.T) {
	verb, cluster := recorded(t, "running")
	for line, key := range map[string]string{
		"savepoint --json " + cluster.job: "location", "stop --json " + cluster.job: "location", "checkpoint --json " + cluster.job: "checkpointId",
		"checkpoint --json -full " + cluster.job: "checkpointType", "list --json": "jobs",
	} {
		out, code := verb(strings.Fields(line)...)
		var read map[string]any
		if err := json.Unmarshal([]byte(out), &read); code != exitDone || err != nil || read[key] == nil {
			t.Errorf("weir %s: %d, %v: %s", line, code, err, out)
		}
	}
	var out bytes.Buffer
	var v version
	if code := run(t.Context(), []string{"version", "--json"}, &out, &out); code != exitDone || json.Unmarshal(out.Bytes(), &v) != nil || v.Worker == 0 || v.Snapshot == 0 || v.Go == "" {
		t.Errorf("version: %d, %s", code, &out)
	}
	if said := versionOf("abc-dirty").said(); !strings.Contains(said, "revision abc with changes") {
		t.Error(said)
	}
}

func TestTheShellCompletesJobs(t *testing.T) {
	verb, cluster := recorded(t, "running", "finished")
	jobs, err := cluster.Jobs(t.Context())
	if err != nil || len(jobs) != 2 {
		t.Fatal(len(jobs), err)
	}
	for _, name := range []string{"cancel", "stop", "savepoint", "checkpoint", "logs"} {
		out, code := verb(cobra.ShellCompRequestCmd, name, "") // as the shell asks
		if code != exitDone || !strings.Contains(out, jobs[0].ID.String()+"\t"+jobs[0].Name+" (RUNNING)") || strings.Contains(out, "FINISHED") {
			t.Errorf("%s: %d, %s", name, code, out)
		}
	}
	var script bytes.Buffer
	if code := run(t.Context(), []string{"completion", "bash"}, &script, &script); code != exitDone || !strings.Contains(script.String(), "__complete") {
		t.Errorf("%d, %.100s", code, &script)
	}
}

func TestFlinksOptionsWithOneDash(t *testing.T) {
	for line, want := range map[string]string{
		"run -sae -d -p 2 x -- -type": "run --sae -d -p 2 x -- -type", "savepoint -type native j": "savepoint --type native j", "checkpoint -full j": "checkpoint --full j",
		"stop -drain -p /x j": "stop --drain -p /x j", "list -ra": "list -ra", "run -Da=b x": "run -Da=b x", "nonsense -x": "nonsense -x", "stop -type=native j": "stop --type=native j",
	} {
		if got := flinkStyle(newRoot(), strings.Fields(line)); !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s became %q", line, got)
		}
	}
}

func TestThePlanOfAProgram(t *testing.T) {
	var out, problems bytes.Buffer
	if code := run(t.Context(), []string{"info", "--json", "-p", "3", built(t, "steady"), "--", "--sensors", "5"}, &out, &problems); code != exitDone {
		t.Fatalf("%d, %s", code, &problems)
	}
	var plan struct {
		Name  string
		Nodes []struct {
			Parallelism int
			Description string
		}
	}
	if err := json.Unmarshal(out.Bytes(), &plan); err != nil || plan.Name != "steady" || len(plan.Nodes) != 2 || plan.Nodes[0].Parallelism != 3 {
		t.Errorf("%v: %s", err, &out)
	}
	out.Reset()
	if code := run(t.Context(), []string{"info", built(t, "steady"), "--", "--sensors", "0"}, &out, &problems); code != exitFailed || !strings.Contains(problems.String(), "at least one sensor") {
		t.Errorf("%d, %s", code, &problems)
	}
}
