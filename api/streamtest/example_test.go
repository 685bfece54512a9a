package streamtest_test

import (
	"fmt"
	"time"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/api/streamtest"
	"github.com/weir-stream/weir/api/window"
	"github.com/weir-stream/weir/state"
)

// click is a record of the program under test.
type click struct{ Item string }

func (c click) item() string { return c.Item }

// dedup lets the first click of each item pass.
type dedup struct {
	Seen state.Value[bool] `state:"seen"`
}

func (d *dedup) Process(_ *stream.KeyedContext[string], in click, out stream.Collector[click]) error {
	if seen, _ := d.Seen.Get(); !seen {
		d.Seen.Set(true)
		out.Collect(in)
	}
	return nil
}

// A test of a function with state: it survives a restore with more subtasks.
func Example() {
	var t streamtest.T = exampleTest{} // the *testing.T of a test

	env := streamtest.NewEnvironment(t)
	clicks := streamtest.Input[click](env)
	byItem := stream.KeyBy(clicks.Stream(), click.item)
	firsts := streamtest.Output(stream.Process(byItem, func() *dedup { return new(dedup) }).UID("firsts"))
	h := streamtest.New(t, env)

	clicks.SendAt(click{"a"}, 1)
	clicks.SendAt(click{"b"}, 2)
	clicks.SendAt(click{"a"}, 3)
	clicks.Watermark(10)
	fmt.Println(firsts.Take())

	h.Restore(h.Snapshot(), streamtest.Parallelism(3))
	clicks.SendAt(click{"b"}, 11)
	clicks.SendAt(click{"c"}, 12)
	fmt.Println(firsts.Take())

	seen, _ := streamtest.Value[bool](h, "firsts", "c", "seen")
	fmt.Println(seen)
	// Output:
	// [{Item:a} @ 1 {Item:b} @ 2 watermark 10]
	// [{Item:c} @ 12]
	// true
}

// A test of a window: sums of ten seconds, with records that are late.
func ExampleInput() {
	var t streamtest.T = exampleTest{} // the *testing.T of a test

	type sale struct {
		Shop  string
		Cents int64
	}
	env := streamtest.NewEnvironment(t)
	sales := streamtest.Input[sale](env)
	byShop := stream.KeyBy(sales.Stream(), func(s sale) string { return s.Shop })
	late := stream.NewOutputTag[sale]("late")
	perTenSeconds := stream.Window(byShop, window.Tumbling(10*time.Second)).SideOutputLateData(late)
	sums := stream.Aggregate(perTenSeconds, window.Sum(func(s sale) int64 { return s.Cents }))
	results, tooLate := streamtest.Output(sums), streamtest.Output(stream.SideOutput(sums, late))
	h := streamtest.New(t, env)

	sales.SendAt(sale{"north", 100}, 1_000)
	sales.SendAt(sale{"north", 50}, 9_999)
	sales.SendAt(sale{"north", 7}, 10_000) // belongs to the next window
	fmt.Println("open:", results.Take())

	sales.Watermark(9_999)
	fmt.Println("fired:", results.Take())

	sales.SendAt(sale{"north", 1}, 5_000)
	fmt.Println("late:", tooLate.TakeValues())

	h.EndInput()
	fmt.Println("at the end:", results.Take())
	// Output:
	// open: []
	// fired: [150 @ 9999 watermark 9999]
	// late: [{north 1}]
	// at the end: [7 @ 19999 watermark 9223372036854775807]
}

// exampleTest stands for a *testing.T, which an example does not have.
type exampleTest struct{}

func (exampleTest) Helper()                           {}
func (exampleTest) Cleanup(func())                    {}
func (exampleTest) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
