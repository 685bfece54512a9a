package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/weir-stream/weir/runtime/config"
)

// options are where a command's configuration comes from.
type options struct {
	properties []string
	file       string
	// noticed says that notices were given already.
	noticed bool
}

func (o *options) flags(c *cobra.Command) {
	c.Flags().StringArrayVarP(&o.properties, "define", "D", nil, "set an option, as `key=value`; may be repeated")
	c.Flags().StringVar(&o.file, "config", "", "read options from this `file` (default: config.yaml in WEIR_CONF_DIR)")
}

// path is the configuration file, or empty.
func (o *options) path() string {
	if dir := os.Getenv("WEIR_CONF_DIR"); o.file == "" && dir != "" {
		return filepath.Join(dir, "config.yaml")
	}
	return o.file
}

// load reads the configuration. Others of the command's own count less than what it is given.
func (o *options) load(c *cobra.Command, defaults ...string) (config.Configuration, error) {
	configuration, notices, err := config.Load(o.path(), o.properties)
	for _, n := range notices {
		if o.noticed {
			break
		}
		fmt.Fprintf(c.ErrOrStderr(), "weir: %s\n", n)
	}
	o.noticed = true
	if err != nil {
		return configuration, wrong(c, err)
	}
	properties := append([]string(nil), defaults...)
	for key, text := range configuration.Properties() {
		properties = append(properties, key+"="+text)
	}
	configuration, _, err = config.Load("", properties)
	return configuration, err
}
