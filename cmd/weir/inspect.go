package main

import (
	"bufio"
	"encoding/json"

	"github.com/spf13/cobra"
)

func newInspect() *cobra.Command {
	var from access
	var asJSON, verify bool
	c := &cobra.Command{
		Use: "inspect PATH", Short: "Show what a checkpoint or savepoint consists of",
		Long: `Inspect shows what a checkpoint or savepoint consists of: its operators with their states and types, sizes, positions of sources, and
results that sinks had not committed.
` + pathHelp,
		Args: exactly(1, "the path of a snapshot"),
		RunE: func(c *cobra.Command, arguments []string) error {
			s, err := from.open(c, arguments[0])
			if err != nil {
				return err
			}
			sum, err := s.Summarize(c.Context())
			if err != nil {
				return err
			}
			out := bufio.NewWriter(c.OutOrStdout())
			if asJSON {
				encoder := json.NewEncoder(out)
				encoder.SetIndent("", "  ")
				encoder.SetEscapeHTML(false)
				err = encoder.Encode(sum)
			} else {
				show(out, sum)
			}
			if err == nil {
				err = out.Flush()
			}
			if err == nil && verify {
				err = s.Verify(c.Context())
			}
			return err
		},
	}
	from.flags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	c.Flags().BoolVar(&verify, "verify", false, "read all files, and compare them with their checksums")
	return c
}
