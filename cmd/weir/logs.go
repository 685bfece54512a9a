package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/weir-stream/weir/runtime/rest/client"
)

// reading says which logs are read.
type reading struct {
	target
	taskManager, file string
	list              bool
}

func newLogs() *cobra.Command {
	r := &reading{}
	c := &cobra.Command{
		Use: "logs [JOB]", Short: "Show logs of a cluster's processes",
		Long: `Show the log of the JobManager, of a TaskManager (--taskmanager), or what the workers of a job have written on all TaskManagers (JOB).

With --list the names of files are shown, with their sizes; --file shows one of them.`,
		Args: func(c *cobra.Command, arguments []string) error {
			switch {
			case len(arguments) > 1:
				return wrong(c, fmt.Errorf("%s takes one job at the most", c.CommandPath()))
			case len(arguments) == 1 && (r.taskManager != "" || r.file != ""):
				return wrong(c, fmt.Errorf("%s takes a job, or --taskmanager and --file", c.CommandPath()))
			}
			return nil
		},
		RunE: func(c *cobra.Command, arguments []string) error { return r.run(c, arguments) },
	}
	r.flags(c)
	r.withJSON(c)
	c.Flags().StringVarP(&r.taskManager, "taskmanager", "t", "", "the `id` of a TaskManager")
	c.Flags().StringVarP(&r.file, "file", "f", "", "the `name` of a file")
	c.Flags().BoolVarP(&r.list, "list", "l", false, "list the files")
	c.ValidArgsFunction = r.completing
	return c
}

// logFile is a file of logs of a process, the JobManager's if TaskManager is empty.
type logFile struct {
	TaskManager string `json:"taskManager,omitempty"`
	Name        string `json:"name"`
	Size        int64  `json:"size"`
}

func (r *reading) run(c *cobra.Command, arguments []string) error {
	cluster, _, err := r.open(c)
	if err != nil {
		return err
	}
	if len(arguments) == 0 && !r.list {
		return cluster.Log(c.Context(), r.taskManager, r.file, c.OutOrStdout())
	}
	var files []logFile
	if len(arguments) == 0 {
		files, err = filesOf(c, cluster, r.taskManager, "")
	} else {
		files, err = ofJob(c, cluster, arguments[0])
	}
	if err != nil {
		return err
	}
	if r.list {
		return r.show(c, files)
	}
	return printAll(c, cluster, files)
}

// filesOf lists the files of a process whose names have a word.
func filesOf(c *cobra.Command, cluster *client.Client, taskManager, word string) ([]logFile, error) {
	all, err := cluster.Logs(c.Context(), taskManager)
	files := []logFile{}
	for _, f := range all {
		if strings.Contains(f.Name, word) {
			files = append(files, logFile{taskManager, f.Name, f.Size})
		}
	}
	return files, err
}

// ofJob lists the files of a job's workers, whose names have the job's id, on all TaskManagers.
func ofJob(c *cobra.Command, cluster *client.Client, text string) ([]logFile, error) {
	job, err := jobOf(c, text)
	if err != nil {
		return nil, err
	}
	managers, err := cluster.TaskManagers(c.Context())
	if err != nil {
		return nil, err
	}
	var all []logFile
	for _, m := range managers {
		files, err := filesOf(c, cluster, m, job.String())
		if err != nil {
			return nil, err
		}
		all = append(all, files...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("none of %d TaskManagers has logs of job %s", len(managers), job)
	}
	return all, nil
}

func (r *reading) show(c *cobra.Command, files []logFile) error {
	if r.json {
		return print(c, map[string]any{"logs": files})
	}
	for _, f := range files {
		if _, err := fmt.Fprintf(c.OutOrStdout(), "%10d %s %s\n", f.Size, owner(f), f.Name); err != nil {
			return err
		}
	}
	return nil
}

func owner(f logFile) string {
	if f.TaskManager == "" {
		return "JobManager"
	}
	return f.TaskManager
}

// printAll prints files one behind the other, each with its name above it if there are several.
func printAll(c *cobra.Command, cluster *client.Client, files []logFile) error {
	for _, f := range files {
		if f.Size == 0 {
			continue
		}
		if len(files) > 1 {
			if _, err := io.WriteString(c.OutOrStdout(), "==> "+owner(f)+" "+f.Name+" <==\n"); err != nil {
				return err
			}
		}
		if err := cluster.Log(c.Context(), f.TaskManager, f.Name, c.OutOrStdout()); err != nil {
			return err
		}
	}
	return nil
}
