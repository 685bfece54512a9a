package launch

import (
	"strings"

	"github.com/spf13/pflag"
)

// Help is what --help prints: the program's flags, then the runtime's.
func (c *CommandLine) Help() string {
	var b strings.Builder
	b.WriteString("Usage: " + c.program + " [flags]\n")
	for _, group := range []struct {
		title string
		flags *pflag.FlagSet
	}{
		{"Flags of " + c.program, c.own},
		{"Flags of the Weir runtime", c.runtime},
	} {
		if group.flags.HasFlags() {
			b.WriteString("\n" + group.title + ":\n" + table(group.flags))
		}
	}
	return b.String()
}

// table has a line for each flag.
func table(flags *pflag.FlagSet) string {
	var rows [][2]string
	longest := 0
	flags.VisitAll(func(f *pflag.Flag) {
		kind, usage := pflag.UnquoteUsage(f)
		name := "      --" + f.Name
		switch {
		case f.Shorthand == f.Name:
			name = "  -" + f.Name
		case f.Shorthand != "":
			name = "  -" + f.Shorthand + ", --" + f.Name
		}
		if kind != "" {
			name += " " + kind
		}
		rows = append(rows, [2]string{name, usage + byDefault(f)})
		longest = max(longest, len(name))
	})
	var b strings.Builder
	for _, row := range rows {
		usage := strings.ReplaceAll(row[1], "\n", "\n"+strings.Repeat(" ", longest+2))
		b.WriteString(row[0] + strings.Repeat(" ", longest-len(row[0])+2) + usage + "\n")
	}
	return b.String()
}

func byDefault(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "0", "0s", "false", "[]":
		return ""
	}
	return " (default " + f.DefValue + ")"
}
