package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func texts(err error) []string {
	var e *Error
	if !errors.As(err, &e) {
		return nil
	}
	var all []string
	for _, p := range e.Problems {
		all = append(all, p.Text)
	}
	return all
}

func noticeTexts(notices []Notice) []string {
	var all []string
	for _, n := range notices {
		all = append(all, n.Text)
	}
	return all
}

func mustParse(t *testing.T, yaml string, properties ...string) (Configuration, []string) {
	t.Helper()
	c, notices, err := Parse("config.yaml", []byte(yaml), properties)
	if err != nil {
		t.Fatal(err)
	}
	return c, noticeTexts(notices)
}

func TestZeroConfigurationHasDefaults(t *testing.T) {
	var c Configuration
	if Get(c, Parallelism) < 1 || Get(c, BufferTimeout) != 100*time.Millisecond || !Get(c, ObjectReuse) {
		t.Error("defaults are wrong")
	}
	if v, set := Lookup(c, RestartStrategyType); v != RestartUnset || set {
		t.Errorf("restart strategy %q, set %v", v, set)
	}
}

func TestPrecedence(t *testing.T) {
	yaml := "heartbeat:\n  interval: 1 s\n  timeout: 2 s\ntaskmanager.numberOfTaskSlots: 3\nrestart-strategy: fixeddelay\n"
	c, notices := mustParse(t, yaml, "heartbeat.timeout=1 min", "heartbeat.timeout=3 s", "pipeline.name= a=b ")
	if len(notices) != 1 || notices[0] != "restart-strategy (config.yaml line 5) is deprecated; use restart-strategy.type" {
		t.Errorf("notices %q", notices)
	}
	want := map[string]string{
		"heartbeat.interval": "1 s", "heartbeat.timeout": "3 s", "taskmanager.numberOfTaskSlots": "3",
		"restart-strategy.type": "fixed-delay", "pipeline.name": " a=b ",
	}
	if diff := cmp.Diff(want, c.Properties()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	changed, err := c.With(TaskSlots.To(7), JobName.To("code"))
	if err != nil {
		t.Fatal(err)
	}
	if Get(changed, TaskSlots) != 7 || Get(c, TaskSlots) != 3 || Get(changed, HeartbeatTimeout) != 3*time.Second {
		t.Error("With must change the copy only, and only what it is given")
	}
}

func TestNewKeyWinsOverOldOneWithinASource(t *testing.T) {
	for _, yaml := range []string{
		"state.backend.type: hashmap\nexecution.buffer-timeout: 5\nexecution.buffer-timeout.interval: 7\n",
		"execution.buffer-timeout.interval: 7\nexecution.buffer-timeout: 5\n",
	} {
		c, _ := mustParse(t, yaml)
		if got := Get(c, BufferTimeout); got != 7*time.Millisecond {
			t.Errorf("%q: %v", yaml, got)
		}
		c, _ = mustParse(t, yaml, "execution.buffer-timeout=9")
		if got := Get(c, BufferTimeout); got != 9*time.Millisecond {
			t.Errorf("an old key in -D must win over the file: %v", got)
		}
	}
}

func TestAllProblemsAreReportedTogether(t *testing.T) {
	yaml := `
parallelsm.default: 4
heartbeat:
  interval: 10 parsecs
pipeline:
  max-parallelism: 40000
  nonsense-that-is-like-nothing: 1
state.backend.type: forst
execution.checkpointing.intervall: 1 s
execution.checkpointing.interval: 1 s
high-availability.type: zookeeper
slot.idle.timeout:
rest:
  bind-port: 8081
security.ssl.rest.key-pasword: hunter2
heartbeat.interval: 3 s
`
	_, notices, err := Parse("config.yaml", []byte(yaml), []string{"oops", "=1", "parallelism=3", "taskmanager.numberoftaskslots=2", "restart-strategy.fixed-delay.attempts=-1"})
	want := []string{
		`config.yaml line 16: heartbeat.interval is set a second time, first in line 4; remove one of them`,
		`unknown key parallelsm.default (config.yaml line 2); did you mean parallelism.default?`,
		`heartbeat.interval: value "10 parsecs" (config.yaml line 4) is refused: unknown unit "parsecs": expected a duration such as "10 s", "100ms" or "1 min" (a bare number counts milliseconds)`,
		`pipeline.max-parallelism: value "40000" (config.yaml line 6) is refused: out of range: expected 1 to 32768`,
		`unknown key pipeline.nonsense-that-is-like-nothing (config.yaml line 7)`,
		`state.backend.type: value "forst" (config.yaml line 8) is refused: not a known value: expected one of hashmap, pebble`,
		`unknown key execution.checkpointing.intervall (config.yaml line 9); did you mean execution.checkpointing.interval?`,
		`high-availability.type (config.yaml line 11) is known to Flink, not supported by this version of Weir: this version has one JobManager without high availability, so a job would not survive it`,
		`slot.idle.timeout (config.yaml line 12) has no value: give it one or remove the line`,
		`-D "oops": expected -D key=value`,
		`-D "=1": expected -D key=value`,
		`unknown key parallelism (-D); did you mean parallelism.default?`,
		`unknown key taskmanager.numberoftaskslots (-D); did you mean taskmanager.numberOfTaskSlots?`,
		`restart-strategy.fixed-delay.attempts: value "-1" (-D) is refused: too small: expected at least 0`,
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(texts(err)))); diff != "" {
		t.Errorf("problems, -want +got:\n%s", diff)
	}
	if !strings.HasPrefix(err.Error(), "configuration: 14 problems\n  ") {
		t.Errorf("message begins %q", err.Error()[:40])
	}
	wantNotices := []string{
		"rest.bind-port (config.yaml line 14) is known to Flink, not supported by this version of Weir, and ignored",
		"security.ssl.rest.key-pasword (config.yaml line 15) is known to Flink, not supported by this version of Weir, and ignored",
	}
	if diff := cmp.Diff(wantNotices, noticeTexts(notices)); diff != "" {
		t.Errorf("notices, -want +got:\n%s", diff)
	}
}

func TestOtherNamesOfValuesAreNoticed(t *testing.T) {
	c, notices, err := Parse("", nil, []string{"state.backend=RocksDB"})
	if err != nil || Get(c, StateBackendType) != StateBackendPebble {
		t.Errorf("backend %q, %v", Get(c, StateBackendType), err)
	}
	texts := strings.Join(noticeTexts(notices), "\n")
	if !strings.Contains(texts, "state.backend (-D) is deprecated; use state.backend.type") || !strings.Contains(texts, "Write pebble") {
		t.Errorf("notices %q", texts)
	}
}

func TestContradictions(t *testing.T) {
	_, _, err := Parse("", nil, []string{"heartbeat.timeout=1 s"})
	if got := texts(err); len(got) != 1 || got[0] != "heartbeat.interval (by default 1 s) must be less than heartbeat.timeout (1 s)" {
		t.Errorf("problems %q", got)
	}
	_, err = New(BatchMinRecords.To(5), BatchMaxRecords.To(4))
	if got := texts(err); len(got) != 1 || got[0] != "weir.batch.min-records (5) must be at most weir.batch.max-records (4)" {
		t.Errorf("problems %q", got)
	}
	if _, err := New(BatchMinRecords.To(1), BatchMaxRecords.To(1)); err != nil {
		t.Errorf("record by record: %v", err)
	}
}

func TestWithRefusesBadValuesAndKeepsTheOld(t *testing.T) {
	before, err := New(TaskSlots.To(2))
	if err != nil {
		t.Fatal(err)
	}
	after, err := before.With(TaskSlots.To(0), HeartbeatTimeout.To(-time.Second), RestartStrategyType.To("sometimes"), JobName.To("x"))
	want := []string{
		`taskmanager.numberOfTaskSlots: value "0" (code) is refused: out of range: expected 1 to 32768`,
		`heartbeat.timeout: value "-1 s" (code) is refused: negative: expected a duration such as "10 s", "100ms" or "1 min" (a bare number counts milliseconds)`,
		`restart-strategy.type: value "sometimes" (code) is refused: not a known value: expected one of none, fixed-delay, exponential-delay, failure-rate`,
	}
	if diff := cmp.Diff(want, texts(err)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !reflect.DeepEqual(after.Properties(), before.Properties()) {
		t.Errorf("a refused change changed %v", after.Properties())
	}
}

func TestFlinksOwnConfigYAMLIsAccepted(t *testing.T) {
	yaml := `
env:
  java:
    opts:
      all: --add-exports=java.base/sun.net.util=ALL-UNNAMED
jobmanager:
  bind-host: localhost
  rpc:
    address: localhost
    port: 6123
  memory:
    process:
      size: 1600m
  execution:
    failover-strategy: region
taskmanager:
  bind-host: localhost
  host: localhost
  numberOfTaskSlots: 1
  memory:
    process:
      size: 1728m
parallelism:
  default: 1
high-availability:
  type: NONE
state:
# checkpoints: ...
rest:
  address: localhost
  bind-address: localhost
metrics:
env.log:
kubernetes.jobmanager.labels: {team: a, app: b}
kubernetes.jobmanager.tolerations: [{key: a}]
`
	c, notices := mustParse(t, yaml)
	if Get(c, Parallelism) != 1 || Get(c, TaskSlots) != 1 {
		t.Errorf("%v", c.Properties())
	}
	if size := Get(c, TaskManagerMemory); size != 1728*Mebibyte {
		t.Errorf("a TaskManager has %v", size)
	}
	const want = "jobmanager.memory.process.size (config.yaml line 13) has no effect in Weir: " +
		"there is no JVM; one memory budget is found from the container's limit or the machine"
	found := false
	for _, n := range notices {
		found = found || n == want
		if strings.HasPrefix(n, "state ") || strings.HasPrefix(n, "metrics ") || strings.HasPrefix(n, "high-availability") {
			t.Errorf("a heading without lines, or a harmless value, needs no notice: %s", n)
		}
	}
	if !found {
		t.Errorf("notices %q lack %q", notices, want)
	}
}

func TestYAMLShapes(t *testing.T) {
	for _, tc := range []struct{ name, yaml, problem string }{
		{"empty", "", ""},
		{"comments", "# nothing\n", ""},
		{"null", "~\n", ""},
		{"quoted number", `parallelism.default: "3"`, ""},
		{"alias", "heartbeat: {interval: &a 1 s}\nslot.idle.timeout: *a\n", ""},
		{"json", `{"parallelism": {"default": 2}}`, ""},
		{"not a mapping", "- a\n", "config.yaml line 1: expected lines of the form key: value"},
		{"two documents", "a: 1\n---\nb: 1\n", "config.yaml holds more than one YAML document; keep one"},
		{"syntax", "a: [", "config.yaml is not valid YAML: "},
		{"key is a list", "[a]: b\n", "config.yaml line 1: expected a key"},
		{"twice, flat and nested", "heartbeat.interval: 1 s\nheartbeat:\n  interval: 2 s\n", "config.yaml line 3: heartbeat.interval is set a second time, first in line 1; remove one of them"},
		{"list for a number", "parallelism.default: [1]\n", `parallelism.default: value "[1]" (config.yaml line 1) is refused: not a whole number`},
		{"mapping for a number", "parallelism.default: {a: 1}\n", "unknown key parallelism.default.a (config.yaml line 1)"},
		{"nested list", "parallelism.default: [[1]]\n", `parallelism.default: value "[]" (config.yaml line 1) is refused: an item is not a plain value`},
		{"alias in itself", "a: &x\n  b: *x\n", "is this a configuration?"},
		{"aliases that multiply", "a0: &a0 {k: 1, l: 1, m: 1}\n" + bomb(12), "is this a configuration?"},
	} {
		_, _, err := Parse("config.yaml", []byte(tc.yaml), nil)
		switch {
		case tc.problem == "" && err != nil:
			t.Errorf("%s: %v", tc.name, err)
		case tc.problem != "" && (err == nil || !strings.Contains(err.Error(), tc.problem)):
			t.Errorf("%s: got %.300q, want %q", tc.name, err, tc.problem)
		}
	}
}

func bomb(levels int) string {
	var b strings.Builder
	for i := range levels {
		from, to := string(rune('a'+i))+"0", string(rune('b'+i))+"0"
		b.WriteString(to + ": &" + to + " {k: *" + from + ", l: *" + from + ", m: *" + from + "}\n")
	}
	return b.String()
}

func TestLoadFile(t *testing.T) {
	path := t.TempDir() + "/config.yaml"
	if err := os.WriteFile(path, []byte("pipeline.name: from file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, err := Load(path, nil)
	if err != nil || Get(c, JobName) != "from file" {
		t.Errorf("%v, %v", c.Properties(), err)
	}
	if _, _, err := Load(path+".missing", nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, _, err := Load("", []string{"pipeline.name=x"}); err != nil {
		t.Error(err)
	}
}

// Kinds without an option of their own yet are tested on a set of the test's.
func TestListsAndMaps(t *testing.T) {
	set := newOptionSet()
	items := declareIn(set, Pipeline, "items", []string{"d"}, list(), "Items.")
	labels := declareIn(set, Pipeline, "labels", nil, dictionary(), "Labels.")
	load := func(yaml string, properties ...string) Configuration {
		t.Helper()
		l := loader{options: set, flink: &flinkTable{}, values: make(map[string]Setting)}
		c, _, err := l.load("config.yaml", []byte(yaml), properties)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, tc := range []struct {
		c      Configuration
		items  []string
		labels map[string]string
	}{
		{load(""), []string{"d"}, nil},
		{load("items: a;b; ;c\nlabels: 'k:v, l : http://x:1'\n"), []string{"a", "b", "c"}, map[string]string{"k": "v", "l": "http://x:1"}},
		{load("items: [a, 'b;c']\nlabels: {k: v, l.m: 'a,b: c'}\n"), []string{"a", "b;c"}, map[string]string{"k": "v", "l.m": "a,b: c"}},
		{load("items:\n- a\n- \"\"\nlabels:\n  k: v\n"), []string{"a", ""}, map[string]string{"k": "v"}},
		{load("", "items=[x, \"y z\"]", `labels={"a b": c}`), []string{"x", "y z"}, map[string]string{"a b": "c"}},
	} {
		if diff := cmp.Diff(tc.items, Get(tc.c, items)); diff != "" {
			t.Errorf("items: -want +got:\n%s", diff)
		}
		if diff := cmp.Diff(tc.labels, Get(tc.c, labels)); diff != "" {
			t.Errorf("labels: -want +got:\n%s", diff)
		}
	}
	c := load("items: [a, b]")
	Get(c, items)[0] = "changed"
	if got := Get(c, items); got[0] != "a" {
		t.Error("a caller changed the configuration through a list it was given")
	}
	given := []string{"a"}
	c, err := New(items.To(given))
	given[0] = "changed"
	if err != nil || Get(c, items)[0] != "a" {
		t.Error("a caller changed the configuration through a list it gave")
	}
}

func TestPropertiesRoundTrip(t *testing.T) {
	c, err := New(Parallelism.To(3), MaxParallelism.To(-1), ObjectReuse.To(false), JobName.To("ä b\n"), BufferTimeout.To(1500*time.Microsecond),
		BatchMemory.To(65*Kibibyte), ExponentialDelayMultiplier.To(1.0000001), RestartStrategyType.To(RestartFailureRate))
	if err != nil {
		t.Fatal(err)
	}
	var properties []string
	for key, text := range c.Properties() {
		properties = append(properties, key+"="+text)
	}
	back, notices := mustParse(t, "", properties...)
	if len(notices) > 0 || !reflect.DeepEqual(back.Properties(), c.Properties()) || Get(back, BufferTimeout) != 1500*time.Microsecond ||
		Get(back, ExponentialDelayMultiplier) != 1.0000001 || len(back.Keys()) != 8 {
		t.Errorf("got %v, notices %v", back.Properties(), notices)
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	for _, key := range []string{"s3.secret-key", "s3.access-key", "s3.access.key", "s3.sercet-key.password", "security.ssl.key-password", "fs.azure.account.key.x"} {
		if text := badValue(key, "hunter2", "-D", errors.New("no")).Text; strings.Contains(text, "hunter2") {
			t.Error(text)
		}
	}
	if Sensitive("pipeline.name") {
		t.Error("pipeline.name is no secret")
	}
	if _, _, err := Parse("", nil, []string{"s3.secret-key:hunter2"}); strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}

func TestNearestKey(t *testing.T) {
	l := loader{options: declarations, flink: flinkKeys()}
	for given, want := range map[string]string{
		"paralelism.defualt":                "parallelism.default",
		"heartbeat.intrval":                 "heartbeat.interval",
		"restart-strategy.typ":              "restart-strategy.type",
		"restart-strategy.fixed-delay":      "", // two keys begin so
		"foo":                               "",
		"x":                                 "",
		"rest.prot":                         "rest.port",
		"pipeline.operator-chaining.enable": "pipeline.operator-chaining.enabled",
	} {
		if got := l.nearest(given); got != want {
			t.Errorf("nearest(%q) = %q, want %q", given, got, want)
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"abc", "ab", 1}, {"kitten", "sitting", 3}, {"", "abc", 3}, {"abcdefgh", "x", 5}} {
		if got := editDistance(tc.a, tc.b, 5); got != tc.want {
			t.Errorf("editDistance(%q, %q) = %d, want %d", tc.a, tc.b, got, tc.want)
		}
	}
}

func TestReferencePageIsCurrent(t *testing.T) {
	page, err := os.ReadFile("REFERENCE.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != Reference() {
		t.Error("REFERENCE.md is stale; run from the root of the repository: go run ./runtime/config/cmd/reference")
	}
}

func TestEveryOptionIsDocumented(t *testing.T) {
	page := Reference()
	for key, o := range declarations.byKey {
		i := o.info()
		if !strings.HasSuffix(i.doc, ".") && !strings.HasSuffix(i.doc, ".)") {
			t.Errorf("%s: the documentation is no sentence: %q", key, i.doc)
		}
		if !strings.Contains(page, "| `"+key+"` | "+i.defaultText+" |") || i.defaultText == "" {
			t.Errorf("%s is not in the reference with a default", key)
		}
		if rule, ok := flinkKeys().exact[key]; ok {
			t.Errorf("%s is declared, and in flink_keys.txt as %s", key, rule.policy)
		}
	}
	for key := range declarations.deprecated {
		if _, ok := flinkKeys().exact[key]; ok {
			t.Errorf("%s is deprecated, and in flink_keys.txt", key)
		}
	}
}

func TestFlinkKeysFileIsChecked(t *testing.T) {
	for _, text := range []string{"a.b\n", "@nonsense x\na\n", "@inert\na\n", "@ignored why\na\n", "@ignored\na\na\n", "@ignored\na b\n"} {
		if _, err := parseFlinkKeys(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

// Relative locations become absolute when they are read, so that processes with other working directories mean the same.
func TestRelativeLocationsBecomeAbsolute(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"checkpoints": filepath.Join(here, "checkpoints"), "./x/": filepath.Join(here, "x"), "../y": filepath.Join(filepath.Dir(here), "y"),
		"/a/b": "/a/b", "s3://bucket/a": "s3://bucket/a", "file:///a": "file:///a", "mem://a/b": "mem://a/b", "file:/a": "file:/a", "": "",
	} {
		for _, option := range []*Option[string]{CheckpointsDirectory, SavepointsDirectory, RecoveryPath} {
			c, _, err := Load("", []string{option.Key() + "=" + text})
			if err != nil {
				t.Fatal(err)
			}
			if got := Get(c, option); got != want || c.Properties()[option.Key()] != want {
				t.Errorf("%s: %q is %q, and %q for others", option.Key(), text, got, c.Properties()[option.Key()])
			}
		}
	}
}
