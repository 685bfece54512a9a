// Package streamtest tests the functions of a program in go test: a single operator or any part of a program in a
// harness ([New]), and a whole job ([RunJob]).
//
// A harness stands between inputs, through which the test sends records, watermarks and idleness, and outputs, which keep
// what comes out. Between them is whatever the test builds with package stream: the operators, chains, exchanges and state
// backends are those of a real job. They run in the test's goroutine, and have done all there is to do when a call of
// the harness returns. So a test needs no waiting, and the same test gives the same result every time. Time is what
// [Harness.SetProcessingTime] says.
//
//	env := streamtest.NewEnvironment(t)
//	clicks := streamtest.Input[Click](env)
//	firsts := streamtest.Output(stream.Process(stream.KeyBy(clicks.Stream(), Click.ItemID), newDedup))
//	h := streamtest.New(t, env)
//
//	clicks.SendAt(Click{Item: "a"}, 1)
//	clicks.Watermark(10)
//	h.SetProcessingTime(60_000)
//	got := firsts.Take()
//
// [Harness.Snapshot] and [Harness.Restore] put fresh operators in the place of those that ran, with the state of the
// snapshot, also in another number of subtasks or on another state backend. [Value], [Timers] and their like look at
// the state in a snapshot.
//
// Records that one operator hands to several are copied (pipeline.object-reuse=false) unless [ObjectReuse] is given, so that
// a function which changes what it has emitted or received shows up in the results of others.
//
// A harness and what belongs to it is used by one goroutine.
package streamtest
