// Package child runs each measurement in a process of its own: nothing that one leaves behind (heap, warm caches of the
// runtime, goroutines) reaches the next.
package child

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// roleArgument is the first argument of a process that was started for one measurement.
const roleArgument = "--measure"

// Roles are the measurements that this binary can be started for, by name. Each takes what Measure was given, and returns
// what it hands out, as JSON.
type Roles map[string]func(order []byte) (any, error)

// Role makes an entry of Roles.
func Role[Order, Outcome any](run func(Order) (Outcome, error)) func([]byte) (any, error) {
	return func(encoded []byte) (any, error) {
		var order Order
		if err := json.Unmarshal(encoded, &order); err != nil {
			return nil, err
		}
		return run(order)
	}
}

// Serve measures and ends the process, if it was started to.
func (r Roles) Serve() {
	if len(os.Args) != 4 || os.Args[1] != roleArgument {
		return
	}
	if err := r.serve(os.Args[2], []byte(os.Args[3]), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func (r Roles) serve(name string, order []byte, to io.Writer) error {
	run := r[name]
	if run == nil {
		return fmt.Errorf("there is no measurement %q", name)
	}
	outcome, err := run(order)
	if err != nil {
		return err
	}
	return json.NewEncoder(to).Encode(outcome)
}

// Measure runs a role in a new process and decodes its outcome. cpuSeconds is what that process has used, in user code and in the
// system, from its start to its end.
func Measure[Outcome any](role string, order any) (outcome Outcome, cpuSeconds float64, err error) {
	self, err := os.Executable()
	if err != nil {
		return outcome, 0, err
	}
	encoded, err := json.Marshal(order)
	if err != nil {
		return outcome, 0, err
	}
	return Run[Outcome](self, roleArgument, role, string(encoded))
}

// Run runs any program that writes one JSON object.
func Run[Outcome any](program string, arguments ...string) (outcome Outcome, cpuSeconds float64, err error) {
	var stdout, stderr bytes.Buffer
	command := exec.Command(program, arguments...)
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return outcome, 0, fmt.Errorf("%s: %w", strings.Join(command.Args, " "), withOutput(err, stderr.String()))
	}
	if err := json.Unmarshal(stdout.Bytes(), &outcome); err != nil {
		return outcome, 0, fmt.Errorf("%s printed %q: %w", strings.Join(command.Args, " "), stdout.String(), err)
	}
	used := command.ProcessState
	return outcome, (used.UserTime() + used.SystemTime()).Seconds(), nil
}

func withOutput(err error, output string) error {
	if output = strings.TrimSpace(output); output == "" {
		return err
	}
	return errors.Join(err, errors.New(output))
}
