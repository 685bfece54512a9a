package docs_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-stream/weir/api/connector"
	"github.com/weir-stream/weir/api/connectors/collection"
	"github.com/weir-stream/weir/api/connectors/datagen"
	"github.com/weir-stream/weir/api/connectors/discard"
	"github.com/weir-stream/weir/api/connectors/file"
	"github.com/weir-stream/weir/api/connectors/print"
	"github.com/weir-stream/weir/api/connectors/socket"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/streamtest"
	"github.com/weir-stream/weir/runtime/element"
)

func sources(env *stream.Environment, folder string) {
	words := stream.From(env, collection.Of("to", "be"))
	squares := stream.From(env, datagen.Generate(1000, func(i int64) int64 { return i * i }).Rate(1_000_000))
	lines := stream.From(env, file.Lines(filepath.Join(folder, "*.log")))
	drop(words)
	drop(squares)
	drop(lines)
}

func remote(env *stream.Environment) {
	typed := stream.From(env, socket.Lines("localhost:9999").MaxRetries(10))
	drop(typed)
}

func sinks(clicks stream.DataStream[Click], folder string) {
	stream.To(clicks, print.Sink[Click]().Identifier("clicks"))
	stream.To(clicks, file.JSON[Click](filepath.Join(folder, "clicks")).Overwrite()).UID("files").Parallelism(1)
	stream.To(clicks, file.JSON[Click](filepath.Join(folder, "parts")).Rolling(file.RollingPolicy{PartSize: 64 << 20}))
	stream.To(clicks, discard.Sink[Click]())
	stream.To(clicks, lineSink{filepath.Join(folder, "lines")})
}

// lineSink writes records to a file of each subtask.
type lineSink struct{ path string }

func (s lineSink) Name() string { return "Lines" }

func (s lineSink) NewWriter(ctx connector.WriterContext) (connector.Writer[Click], error) {
	return &lineWriter{path: fmt.Sprintf("%s-%d", s.path, ctx.Subtask())}, nil
}

type lineWriter struct {
	path   string
	file   *os.File
	buffer *bufio.Writer
}

func (w *lineWriter) Open() (err error) {
	w.file, err = os.Create(w.path)
	w.buffer = bufio.NewWriter(w.file)
	return err
}

func (w *lineWriter) Write(batch *element.Batch[Click]) error {
	for _, click := range batch.Values {
		if _, err := fmt.Fprintln(w.buffer, click.User, click.Item); err != nil {
			return err
		}
	}
	return nil
}

func (w *lineWriter) Flush(bool) error { return w.buffer.Flush() }
func (w *lineWriter) Close() error     { return w.file.Close() }

func TestExamplesOfConnectors(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "a.log"), []byte("a line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	streamtest.RunJob(t, func(env *stream.Environment) error {
		sources(env, folder)
		sinks(stream.From(env, collection.Of(Click{User: "ada", Item: "p"})), folder)
		return nil
	}, streamtest.Properties("parallelism.default=1"))
	expect(t, read(t, filepath.Join(folder, "lines-0")), "ada p\n")
	if json := read(t, filepath.Join(folder, "clicks", "part-0-0")); !strings.Contains(json, `"User":"ada"`) {
		t.Errorf("got %s", json)
	}
	remote(streamtest.NewEnvironment(t))
}
