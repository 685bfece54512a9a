package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/weir-stream/weir/runtime/config"
)

// record is what a process of a cluster on this machine leaves in the folder of WEIR_PID_DIR.
type record struct {
	// Role is jobmanager or taskmanager, Number counts those of a role from 0.
	Role   string `json:"role"`
	Number int    `json:"number"`
	PID    int    `json:"pid"`
	// Started tells the process from a later one with the same number: the time at which the operating system has started it, in its own units.
	Started string `json:"started"`
	// RPC and REST are where a JobManager is reached.
	RPC  string `json:"rpc,omitempty"`
	REST string `json:"rest,omitempty"`
	// Client has the options by which clients on this machine speak to REST: names of files, no secrets.
	Client map[string]string `json:"client,omitempty"`
	// Log is the process's log.
	Log string `json:"log"`
}

// clientOptions are those that a record tells.
func clientOptions() []*config.Option[string] {
	return []*config.Option[string]{config.RESTCertificate, config.RESTKey, config.RESTAuthorities, config.RESTTokenFile}
}

// tell notes how clients speak to the process.
func (r *record) tell(c config.Configuration) {
	r.Client = map[string]string{}
	for _, o := range clientOptions() {
		if value := config.Get(c, o); value != "" {
			r.Client[o.Key()] = value
		}
	}
	for _, o := range []*config.Option[bool]{config.RESTTLS, config.RESTAuthentication} {
		if config.Get(c, o) {
			r.Client[o.Key()] = "true"
		}
	}
}

// properties are the options that tell has noted.
func (r *record) properties() []string {
	var all []string
	for key, text := range r.Client {
		all = append(all, key+"="+text)
	}
	return all
}

const recordSuffix = ".json"

func (r *record) path(folder string) string {
	return filepath.Join(folder, fmt.Sprintf("%s-%d%s", r.Role, r.Number, recordSuffix))
}

// write leaves the record whole or not at all.
func (r *record) write(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	part := r.path(folder) + ".new"
	if err := os.WriteFile(part, append(data, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(part, r.path(folder))
}

func (r *record) remove(folder string) error {
	if err := os.Remove(r.path(folder)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// lives reports whether the process of the record still runs.
func (r *record) lives() bool {
	started, err := startOf(r.PID)
	return err == nil && started == r.Started
}

func (r *record) signal(s syscall.Signal) error {
	if !r.lives() {
		return os.ErrProcessDone
	}
	return syscall.Kill(r.PID, s)
}

// startOf returns when a process was started, which is field 22 of its stat (proc_pid_stat(5)). A zombie counts as ended.
func startOf(pid int) (string, error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(string(data), ") ") // the name in parentheses may have blanks
	fields := strings.Fields(rest)
	if len(fields) < 20 || fields[0] == "Z" {
		return "", os.ErrProcessDone
	}
	return fields[19], nil
}

// readRecords returns the records in a folder, those of TaskManagers first.
func readRecords(folder string) ([]*record, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*"+recordSuffix))
	if err != nil {
		return nil, err
	}
	var all []*record
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // its process has just ended
		}
		r := new(record)
		if err == nil {
			err = json.Unmarshal(data, r)
		}
		if err != nil {
			return nil, fmt.Errorf("the record of a process, %s: %w", path, err)
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *record) int {
		if a.Role != b.Role {
			return -strings.Compare(a.Role, b.Role)
		}
		return a.Number - b.Number
	})
	return all, nil
}
