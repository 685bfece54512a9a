package docs_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/weir-stream/weir/api/connectors/collection"
	"github.com/weir-stream/weir/api/connectors/file"
	"github.com/weir-stream/weir/api/connectors/print"
	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/streamtest"
	"github.com/weir-stream/weir/runtime/metrics"
	"github.com/weir-stream/weir/runtime/metrics/accumulator"
)

var input = flag.String("input", "", "file or folder of clicks, JSON Lines")

func main() { stream.Main("clicks of each user", build) }

func build(env *stream.Environment) error {
	if *input == "" {
		return stream.UsageError("--input is missing")
	}
	lines := stream.From(env, file.Lines(*input)).UID("lines")
	clicks := stream.MapErr(lines, parse).Name("Parse")
	byUser := stream.KeyBy(clicks, func(c Click) string { return c.User })
	counts := stream.Count(byUser).UID("counts")
	stream.To(counts, print.Sink[stream.KeyCount[string]]())
	return nil
}

func parse(line string) (click Click, err error) {
	err = json.Unmarshal([]byte(line), &click)
	return click, err
}

func TestProgramWithoutItsInputSaysSo(t *testing.T) {
	_ = main // it would end the process
	env := streamtest.NewEnvironment(t)
	if err := build(env); err == nil || !strings.Contains(err.Error(), "--input") {
		t.Errorf("got %v", err)
	}
	*input = filepath.Join(t.TempDir(), "clicks")
	defer func() { *input = "" }()
	if err := os.WriteFile(*input, []byte(`{"User":"a"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	streamtest.RunJob(t, build)
}

func embedded(ctx context.Context) ([]int, error) {
	env, err := stream.NewEnvironment("even numbers", "parallelism.default=2")
	if err != nil {
		return nil, err
	}
	numbers := stream.From(env, collection.Of(1, 2, 3, 4))
	even := stream.Filter(numbers, func(n int) bool { return n%2 == 0 })
	return stream.ExecuteAndCollect(ctx, even)
}

func whileItRuns(ctx context.Context) (sum int, err error) {
	env, err := stream.NewEnvironment("numbers")
	if err != nil {
		return 0, err
	}
	numbers := stream.From(env, collection.Of(1, 2, 3, 4))
	results := stream.Collect(numbers)
	client, err := env.ExecuteAsync(ctx)
	if err != nil {
		return 0, err
	}
	defer client.Close()
	for n, err := range results.All(ctx) {
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

func TestEmbeddedJobs(t *testing.T) {
	got, err := embedded(context.Background())
	slices.Sort(got)
	if err != nil || !slices.Equal(got, []int{2, 4}) {
		t.Errorf("got %v, %v", got, err)
	}
	if sum, err := whileItRuns(context.Background()); err != nil || sum != 10 {
		t.Errorf("got %v, %v", sum, err)
	}
}

func transformations(in streams) {
	clicks := in.clicks
	items := stream.Map(clicks, func(c Click) string { return c.Item })
	dear := stream.Filter(clicks, func(c Click) bool { return c.Price >= 20 })
	names := stream.FlatMap(clicks, func(c Click, out stream.Collector[string]) error {
		out.Collect(c.User)
		out.Collect(c.Item)
		return nil
	})
	texts := stream.Union(items, names)
	drop(dear)

	lengths := stream.MapWith(texts, func() func(string) int {
		var buffer []rune // one for each subtask
		return func(text string) int {
			buffer = append(buffer[:0], []rune(text)...)
			return len(buffer)
		}
	})
	drop(lengths)
}

func rolling(in streams) {
	byUser := in.byUser
	spent := stream.Sum(byUser, func(c *Click) *int64 { return &c.Price })
	dearest := stream.MaxBy(byUser, func(c Click) int64 { return c.Price }, stream.First)
	latest := stream.Reduce(byUser, func(a, b Click) Click {
		if b.At.After(a.At) {
			return b
		}
		return a
	})
	totals := stream.Count(byUser, stream.AtEnd)
	drop(stream.Union(spent, dearest, latest))
	drop(totals)
}

func partitioning(in streams) {
	clicks := in.clicks
	evenly := clicks.Rebalance()
	byShelf := stream.PartitionCustom(clicks,
		func(item string, subtasks int) int { return int(item[0]) % subtasks },
		func(c Click) string { return c.Item })
	drop(evenly)
	drop(byShelf)
}

func options(in streams) {
	clicks := in.clicks
	prices := stream.Map(clicks, func(c Click) int64 { return c.Price }).
		UID("prices").Name("Prices").Parallelism(2).MaxParallelism(256).DisableChaining()
	drop(prices)
}

// counting passes records on and counts them.
type counting struct {
	empty  *metrics.Counter
	clicks *accumulator.Int
}

func (c *counting) Open(ctx stream.RuntimeContext) error {
	c.empty = ctx.Metrics().Counter("clicksWithoutUser")
	c.clicks = accumulator.IntCounter()
	return ctx.Accumulators().Add("clicks", c.clicks)
}

func (c *counting) Process(_ *stream.ProcessContext, in Click, out stream.Collector[Click]) error {
	c.clicks.Add(1)
	if in.User == "" {
		c.empty.Add(1)
	}
	out.Collect(in)
	return nil
}

func counted(in streams) {
	counted := stream.ProcessEach(in.clicks, func() *counting { return new(counting) })
	drop(counted)
}

func TestExamplesOfPrograms(t *testing.T) {
	runExamples(t, transformations, rolling, partitioning, options, counted)
}

func TestAccumulatorsAreInTheResult(t *testing.T) {
	result := streamtest.RunJob(t, func(env *stream.Environment) error {
		clicks := stream.From(env, collection.Of(Click{User: "a"}, Click{}))
		drop(stream.ProcessEach(clicks, func() *counting { return new(counting) }))
		return nil
	})
	clicks, err := result.Accumulators["clicks"].Int()
	if err != nil || clicks != 2 {
		t.Errorf("got %d, %v", clicks, err)
	}
}

func TestMistakesAreReportedTogether(t *testing.T) {
	env, err := stream.NewEnvironment("two mistakes")
	if err != nil {
		t.Fatal(err)
	}
	pointers := stream.KeyBy(stream.From(env, collection.Of(new(int))), func(p *int) *int { return p })
	drop(pointers.Stream().Parallelism(0))
	_, err = env.Execute(context.Background())
	for _, want := range []string{"KeyBy", "pointer", "parallelism 0"} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%v: want it to say %q", err, want)
		}
	}
}
