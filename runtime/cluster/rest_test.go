package cluster

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/weir-stream/weir/runtime/rest/resttest"
)

// ask sends a request to the REST API and reads its answer.
func (b *bench) ask(method, path, kind string, body io.Reader) (status int, answer map[string]any) {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), method, "http://"+b.jobs.RESTAddress()+path, body)
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("Content-Type", kind)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		b.Fatal(err)
	}
	_ = json.Unmarshal(content, &answer) // a list or no JSON has no members to look at
	if answer == nil {
		answer = map[string]any{"": string(content)}
	}
	return response.StatusCode, answer
}

// get asks for what must be there.
func (b *bench) get(path string) map[string]any {
	b.Helper()
	status, answer := b.ask("GET", path, "", nil)
	if status != http.StatusOK {
		b.Fatalf("GET %s: %d %v", path, status, answer)
	}
	return answer
}

// send sends JSON, which must be accepted.
func (b *bench) send(method, path string, body any) map[string]any {
	b.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		b.Fatal(err)
	}
	status, answer := b.ask(method, path, "application/json", bytes.NewReader(encoded))
	if status != http.StatusOK && status != http.StatusAccepted {
		b.Fatalf("%s %s: %d %v", method, path, status, answer)
	}
	return answer
}

// poll waits for the end of an asynchronous operation.
func (b *bench) poll(path string, triggered map[string]any) map[string]any {
	b.Helper()
	var operation map[string]any
	b.await(path, func() bool {
		answer := b.get(path + "/" + triggered["request-id"].(string))
		if answer["status"].(map[string]any)["id"] != "COMPLETED" {
			return false
		}
		operation, _ = answer["operation"].(map[string]any)
		return true
	})
	return operation
}

func (b *bench) upload() (jar string) {
	b.Helper()
	file, err := os.ReadFile(os.Args[0])
	if err != nil {
		b.Fatal(err)
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("jarfile", "counts.jar")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := part.Write(file); err != nil || w.Close() != nil {
		b.Fatal(err)
	}
	status, answer := b.ask("POST", "/jars/upload", w.FormDataContentType(), &form)
	if status != http.StatusOK {
		b.Fatalf("upload: %d %v", status, answer)
	}
	return filepath.Base(answer["filename"].(string))
}

// shapes compares answers with those of Flink in a state, with own ids in the place of the recorded ones. What differs is returned.
func (b *bench) shapes(state string, ids map[string]string) (asked int, differences []string) {
	for _, c := range resttest.Calls(state) {
		if c.Method != http.MethodGet || strings.Contains(c.Path, "/logs/") || strings.HasSuffix(c.Path, "/log") || strings.HasSuffix(c.Path, "/stdout") {
			continue
		}
		path := c.Path
		for recorded, own := range ids {
			path = strings.ReplaceAll(path, recorded, own)
		}
		response, err := http.Get("http://" + b.jobs.RESTAddress() + strings.ReplaceAll(path, " ", "%20"))
		if err != nil {
			b.Fatal(err)
		}
		content, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil {
			b.Fatal(err)
		}
		asked++
		var recorded, answered any
		if response.StatusCode != c.Status {
			differences = append(differences, fmt.Sprintf("%s: status %d, recorded %d: %.300s", c.Template, response.StatusCode, c.Status, content))
			continue
		}
		if json.Unmarshal(c.Answer(), &recorded) != nil || json.Unmarshal(content, &answered) != nil {
			continue
		}
		if unsampled(recorded) || unsampled(answered) {
			continue
		}
		for _, d := range resttest.Differences(recorded, answered) {
			differences = append(differences, c.Template+": "+d)
		}
	}
	return asked, differences
}

// unsampled says that there was nothing sampled yet to answer with.
func unsampled(recorded any) bool {
	answer, _ := recorded.(map[string]any)
	return answer["status"] == "deprecated" || answer["endTimestamp"] != nil && answer["data"] == nil
}

func (b *bench) answersLikeAnEmptyCluster() {
	asked, differences := b.shapes("empty", nil)
	for _, d := range differences {
		b.Error(d)
	}
	if asked == 0 {
		b.Error("nothing was recorded")
	}
}

// runsAJobOverREST runs a job, stops it with a savepoint, goes on from that, cancels it and deletes the savepoint.
func (b *bench) runsAJobOverREST() {
	b.taskManager(2)
	jar := b.upload()
	configuration := map[string]string{"execution.checkpointing.interval": "100ms", "metrics.latency.interval": "20ms", "execution.checkpointing.dir": filepath.Join(b.TempDir(), "checkpoints")}
	run := map[string]any{
		"programArgsList": []string{"--endless", "--output", filepath.Join(b.TempDir(), "rest")}, "parallelism": 2, "flinkConfiguration": configuration,
	}
	if plan := b.send("POST", "/jars/"+jar+"/plan", run)["plan"]; plan == nil {
		b.Error("there is no plan")
	}
	job := b.start(jar, run)
	b.awaitCheckpoint(job)
	b.checkDetails(job)

	savepoints := filepath.Join(b.TempDir(), "savepoints")
	triggered := b.send("POST", "/jobs/"+job+"/savepoints", map[string]any{"target-directory": savepoints})
	first, _ := b.poll("/jobs/"+job+"/savepoints", triggered)["location"].(string)
	triggered = b.send("POST", "/jobs/"+job+"/stop", map[string]any{"targetDirectory": savepoints})
	second, _ := b.poll("/jobs/"+job+"/savepoints", triggered)["location"].(string)
	if first == "" || second == "" || first == second {
		b.Fatalf("savepoints are %q and %q", first, second)
	}
	b.awaitState(job, "FINISHED")
	b.checkStands("finished", job)

	run["savepointPath"] = second
	job = b.start(jar, run)
	b.await("the savepoint was restored", func() bool {
		restored, _ := b.get("/jobs/" + job + "/checkpoints")["latest"].(map[string]any)["restored"].(map[string]any)
		return restored != nil && restored["is_savepoint"] == true
	})
	b.awaitCheckpoint(job)
	b.send("PATCH", "/jobs/"+job, nil)
	b.awaitState(job, "CANCELED")
	b.checkStands("canceled", job)
	delete(run, "savepointPath")
	b.hasJobsFail(jar, run)
	run["programArgsList"] = []string{"--endless", "--output", filepath.Join(b.TempDir(), "rest")}
	job = b.start(jar, run)
	b.send("PATCH", "/jobs/"+job+"/clientHeartbeat", map[string]any{"expiredTimestamp": 1}) // it is missed already
	b.awaitState(job, "CANCELED")
	b.checkDisposal(strings.TrimPrefix(second, "file://"))
}

func (b *bench) start(jar string, run map[string]any) (job string) {
	b.Helper()
	job = b.send("POST", "/jars/"+jar+"/run", run)["jobid"].(string)
	b.awaitState(job, "RUNNING")
	b.await("all tasks run", func() bool {
		for _, v := range b.get("/jobs/" + job)["vertices"].([]any) {
			if v.(map[string]any)["status"] != "RUNNING" {
				return false
			}
		}
		return true
	})
	return job
}

func (b *bench) awaitCheckpoint(job string) {
	b.Helper()
	b.await("a checkpoint", func() bool {
		return b.get("/jobs/" + job + "/checkpoints")["counts"].(map[string]any)["completed"].(float64) > 0
	})
}

func (b *bench) awaitState(job, state string) {
	b.Helper()
	b.await(state, func() bool { return b.get("/jobs/" + job + "/status")["status"] == state })
}

// checkDetails looks at what is told of a job that runs.
func (b *bench) checkDetails(job string) {
	overview := b.get("/overview")
	if overview["taskmanagers"] != 1.0 || overview["slots-total"] != 2.0 || overview["jobs-running"] != 1.0 || overview["slots-available"] != 0.0 {
		b.Errorf("the overview is %v", overview)
	}
	manager := b.get("/taskmanagers")["taskmanagers"].([]any)[0].(map[string]any)
	vertices := b.get("/jobs/" + job)["vertices"].([]any)
	if want := float64(2 * len(vertices)); manager["assignedTasks"] != want || manager["dataPort"] == 0.0 {
		b.Errorf("%v tasks are due in the TaskManager %v", want, manager)
	}
	vertex := vertices[0].(map[string]any)["id"].(string)
	subtask := b.get("/jobs/" + job + "/vertices/" + vertex)["subtasks"].([]any)[1].(map[string]any)
	if subtask["taskmanager-id"] != manager["id"] || subtask["status"] != "RUNNING" {
		b.Errorf("the subtask is %v", subtask)
	}
	if known := b.get("/jobs/overview")["jobs"].([]any); known[len(known)-1].(map[string]any)["jid"] != job {
		b.Errorf("the jobs are %v", known)
	}
	b.checkObservations(job, manager["id"].(string), vertex)
	ids := map[string]string{}
	b.learn("running", ids, job, manager["id"].(string), vertices)
	b.learnCheckpoint("running", ids, job)
	asked, differences := b.shapes("running", ids)
	for _, d := range differences {
		b.Error(d)
	}
	if asked < 80 {
		b.Errorf("%d requests", asked)
	}
}

// learn finds the ids of the record that stand for own ones.
func (b *bench) learn(state string, ids map[string]string, job, manager string, vertices []any) {
	for _, c := range resttest.Calls(state) {
		var answer map[string]any
		if json.Unmarshal(c.Answer(), &answer) != nil {
			continue
		}
		switch c.Template {
		case "/jobs/:jobid":
			ids[answer["jid"].(string)] = job
			for i, v := range answer["vertices"].([]any) {
				ids[v.(map[string]any)["id"].(string)] = vertices[min(i, len(vertices)-1)].(map[string]any)["id"].(string)
			}
		case "/taskmanagers":
			ids[answer["taskmanagers"].([]any)[0].(map[string]any)["id"].(string)] = manager
		}
	}
}

// hasJobsFail has one job that gives up after a restart, and one that waits for its restart.
func (b *bench) hasJobsFail(jar string, run map[string]any) {
	run["programArgsList"] = []string{"--endless", "--failing", "--output", filepath.Join(b.TempDir(), "failing")}
	configuration := run["flinkConfiguration"].(map[string]string)
	configuration["restart-strategy.type"] = "fixed-delay"
	configuration["restart-strategy.fixed-delay.attempts"] = "2"
	configuration["restart-strategy.fixed-delay.delay"] = "10ms"
	job := b.start(jar, run)
	b.awaitState(job, "FAILED")
	b.checkStands("failed", job)
	for _, told := range []string{"job is RESTARTING", "job is FAILING", "job is FAILED"} {
		if !strings.Contains(b.logged(), told) {
			b.Errorf("the log does not have %q", told)
		}
	}
	if !strings.Contains(b.logged(), "is too late") {
		b.Error("the log does not say why the job restarts")
	}
	configuration["restart-strategy.fixed-delay.delay"] = "1h"
	run["programArgsList"] = []string{"--endless", "--failing", "--output", filepath.Join(b.TempDir(), "failing")}
	job = b.start(jar, run)
	b.awaitState(job, "RESTARTING")
	b.checkStands("restarting", job)
	b.send("PATCH", "/jobs/"+job, nil)
	b.awaitState(job, "CANCELED")
	delete(configuration, "restart-strategy.type")
}

// learnCheckpoint has the job's latest checkpoint stand for the one that the record shows, and none for one that it did not have.
func (b *bench) learnCheckpoint(state string, ids map[string]string, job string) {
	latest := b.get("/jobs/" + job + "/checkpoints")["latest"].(map[string]any)["completed"].(map[string]any)
	for _, c := range resttest.Calls(state) {
		if _, recorded, ok := strings.Cut(c.Path, "/checkpoints/details/"); ok {
			number, _, _ := strings.Cut(recorded, "/")
			own := latest["id"]
			if c.Status == http.StatusNotFound {
				own = 1 << 40
			}
			ids["/checkpoints/details/"+number] = fmt.Sprintf("/checkpoints/details/%v", own)
		}
	}
}

// checkStands compares what is told of a job in a state with the record.
func (b *bench) checkStands(state, job string) {
	b.Helper()
	ids := map[string]string{}
	manager := b.get("/taskmanagers")["taskmanagers"].([]any)[0].(map[string]any)
	b.learn(state, ids, job, manager["id"].(string), b.get("/jobs/" + job)["vertices"].([]any))
	b.learnCheckpoint(state, ids, job)
	asked, differences := b.shapes(state, ids)
	for _, d := range differences {
		b.Error(state, d)
	}
	if asked < 30 {
		b.Errorf("%s: %d requests", state, asked)
	}
}

// checkDisposal deletes a savepoint, and fails to delete what is none.
func (b *bench) checkDisposal(savepoint string) {
	stranger := filepath.Join(savepoint, "stranger")
	if err := os.WriteFile(stranger, nil, 0o600); err != nil {
		b.Fatal(err)
	}
	outcome := b.poll("/savepoint-disposal", b.send("POST", "/savepoint-disposal", map[string]any{"savepoint-path": savepoint}))
	if outcome["failure-cause"] != nil {
		b.Errorf("disposal: %.500v", outcome)
	}
	left, err := os.ReadDir(savepoint)
	if err != nil || len(left) != 1 || left[0].Name() != "stranger" {
		b.Errorf("there is left of the savepoint: %v, %v", left, err)
	}
	outcome = b.poll("/savepoint-disposal", b.send("POST", "/savepoint-disposal", map[string]any{"savepoint-path": savepoint}))
	if outcome["failure-cause"] == nil {
		b.Error("what is no savepoint was deleted")
	}
}
