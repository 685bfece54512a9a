package launch

import (
	"flag"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// program is the flags of an example and where their values go.
type program struct {
	*flag.FlagSet
	inputs   []string
	output   *string
	top, n   *int
	dry      *bool
	patience *time.Duration
}

func newProgram() *program {
	p := &program{FlagSet: flag.NewFlagSet("wordcount", flag.ContinueOnError)}
	p.SetOutput(io.Discard)
	p.Func("input", "`path` of a file; may be repeated", func(path string) error {
		p.inputs = append(p.inputs, path)
		return nil
	})
	p.output = p.String("output", "out", "a folder")
	p.top = p.Int("top", 0, "print the `N` most frequent words")
	p.n = p.Int("n", 3, "a flag of one letter")
	p.dry = p.Bool("dry", false, "do nothing\nat all")
	p.patience = p.Duration("patience", time.Second, "how long to wait")
	return p
}

func parse(t *testing.T, args ...string) (*program, Options, error) {
	t.Helper()
	p := newProgram()
	line, err := NewCommandLine("wordcount", p.FlagSet)
	if err != nil {
		t.Fatal(err)
	}
	err = line.Parse(args)
	return p, line.Options, err
}

func TestFlagsInAllForms(t *testing.T) {
	for _, args := range []string{
		"--input X --input Y --top 5 --dry -n 7 --parallelism 2 -D a.b=c=d -v rest one",
		"--input=X --input=Y --top=5 --dry=true --n=7 --parallelism=2 -Da.b=c=d --verbose rest one",
		"-input X -input Y -top 5 -dry -n7 -p 2 -D=a.b=c=d -verbose rest one",
		"-input=X rest -input=Y -top=5 one -dry=true -n=7 -p2 --D a.b=c=d -v",
		"-p=2 -vn 7 -dry -D a.b=c=d -input X -input Y -top 5 -- rest one",
	} {
		p, o, err := parse(t, strings.Fields(args)...)
		if err != nil {
			t.Errorf("%s: %v", args, err)
			continue
		}
		if !slices.Equal(p.inputs, []string{"X", "Y"}) || *p.top != 5 || !*p.dry || *p.n != 7 {
			t.Errorf("%s: the program has %q %d %v %d", args, p.inputs, *p.top, *p.dry, *p.n)
		}
		slices.Sort(o.Properties)
		if !slices.Equal(o.Properties, []string{"a.b=c=d", "parallelism.default=2"}) || !o.Verbose {
			t.Errorf("%s: the runtime has %q %v", args, o.Properties, o.Verbose)
		}
		if !p.Parsed() || !slices.Equal(p.Args(), []string{"rest", "one"}) {
			t.Errorf("%s: parsed %v with the arguments %q", args, p.Parsed(), p.Args())
		}
		set := map[string]bool{}
		p.Visit(func(f *flag.Flag) { set[f.Name] = true })
		if !set["input"] || !set["n"] || set["output"] || set["patience"] {
			t.Errorf("%s: the flags that were set are %v", args, set)
		}
	}
}

// A value may look like a flag, and what follows -- is no flag at all.
func TestValuesThatLookLikeFlags(t *testing.T) {
	p, o, err := parse(t, "--input", "-input", "-output", "-top", "-D", "-dry", "-vp", "-p", "--", "-input", "--bogus")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.inputs, []string{"-input"}) || *p.output != "-top" || *p.dry || *p.top != 0 {
		t.Errorf("the program has %q %q %v %d", p.inputs, *p.output, *p.dry, *p.top)
	}
	if !slices.Equal(o.Properties, []string{"-dry", "parallelism.default=-p"}) {
		t.Errorf("the runtime has %q", o.Properties)
	}
	if !slices.Equal(p.Args(), []string{"-input", "--bogus"}) {
		t.Errorf("the arguments are %q", p.Args())
	}
}

// Of -p and -D parallelism.default the last one counts, as it does among properties.
func TestParallelismKeepsItsPlaceAmongProperties(t *testing.T) {
	_, o, err := parse(t, "-p", "2", "-Dparallelism.default=3", "--parallelism=4")
	if want := []string{"parallelism.default=2", "parallelism.default=3", "parallelism.default=4"}; err != nil || !slices.Equal(o.Properties, want) {
		t.Errorf("%q, %v, want %q", o.Properties, err, want)
	}
}

func TestRuntimeFlags(t *testing.T) {
	_, o, err := parse(t)
	if err != nil || o.LogLevel != nil || o.LogFormat != LogText || o.Help || o.Verbose || o.NoProgress {
		t.Errorf("without flags: %+v, %v", o, err)
	}
	_, o, err = parse(t, "--config", "c.yaml", "--no-progress", "--log-level", "WARN", "--log-format=JSON", "-h")
	if err != nil || o.ConfigFile != "c.yaml" || !o.NoProgress || o.LogLevel == nil || *o.LogLevel != slog.LevelWarn || o.LogFormat != LogJSON || !o.Help {
		t.Errorf("%+v, %v", o, err)
	}
	environment := func(string) string { return "/etc/weir" }
	if got := (Options{}).ConfigPath(environment); got != "/etc/weir/config.yaml" {
		t.Errorf("the default configuration is read from %q", got)
	}
	if got := o.ConfigPath(environment); got != "c.yaml" {
		t.Errorf("--config is not heeded: %q", got)
	}
	if got := (Options{}).ConfigPath(func(string) string { return "" }); got != "" {
		t.Errorf("without any configuration %q is read", got)
	}
}

func TestWhatIsWrongWithACommandLine(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--inptu X", "unknown flag --inptu; did you mean --input?"},
		{"-inptu X", "unknown flag -inptu; did you mean --input?"},
		{"--paralelism=3", "unknown flag --paralelism; did you mean --parallelism?"},
		{"--outputs x", "unknown flag --outputs; did you mean --output?"},
		{"--completely-different", "unknown flag --completely-different"},
		{"-vq", "unknown flag -q"},
		{"--top many", `flag --top: bad value "many": parse error`},
		{"--top", "flag --top needs a value: print the `N` most frequent words"},
		{"-p", "flag -p, --parallelism needs a value: subtasks of each operator"},
		{"--log-level loud", `flag --log-level: bad value "loud": want debug, info, warn or error`},
		{"--log-level info+3", `flag --log-level: bad value "info+3": want debug, info, warn or error`},
		{"--log-format xml", `flag --log-format: bad value "xml": want text or json`},
		{"--=x", "bad flag syntax: --=x"},
	} {
		_, _, err := parse(t, strings.Fields(c.args)...)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "mean") != strings.Contains(c.want, "mean") || !isUsage(err) {
			t.Errorf("%s: %v (%T), want %s", c.args, err, err, c.want)
		}
	}
}

func isUsage(err error) bool { _, ok := err.(*UsageError); return ok }

func TestClashOfFlags(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"config", "the flag --config of job (mine) clashes with --config of the Weir runtime (read the configuration"},
		{"p", "the flag -p of job (mine) clashes with -p, --parallelism of the Weir runtime (subtasks"},
		{"D", "the flag -D of job (mine) clashes with -D of the Weir runtime"},
		{"help", "the flag --help of job (mine) clashes with -h, --help of the Weir runtime"},
	} {
		set := flag.NewFlagSet("job", flag.ContinueOnError)
		set.String(c.name, "", "mine")
		set.String("harmless", "", "other")
		if _, err := NewCommandLine("job", set); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	set := flag.NewFlagSet("job", flag.ContinueOnError)
	set.Bool("v", false, "mine")
	set.Bool("verbose", false, "mine too")
	if _, err := NewCommandLine("job", set); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two clashes: %v", err)
	}
}

func TestHelp(t *testing.T) {
	line, err := NewCommandLine("wordcount", newProgram().FlagSet)
	if err != nil {
		t.Fatal(err)
	}
	if err := line.Parse([]string{"-n", "99", "-help"}); err != nil || !line.Options.Help {
		t.Fatalf("-help: %v", err)
	}
	want, err := os.ReadFile("testdata/help.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := line.Help(); got != string(want) {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	without, err := NewCommandLine("job", flag.NewFlagSet("job", flag.ContinueOnError))
	if err != nil {
		t.Fatal(err)
	}
	if got := without.Help(); strings.Contains(got, "Flags of job") {
		t.Errorf("a program without flags has a group of them:\n%s", got)
	}
}
