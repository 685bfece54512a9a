package main

// fault is a mistake that somebody might make, and the test that must see it.
type fault struct {
	name string
	// edits are made in copies: what the files have exactly once is replaced.
	edits []edit
	// test is a pattern of tests of the package pkg, of which one must fail.
	pkg, test string
}

type edit struct{ file, from, to string }

var faults = []fault{
	{
		name: "no fsync before the pointer: a file of a checkpoint gets its name before its bytes are durable",
		edits: []edit{{"checkpoint/storage/file/write.go", `		err = out.Sync()
`, `		err = nil
`}},
		pkg: "./checkpoint/storage/file", test: "TestCrashOfTheMachineAtEveryStep",
	},
	{
		name: "no fsync before the pointer: a part of the file sink is in a checkpoint before its bytes are durable",
		edits: []edit{{"api/connectors/file/part.go", `	if err := p.file.Sync(); err != nil {
`, `	if err := error(nil); err != nil {
`}},
		pkg: "./api/connectors/file", test: "TestEachRecordIsPublishedOnceThroughCrashes|TestDisksThatFail",
	},
	{
		name: "the log's claim skipped: a new leader writes behind the last slot as if it had claimed the log",
		edits: []edit{{"checkpoint/journal/journal.go", `	data, err := snapshot.EncodeEntry(e)
`, `	if e.GetClaim() != nil && e.Slot > 1 {
		return e, nil
	}
	data, err := snapshot.EncodeEntry(e)
`}},
		pkg: "./api/stream/exactlyonce", test: "TestFrozenBetweenPublishingAndDeleting",
	},
	{
		name: "commit twice: what is committed is not forgotten",
		edits: []edit{{"runtime/operator/sink/commit.go", `c.remove(func(e *entry) bool { return settled[e] })`,
			`c.remove(func(e *entry) bool { return settled[e] && !e.due })`}},
		pkg: "./runtime/operator/sink", test: "TestACheckpointCommitsWhatItHasAndNoMore",
	},
	{
		name: "commit twice: what a restored job finds published it publishes again",
		edits: []edit{{"api/connectors/file/commit.go", `	case waiting == nil && published != nil:
		return false, nil
`, `	case waiting == nil && published != nil:
		return true, os.Link(p.final(), p.final()+"0")
`}},
		pkg: "./api/stream/exactlyonce", test: "TestKilledInTheMiddleOfCommit",
	},
	{
		name: "barrier not blocking one channel",
		edits: []edit{{"checkpoint/barrier/aligner.go", `	return !c.finished && c.delivered() >= a.pending.Checkpoint
`, `	return channel != 0 && !c.finished && c.delivered() >= a.pending.Checkpoint
`}},
		pkg: "./checkpoint/barrier", test: "TestAlignment|TestNoRecordPassesItsBarrier",
	},
	{
		name: "a timer left out of the snapshot",
		edits: []edit{{"state/table/timers_mark.go", `		if *t.header(entry)&timerDead != 0 {
`, `		if *t.header(entry)&timerDead != 0 || t.at(entry)%7 == 0 {
`}},
		pkg: "./state/table", test: "TestMarks|TestTimers",
	},
	{
		name: "an sstable deleted too early: a retained checkpoint still names it",
		edits: []edit{{"checkpoint/snapshot/files.go", `	needed := fileSet(kept)
	var released`, `	needed := fileSet(nil)
	var released`}},
		pkg: "./checkpoint/snapshot", test: "TestReleasable|TestReleasedFilesAreNeverNeeded",
	},
	{
		name: "an sstable deleted too early: a checkpoint in flight names it",
		edits: []edit{{"checkpoint/coordinator/publish.go", `		kept = append(kept, p.held)
`, `		_ = p.held
`}},
		pkg: "./checkpoint/coordinator", test: "TestFilesOfOneInFlightStay",
	},
	{
		name: "a copy taken after instead of before an overwrite",
		edits: []edit{
			{"state/table/mark.go", `			c.keeper.copyOut(unsafe.Add(unsafe.Pointer(header), -int(c.keyBytes)), ix.groupOf(hash))
`, `			_ = unsafe.Add(unsafe.Pointer(header), -int(c.keyBytes))
`},
			{"state/table/track.go", `	if e == tr.epoch {
		return false
	}
`, `	if e == tr.epoch {
		return header&bornBit == 0
	}
`},
		},
		pkg: "./state/table", test: "TestMarks",
	},
}
