package embedded_test

import (
	"io"
	"log/slog"
	"testing"

	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/embedded"
)

// BenchmarkStart measures a cluster from its start to its end, without a job.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		c, err := embedded.Start(config.Configuration{}, quiet())
		if err != nil {
			b.Fatal(err)
		}
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkJob measures a job of eight subtasks that do nothing, from its submission to its result.
func BenchmarkJob(b *testing.B) {
	made := &workers{}
	o := quiet()
	o.NewWorker = made.make
	c, err := embedded.Start(config.Configuration{}, o)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	for b.Loop() {
		client, err := c.Submit(b.Context(), pipeline("small", 4), config.Configuration{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := client.Wait(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func quiet() embedded.Options {
	return embedded.Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
}
