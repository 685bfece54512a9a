package launch

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/weir-stream/weir/runtime/config"
)

// Options are the runtime's part of a command line.
type Options struct {
	// Properties are key=value in the order of the command line, those of --parallelism among them.
	Properties []string
	// ConfigFile is a path, or empty for the default.
	ConfigFile string
	Verbose    bool
	NoProgress bool
	// LogLevel is nil where the command line gives none.
	LogLevel  *slog.Level
	LogFormat LogFormat
	Help      bool
}

// LogFormat is how log records are written.
type LogFormat string

// The formats.
const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// configVariable names the folder of config.yaml, as Flink's FLINK_CONF_DIR does.
const configVariable = "WEIR_CONF_DIR"

// ConfigPath is the file that the configuration is read from, or empty.
func (o Options) ConfigPath(getenv func(string) string) string {
	if dir := getenv(configVariable); o.ConfigFile == "" && dir != "" {
		return filepath.Join(dir, "config.yaml")
	}
	return o.ConfigFile
}

// runtimeFlags are the flags of the runtime, which fill in the options.
func runtimeFlags(o *Options) *pflag.FlagSet {
	o.LogFormat = LogText
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.SortFlags = false
	set.VarP(value{"N", func(n string) error {
		o.Properties = append(o.Properties, config.Parallelism.Key()+"="+n)
		return nil
	}}, "parallelism", "p", "subtasks of each operator that sets no number itself: short for -D "+config.Parallelism.Key()+"=N (default: number of cores)")
	set.VarP(value{"key=value", func(property string) error {
		o.Properties = append(o.Properties, property)
		return nil
	}}, "D", "D", "set an option of the configuration; may be repeated")
	set.VarP(value{"path", func(path string) error {
		o.Properties = append(o.Properties, config.RecoveryPath.Key()+"="+absolute(path))
		return nil
	}}, "from-savepoint", "s", "start from the savepoint or checkpoint at this `path`")
	set.Var(value{"mode", func(mode string) error {
		o.Properties = append(o.Properties, config.RecoveryClaimMode.Key()+"="+mode)
		return nil
	}}, "claimMode", "who owns the snapshot of --from-savepoint: NO_CLAIM (it stays yours) or CLAIM (the job deletes it when it needs it no more)")
	set.VarPF(value{"bool", func(yes string) error {
		o.Properties = append(o.Properties, config.RecoveryIgnoreUnclaimed.Key()+"="+yes)
		return nil
	}}, "allowNonRestoredState", "", "leave state behind that no operator of the program takes up").NoOptDefVal = "true"
	set.Var(value{"file", func(path string) error {
		o.ConfigFile = path
		return nil
	}}, "config", "read the configuration from this YAML `file`; -D wins over it (default: $"+configVariable+"/config.yaml, if that variable is set)")
	set.BoolVarP(&o.Verbose, "verbose", "v", false, "show progress and summary by operator")
	set.BoolVar(&o.NoProgress, "no-progress", false, "write a log, not a live display, on a terminal too")
	set.Var(value{"level", o.setLevel}, "log-level", "least `level` that is logged: debug, info, warn or error (default: info, but warn beside the live display)")
	set.Var(value{"format", o.setFormat}, "log-format", "`format` of the log: text, or json with one object a line")
	set.BoolVarP(&o.Help, "help", "h", false, "show this help")
	return set
}

func (o *Options) setLevel(text string) error {
	var level slog.Level
	switch strings.ToLower(text) {
	case "debug", "info", "warn", "error":
		err := level.UnmarshalText([]byte(text))
		o.LogLevel = &level
		return err
	}
	return fmt.Errorf("want debug, info, warn or error")
}

func (o *Options) setFormat(text string) error {
	switch o.LogFormat = LogFormat(strings.ToLower(text)); o.LogFormat {
	case LogText, LogJSON:
		return nil
	}
	return fmt.Errorf("want %s or %s", LogText, LogJSON)
}

// value is a flag that hands each of its values to a function.
type value struct {
	kind string
	set  func(string) error
}

func (v value) Set(text string) error { return v.set(text) }
func (v value) Type() string          { return v.kind }
func (v value) String() string        { return "" }

// absolute turns a path without a scheme, as users write it, into one that is meant the same from everywhere.
func absolute(path string) string {
	if strings.Contains(path, ":/") {
		return path
	}
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}
