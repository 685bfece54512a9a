package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/weir-stream/weir/checkpoint/offline"
)

func newDump() *cobra.Command {
	var from access
	var options offline.DumpOptions
	var asJSON bool
	c := &cobra.Command{
		Use: "dump PATH --operator OPERATOR --state STATE", Short: "Print the entries of a state",
		Long: `Dump prints the entries of a state, one a line: the key, the window or timer that it belongs to, and the value, typed by the schema in the
snapshot. Bytes, and values that the program encodes itself, are hexadecimal digits, or base64 with --json.
` + pathHelp,
		Args: exactly(1, "the path of a snapshot"),
		RunE: func(c *cobra.Command, arguments []string) error {
			if options.State == "" {
				return wrong(c, errors.New("--state says whose entries are wanted"))
			}
			s, err := from.open(c, arguments[0])
			if err != nil {
				return err
			}
			options.Hex = !asJSON
			out := bufio.NewWriter(c.OutOrStdout())
			err = s.Dump(c.Context(), options, printer(out, asJSON))
			return errors.Join(err, out.Flush())
		},
	}
	from.flags(c)
	c.Flags().StringVar(&options.Operator, "operator", "", "`uid`, id or name of the operator; may be left out if only one has the state")
	c.Flags().StringVar(&options.State, "state", "", "`name` of the state, as inspect shows it")
	c.Flags().BoolVar(&asJSON, "json", false, "write one JSON object a line")
	c.Flags().StringVar(&options.Folder, "tmp", "", "`folder` for copies of the tables of one subtask at a time (default: that of the system)")
	return c
}

func printer(out io.Writer, asJSON bool) func(*offline.Entry) error {
	if !asJSON {
		return func(e *offline.Entry) error {
			_, err := fmt.Fprintln(out, lineOf(e))
			return err
		}
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return func(e *offline.Entry) error { return encoder.Encode(e) }
}
