package launch

import (
	"errors"
	"flag"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// CommandLine is the flags of a program and those of the runtime. A flag is written as --name value, --name=value or, as Go's own package
// has it, with a single dash; flags may stand behind arguments, and -- ends them.
type CommandLine struct {
	// Options are valid after Parse.
	Options Options

	program          string
	flags            *flag.FlagSet
	own, runtime, of *pflag.FlagSet // the program's, the runtime's, and both
}

// NewCommandLine joins the program's flags with the runtime's. It fails if two have one name.
func NewCommandLine(program string, flags *flag.FlagSet) (*CommandLine, error) {
	c := &CommandLine{program: program, flags: flags}
	c.runtime = runtimeFlags(&c.Options)
	c.own = pflag.NewFlagSet("", pflag.ContinueOnError)
	var clashes []error
	flags.VisitAll(func(f *flag.Flag) {
		if other := c.runtimeFlag(f.Name); other != nil {
			clashes = append(clashes, fmt.Errorf("the flag %s of %s (%s) clashes with %s of the Weir runtime (%s): give it another name",
				dashed(f.Name), program, f.Usage, spelled(other), other.Usage))
			return
		}
		c.own.AddFlag(c.adopt(f))
	})
	if len(clashes) > 0 {
		return nil, errors.Join(clashes...)
	}
	c.of = pflag.NewFlagSet("", pflag.ContinueOnError)
	c.of.Usage = func() {}
	c.of.AddFlagSet(c.own)
	c.of.AddFlagSet(c.runtime)
	return c, nil
}

// runtimeFlag is the runtime's flag of that name or letter, or nil.
func (c *CommandLine) runtimeFlag(name string) *pflag.Flag {
	if len(name) == 1 {
		if f := c.runtime.ShorthandLookup(name); f != nil {
			return f
		}
	}
	return c.runtime.Lookup(name)
}

// adopt makes a flag of the program known here. It is set through its own set, so that flag.Visit finds it.
func (c *CommandLine) adopt(f *flag.Flag) *pflag.Flag {
	adopted := pflag.PFlagFromGoFlag(f)
	kind, _ := flag.UnquoteUsage(f)
	adopted.Value = value{kind, func(text string) error { return c.flags.Set(f.Name, text) }}
	return adopted
}

// Parse reads the arguments, without the program's name. What is no flag is then found by the Args of the program's flags, which
// count as parsed. Errors are of type *UsageError.
func (c *CommandLine) Parse(args []string) error {
	if err := c.of.Parse(c.normal(args)); err != nil {
		return &UsageError{c.explain(err)}
	}
	return c.flags.Parse(append([]string{"--"}, c.of.Args()...))
}

// normal gives flags that are written in Go's way, with one dash before a name, two.
func (c *CommandLine) normal(args []string) []string {
	out := make([]string, 0, len(args))
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return append(out, args[i:]...)
		}
		if name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "="); strings.HasPrefix(arg, "-") && len(name) > 1 && c.of.Lookup(name) != nil {
			arg = "-" + arg
		}
		out = append(out, arg)
		if c.wantsMore(arg) && i+1 < len(args) {
			i++
			out = append(out, args[i])
		}
	}
	return out
}

// wantsMore reports whether the argument after this one is its value.
func (c *CommandLine) wantsMore(arg string) bool {
	if strings.Contains(arg, "=") {
		return false
	}
	if name, long := strings.CutPrefix(arg, "--"); long {
		f := c.of.Lookup(name)
		return f != nil && f.NoOptDefVal == ""
	}
	letters, short := strings.CutPrefix(arg, "-")
	if !short {
		return false
	}
	for i := range len(letters) {
		if f := c.of.ShorthandLookup(letters[i : i+1]); f == nil || f.NoOptDefVal == "" {
			return f != nil && i == len(letters)-1 // otherwise what follows the letter is its value
		}
	}
	return false
}

// explain says what is wrong in words that name the flags of this program.
func (c *CommandLine) explain(err error) error {
	var unknown *pflag.NotExistError
	var invalid *pflag.InvalidValueError
	var missing *pflag.ValueRequiredError
	switch {
	case errors.As(err, &unknown):
		name := unknown.GetSpecifiedName()
		written := "--" + name
		if letters := unknown.GetSpecifiedShortnames(); letters != "" {
			name, _, _ = strings.Cut(letters, "=") // -inptu is rather one name that is misspelt than five letters
			written = "-" + name
		}
		if meant := c.nearest(name); meant != "" {
			return fmt.Errorf("unknown flag %s; did you mean %s?", written, dashed(meant))
		}
		return fmt.Errorf("unknown flag %s", written)
	case errors.As(err, &invalid):
		return fmt.Errorf("flag %s: bad value %q: %w", spelled(invalid.GetFlag()), invalid.GetValue(), invalid.Unwrap())
	case errors.As(err, &missing):
		return fmt.Errorf("flag %s needs a value: %s", spelled(missing.GetFlag()), missing.GetFlag().Usage)
	}
	return err
}

// nearest is the flag that was probably meant, or nothing. Of a single letter anything may have been.
func (c *CommandLine) nearest(name string) string {
	if len(name) < 2 {
		return ""
	}
	best, fewest := "", 1+min(max(1, len(name)/2), 3)
	c.of.VisitAll(func(f *pflag.Flag) {
		if d := distance(name, f.Name); d < fewest {
			best, fewest = f.Name, d
		}
	})
	return best
}

// distance is the number of letters to insert, delete, replace or swap with their neighbour that turns a into b (optimal string alignment
// distance, computed row by row).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := range len(a) {
		for j := range len(b) {
			change := rows[i][j]
			if a[i] != b[j] {
				change++
			}
			least := min(change, rows[i][j+1]+1, rows[i+1][j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				least = min(least, rows[i-1][j-1]+1)
			}
			rows[i+1][j+1] = least
		}
	}
	return rows[len(a)][len(b)]
}

// dashed is a flag as one writes it.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// spelled is a flag with its short form.
func spelled(f *pflag.Flag) string {
	if f.Shorthand != "" && f.Shorthand != f.Name {
		return "-" + f.Shorthand + ", --" + f.Name
	}
	return dashed(f.Name)
}
