package stream

import (
	"fmt"
	"os"

	"github.com/weir-stream/weir/api/stream/internal/console"
	"github.com/weir-stream/weir/api/stream/internal/launch"
	"github.com/weir-stream/weir/runtime/config"
)

// Main is the main function of a program: it reads the command line and the configuration, has build declare the graph, runs the job
// in this process, shows how it is doing, and ends the process. It does not return.
//
// Flags. The program's own flags are those of the package flag, declared before Main is called (best as variables of the package) and
// parsed when build runs; flag.Args are the arguments that are no flags. The runtime adds --parallelism (-p), -D key=value,
// --config, --verbose (-v), --no-progress, --log-level, --log-format and --help (-h); a flag of the program with one
// of these names is an error. config.yaml, which --config or $WEIR_CONF_DIR names, yields to -D and --parallelism,
// and these yield to what the program sets itself.
//
// What a person sees is on the standard error: on a terminal a live line of progress, with warnings and errors above it, elsewhere a
// log; and a summary at the end. What RuntimeContext.Logger is given is part of that log.
//
// Signals. Ctrl-C (SIGINT) cancels the job; a second one ends the process at once. SIGTERM stops the sources, lets what they have read
// reach the sinks, for at most 20 seconds, and cancels the job then; a second one cancels it at once.
//
// Exit codes: 0 the job has finished; 1 it has failed, or its graph could not be built; 2 the command line or the configuration is
// wrong; 130 it was canceled by Ctrl-C; 137 the process was ended by a second Ctrl-C; 143 the job was drained by SIGTERM.
func Main(name string, build func(env *Environment) error) {
	os.Exit(launch.Main(name, func(settings config.Configuration) (launch.Program, error) {
		if job := config.Get(settings, config.JobName); job != "" {
			name = job
		}
		env := newEnvironment(name, settings)
		if err := build(env); err != nil {
			return launch.Program{}, err
		}
		job, err := env.compile()
		if err != nil {
			return launch.Program{}, err
		}
		local := &localJob{settings: env.settings, program: job}
		return launch.Program{Job: name, Operators: console.Operators(job), Graph: job, Settings: env.settings, Start: local.start}, nil
	}))
}

// UsageError is what build returns where the command line of the program lacks something or contradicts itself: Main shows it with a
// pointer to --help and ends the process with exit code 2.
func UsageError(format string, args ...any) error {
	return &launch.UsageError{Cause: fmt.Errorf(format, args...)}
}
