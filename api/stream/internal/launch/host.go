package launch

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"golang.org/x/term"

	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/process"
)

// Build declares a program's graph under a configuration.
type Build func(config.Configuration) (Program, error)

// Main runs a program in this process and returns its exit code.
func Main(name string, build Build) int {
	h := host{
		name: name, args: os.Args[1:], flags: flag.CommandLine, getenv: os.Getenv, clock: clock.System(),
		stdout: os.Stdout, stderr: os.Stderr, listen: listen,
	}
	if term.IsTerminal(int(os.Stderr.Fd())) && os.Getenv("TERM") != "dumb" {
		h.terminal = os.Stderr
	}
	return h.main(build)
}

// host is the process that a program runs in.
type host struct {
	name           string
	args           []string
	flags          *flag.FlagSet
	getenv         func(string) string
	clock          clock.Clock
	stdout, stderr io.Writer
	// terminal is where a live display may be shown, or nil.
	terminal *os.File
	// listen begins to take signals; leave gives them back to their default, which ends the process.
	listen func() (arrive <-chan os.Signal, leave func())
}

func (h *host) main(build Build) int {
	role, err := process.RoleOf(h.getenv)
	if err != nil {
		return h.refuse(err)
	}
	if role != process.Local {
		return h.hosted(role, build)
	}
	line, err := NewCommandLine(h.name, h.flags)
	if err != nil {
		return h.refuse(err)
	}
	if err := line.Parse(h.args); err != nil {
		return h.refuse(err)
	}
	if line.Options.Help {
		io.WriteString(h.stdout, line.Help())
		return ExitFinished
	}
	settings, notices, err := config.Load(line.Options.ConfigPath(h.getenv), line.Options.Properties)
	if err != nil {
		return h.refuse(err)
	}
	program, err := declare(build, settings)
	if err != nil {
		return h.refuse(err)
	}
	d := h.open(line.Options)
	for _, notice := range notices {
		d.log.Warn(notice.Text)
	}
	return newRun(h, program, line.Options, d).run()
}

// declare calls the user's function.
func declare(build Build, settings config.Configuration) (p Program, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = &buildError{fmt.Errorf("building the program panicked: %v", cause), string(debug.Stack())}
		}
	}()
	p, err = build(settings)
	usage, bad := (*UsageError)(nil), (*config.Error)(nil)
	if err != nil && !errors.As(err, &usage) && !errors.As(err, &bad) {
		err = &buildError{cause: err}
	}
	return p, err
}

// buildError says that a program could not be built, through no fault of the command line.
type buildError struct {
	cause error
	stack string // of a panic
}

func (e *buildError) Error() string { return e.cause.Error() }
func (e *buildError) Unwrap() error { return e.cause }

// refuse says why nothing runs.
func (h *host) refuse(err error) int {
	fmt.Fprintf(h.stderr, "%s: %v\n", h.name, err)
	if failed := (*buildError)(nil); errors.As(err, &failed) {
		if failed.stack != "" {
			fmt.Fprintf(h.stderr, "\n%s", failed.stack)
		}
		return ExitFailed
	}
	if usage := (*UsageError)(nil); errors.As(err, &usage) {
		fmt.Fprintf(h.stderr, "See %s --help.\n", h.name)
	}
	return ExitUsage
}
