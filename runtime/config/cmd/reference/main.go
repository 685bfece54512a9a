// Command reference writes the reference page of the configuration. Run it from the root of the repository:
//
//	go run ./runtime/config/cmd/reference
package main

import (
	"fmt"
	"os"

	"github.com/weir-stream/weir/runtime/config"
)

const page = "runtime/config/REFERENCE.md"

func main() {
	if err := os.WriteFile(page, []byte(config.Reference()), 0o644); err != nil {
		fmt.Fprintf(os.Stderr, "reference: %v\n(run it from the root of the repository)\n", err)
		os.Exit(1)
	}
}
