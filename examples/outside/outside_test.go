package outside_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/weir-stream/weir/api/stream" // so that a cached result of this test is void when what it proves has changed
)

const modulePath = "github.com/weir-stream/weir"

// A module outside of the repository needs one require line to build, test and run a job; all that the job needs is in go.mod and go.sum here.
func TestModuleOutsideBuildsTestsAndRunsAJob(t *testing.T) {
	module := newModule(t)
	module.run("go", "build", "-mod=mod", "-o", "job", ".") // which fills in the module's indirect requirements
	module.run("go", "test", "-mod=mod", "./...")
	output := module.run(filepath.Join(module.dir, "job"))
	for _, want := range []string{"HELLO", "OUTSIDE", "WORLD"} {
		if !strings.Contains(output, want) {
			t.Errorf("the job printed no %s:\n%s", want, output)
		}
	}
}

type module struct {
	t   *testing.T
	dir string
}

// newModule writes a module that requires the one in this work tree.
func newModule(t *testing.T) module {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	m := module{t, t.TempDir()}
	m.write("go.mod", fmt.Appendf(nil, "module example.com/outside\n\ngo 1.26.0\n\nrequire %[1]s v0.0.0\n\nreplace %[1]s => %[2]s\n", modulePath, root))
	m.write("go.sum", sums)
	sources, err := filepath.Glob("testdata/*.go.txt")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no sources in testdata (%v)", err)
	}
	for _, source := range sources {
		content, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		m.write(strings.TrimSuffix(filepath.Base(source), ".txt"), content)
	}
	return m
}

func (m module) write(name string, content []byte) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.dir, name), content, 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// run runs a command in the module and returns what it wrote.
func (m module) run(name string, args ...string) string {
	m.t.Helper()
	cmd := exec.CommandContext(m.t.Context(), name, args...)
	cmd.Dir = m.dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	output, err := cmd.CombinedOutput()
	if err != nil {
		m.t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, output)
	}
	return string(output)
}
