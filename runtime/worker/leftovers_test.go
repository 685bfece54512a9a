package worker

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/weir-stream/weir/runtime/task"
)

// TestMain is, with a folder in the environment, a process that keeps local state until it is killed.
func TestMain(m *testing.M) {
	if parent := os.Getenv("WEIR_TEST_STATE_PARENT"); parent != "" {
		l := newLocalState(task.Settings{StateFolder: parent, LocalFiles: true}, nil)
		if err := l.makeRoot(); err != nil {
			panic(err)
		}
		os.Stdout.WriteString(l.root + "\n")
		select {}
	}
	os.Exit(m.Run())
}

// A process that is killed leaves its folder to the next one, which leaves those of living ones alone, and what is none.
func TestFoldersOfKilledProcessesAreRemoved(t *testing.T) {
	parent := t.TempDir()
	start := func() (root string, kill func()) {
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), "WEIR_TEST_STATE_PARENT="+parent)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return line[:len(line)-1], func() {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	}
	dead, kill := start()
	if err := os.WriteFile(filepath.Join(dead, "table"), []byte("state"), 0o600); err != nil {
		t.Fatal(err)
	}
	kill()
	alive, end := start()
	defer end()
	fresh := filepath.Join(parent, rootPrefix+"fresh") // of a process that has not come to lock it
	if err := os.Mkdir(fresh, 0o700); err != nil {
		t.Fatal(err)
	}
	own := newLocalState(task.Settings{StateFolder: parent, LocalFiles: true}, func(parent string) {
		if err := collectRoots(parent); err != nil {
			t.Error(err)
		}
	})
	if err := own.makeRoot(); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{dead: false, alive: true, fresh: true, own.root: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := own.close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(own.root); !os.IsNotExist(err) {
		t.Errorf("its own folder is there when it has closed: %v", err)
	}
}
