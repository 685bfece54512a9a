package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/weir-stream/weir/runtime/taskmanager/confine"
)

// most is how much an idle JobManager and TaskManager may have together.
const most = 40 << 20

// idle measures the anonymous memory of a JobManager and a TaskManager that have nothing to do, after a while.
func idle(ctx context.Context, o options, folder string, out io.Writer) (err error) {
	c, err := start(ctx, o.weir, folder, 1)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	if err := pause(ctx, o.phase); err != nil {
		return err
	}
	records, err := filepath.Glob(filepath.Join(folder, "run", "*"))
	if err != nil {
		return err
	}
	total := int64(0)
	for _, path := range records {
		var record struct {
			Role string `json:"role"`
			PID  int    `json:"pid"`
		}
		text, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(text, &record)
		}
		if err != nil {
			return fmt.Errorf("the record of a process: %w", err)
		}
		used, err := confine.Usage(os.DirFS("/"), record.PID)
		if err != nil {
			return err
		}
		total += used
		fmt.Fprintf(out, "%-12s %5.1f MiB\n", record.Role, float64(used)/(1<<20))
	}
	fmt.Fprintf(out, "%-12s %5.1f MiB of anonymous memory after %v (aim: %d MiB)\n", "together", float64(total)/(1<<20), o.phase.Round(time.Second), most>>20)
	if total > most && o.strict {
		return errors.New("idle processes have too much memory")
	}
	return nil
}
