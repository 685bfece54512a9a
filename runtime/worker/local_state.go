package worker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"

	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/memory"
	"github.com/weir-stream/weir/runtime/task"
)

// StateMemory is how many bytes of the process each subtask of a keyed operator may take: an even part of what the budget
// has for state and for the stores behind it, as if all subtasks of the job were in this process.
func StateMemory(program *graph.JobGraph) int64 {
	// A limit set from outside (GOMEMLIMIT) counts as one of the machine does.
	limit := min(memory.Detect(os.DirFS("/")).Bytes, debug.SetMemoryLimit(-1))
	budget := memory.NewBudget(limit)
	subtasks := 0
	for _, v := range program.Vertices {
		for _, op := range v.Operators {
			if op.Node.KeyType != "" {
				subtasks += v.Parallelism
			}
		}
	}
	return (budget.State.Limit() + budget.Managed.Limit()) / int64(max(subtasks, 1))
}

// localState gives each attempt of a subtask with keyed state a folder of its own below one of the process's. Nothing in them
// outlives the attempt. The host's loop owns it.
type localState struct {
	settings task.Settings
	// parent is where the process's folder is made, root that folder once there is one, held what keeps it from being taken for a leftover.
	parent, root string
	held         *os.File
	// leftovers, unless nil, removes what killed processes have left, beside everything else.
	leftovers func(parent string)
}

func newLocalState(settings task.Settings, leftovers func(parent string)) localState {
	l := localState{settings: settings, parent: settings.StateFolder, leftovers: leftovers}
	l.settings.StateFolder = ""
	return l
}

// of completes the settings of an attempt.
func (l *localState) of(execution ident.ExecutionID, vertex *graph.JobVertex) (task.Settings, error) {
	s := l.settings
	keyed := slices.ContainsFunc(vertex.Operators, func(op *graph.ChainedOperator) bool { return op.Node.KeyType != "" })
	if !s.LocalFiles || !keyed {
		return s, nil
	}
	if err := l.makeRoot(); err != nil {
		return s, err
	}
	s.StateFolder = l.folder(execution)
	return s, os.MkdirAll(s.StateFolder, 0o700)
}

func (l *localState) makeRoot() error {
	if l.root != "" {
		return nil
	}
	root, err := os.MkdirTemp(l.parent, rootPrefix)
	if err != nil {
		return fmt.Errorf("a folder for state that does not fit into memory, or is restored (io.tmp.dirs): %w", err)
	}
	l.root = root
	l.held, _ = holdRoot(root) // otherwise only a kill leaves it behind
	if l.leftovers != nil {
		l.leftovers(filepath.Dir(root))
	}
	return nil
}

// restored returns a function, for another goroutine, that makes a folder for what an attempt brings here to be restored from; nil if
// nothing is to be kept in files.
func (l *localState) restored(execution ident.ExecutionID) func() (string, error) {
	if !l.settings.LocalFiles {
		return nil
	}
	if err := l.makeRoot(); err != nil {
		return func() (string, error) { return "", err }
	}
	folder := filepath.Join(l.folder(execution), "restored")
	return func() (string, error) { return folder, os.MkdirAll(folder, 0o700) }
}

func (l *localState) folder(execution ident.ExecutionID) string {
	return filepath.Join(l.root, fmt.Sprintf("%s-%d-%d", execution.Vertex, execution.Subtask, execution.Attempt))
}

// ended removes what an attempt has kept.
func (l *localState) ended(execution ident.ExecutionID) error {
	if l.root == "" {
		return nil
	}
	return os.RemoveAll(l.folder(execution))
}

// close removes everything; no subtask runs any more.
func (l *localState) close() error {
	if l.root == "" {
		return nil
	}
	err := os.RemoveAll(l.root)
	if l.held != nil {
		err = errors.Join(err, l.held.Close())
	}
	return err
}
