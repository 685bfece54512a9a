package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// commandsBegin stands on the page before what is written from the commands themselves.
const commandsBegin = "<!-- The rest is written by: WEIR_UPDATE=1 go test ./cmd/weir -run TestThePageOfCommands -->\n"

// TestThePageOfCommands compares README.md with what --help says, or writes it.
func TestThePageOfCommands(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	head, old, found := strings.Cut(string(page), commandsBegin)
	if !found {
		t.Fatal("README.md does not say where the commands begin")
	}
	var b strings.Builder
	describe(&b, newRoot())
	if os.Getenv("WEIR_UPDATE") != "" {
		if err := os.WriteFile("README.md", []byte(head+commandsBegin+b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != b.String() {
		t.Error("README.md is not what --help says; run: WEIR_UPDATE=1 go test ./cmd/weir -run TestThePageOfCommands")
	}
}

// describe writes the commands below one.
func describe(b *strings.Builder, parent *cobra.Command) {
	for _, c := range parent.Commands() {
		if c.Hidden || c.Name() == "help" || c.Name() == "completion" {
			continue
		}
		if c.HasSubCommands() {
			describe(b, c)
			continue
		}
		what := c.Long
		if what == "" {
			what = c.Short + "."
		}
		fmt.Fprintf(b, "\n### `%s`\n\n%s\n", c.UseLine(), what)
		rows := ""
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Hidden || f.Name == "help" {
				return
			}
			name := "`--" + f.Name + "`"
			if f.Shorthand != "" {
				name = "`-" + f.Shorthand + "`, " + name
			}
			_, usage := pflag.UnquoteUsage(f)
			def := ""
			if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0" {
				def = f.DefValue
			}
			rows += fmt.Sprintf("| %s | %s | %s |\n", name, usage, def)
		})
		if rows != "" {
			fmt.Fprintf(b, "\n| option | | default |\n|---|---|---|\n%s", rows)
		}
	}
}
