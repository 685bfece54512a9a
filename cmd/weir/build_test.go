package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestTheRevisionOfAProgram builds a package of a git repository as it is committed, with changes, and as it was at a revision.
func TestTheRevisionOfAProgram(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "counter")
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	write := func(name, content string) {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := func(arguments ...string) string {
		cmd := exec.Command("git", append([]string{"-c", "user.name=x", "-c", "user.email=x@example.com"}, arguments...)...)
		cmd.Dir = folder
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v: %s", arguments, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	write("go.mod", "module example.com/counter\n\ngo 1.24\n")
	write("main.go", "package main\n\nfunc main() { println(1) }\n")
	in("init", "-q")
	in("add", ".")
	in("commit", "-q", "-m", "one")
	first := in("rev-parse", "HEAD")
	write("main.go", "package main\n\nfunc main() { println(2) }\n")
	in("commit", "-q", "-a", "-m", "two")
	second := in("rev-parse", "HEAD")
	t.Chdir(folder) // a package belongs to the module of the folder in which weir is called

	check := func(what, revision string, dirty bool) {
		t.Helper()
		p, err := prepare(t.Context(), what, runtime.GOOS+"/"+runtime.GOARCH)
		if err != nil {
			t.Fatal(err)
		}
		defer p.close()
		if p.Revision != revision || p.Dirty != dirty || p.Name != "counter" {
			t.Errorf("%s: %+v, where revision %s is due", what, p, revision)
		}
		if strings.Contains(p.said(), "not committed") != dirty {
			t.Errorf("%s: %s", what, p.said())
		}
	}
	check(".", second, false)
	write("main.go", "package main\n\nfunc main() { println(3) }\n")
	check(".", second, true)
	check(".@HEAD", second, false)
	check(".@"+first, first, false)
	check(".@HEAD~1", first, false)
	for _, wrong := range []string{".@", ".@nowhere", ".@--output=x"} {
		if _, err := prepare(t.Context(), wrong, runtime.GOOS+"/"+runtime.GOARCH); err == nil {
			t.Errorf("%s was built", wrong)
		}
	}
	if left := in("worktree", "list"); strings.Count(left, "\n") != 0 {
		t.Errorf("worktrees are left: %s", left)
	}
}
