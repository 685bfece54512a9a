package barrier

import (
	"fmt"
	"math/rand"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/element"
	"github.com/weir-stream/weir/runtime/ident"
)

var now = time.UnixMilli(1000)

func barrierOf(id ident.CheckpointID, exactlyOnce bool) *element.Barrier {
	return &element.Barrier{Checkpoint: id, ExactlyOnce: exactlyOnce}
}

// run takes steps such as "0:5" (channel 0 delivers barrier 5), "0:end", "cancel 5", and shows what comes of each.
func run(channels int, exactlyOnce bool, steps ...string) (shown []string) {
	a := New(channels)
	for _, step := range steps {
		var channel, id int
		var out Outcome
		switch {
		case scan(step, "cancel %d", &id):
			out = a.Cancel(ident.CheckpointID(id), now)
		case scan(step, "announce %d", &id):
			out = a.Announce(barrierOf(ident.CheckpointID(id), exactlyOnce), now)
		case step == "resume":
			out = a.Resume(now)
		case scan(step, "%d:%d", &channel, &id):
			out = a.Barrier(channel, barrierOf(ident.CheckpointID(id), exactlyOnce), now)
		case scan(step, "%d:end", &channel):
			out = a.Finish(channel, now)
		}
		text := ""
		if out.GaveUp > 0 {
			text += fmt.Sprintf("-%d", out.GaveUp)
		}
		if out.Take != nil {
			text += fmt.Sprintf("+%d", out.Take.Checkpoint)
		}
		if out.More {
			text += " more"
		}
		for c := range channels {
			if a.Blocked(c) {
				text += fmt.Sprintf("!%d", c)
			}
		}
		shown = append(shown, text)
	}
	return shown
}

func scan(text, format string, into ...any) bool {
	n, err := fmt.Sscanf(text, format, into...)
	return err == nil && n == len(into)
}

func TestAlignment(t *testing.T) {
	for name, c := range map[string]struct {
		channels    int
		exactlyOnce bool
		steps, want []string
	}{
		"one channel":            {1, true, []string{"0:1", "0:2"}, []string{"+1", "+2"}},
		"two channels":           {2, true, []string{"0:1", "1:1", "1:2", "0:2"}, []string{"!0", "+1", "!1", "+2"}},
		"at least once":          {2, false, []string{"0:1", "0:2", "1:1", "1:2"}, []string{"", "", "+1", "+2"}},
		"one left out":           {2, true, []string{"0:1", "1:2", "0:2"}, []string{"!0", "-1!1", "+2"}},
		"left out, at least":     {2, false, []string{"0:1", "0:2", "1:2"}, []string{"", "", "-1+2"}},
		"older comes late":       {3, true, []string{"0:2", "1:1", "1:2", "2:2"}, []string{"!0", "!0", "!0!1", "+2"}},
		"canceled":               {2, true, []string{"0:1", "cancel 1", "1:1", "0:2", "1:2"}, []string{"!0", "-1", "", "!0", "+2"}},
		"canceled before":        {2, true, []string{"cancel 1", "0:1", "1:1", "0:2", "1:2"}, []string{"", "", "", "!0", "+2"}},
		"canceled ahead":         {2, false, []string{"0:1", "0:2", "cancel 2", "1:1", "0:3", "1:3"}, []string{"", "", "", "+1", "", "+3"}},
		"canceled, next waiting": {2, false, []string{"0:1", "0:2", "cancel 1", "1:2"}, []string{"", "", "-1", "+2"}},
		"canceled twice":         {2, true, []string{"0:1", "cancel 1", "cancel 1", "1:1"}, []string{"!0", "-1", "", ""}},
		"canceled when over":     {2, true, []string{"0:1", "1:1", "cancel 1", "0:2", "1:2"}, []string{"!0", "+1", "", "!0", "+2"}},
		"finished aligns":        {2, true, []string{"0:1", "1:end", "0:2"}, []string{"!0", "+1", "+2"}},
		"finished before":        {3, true, []string{"1:end", "0:1", "2:1"}, []string{"", "!0", "+1"}},
		"all finished":           {2, true, []string{"0:end", "1:end", "1:end"}, []string{"", "", ""}},
		"held back several":      {2, false, []string{"1:1", "0:1", "1:end", "0:2", "0:end"}, []string{"", "+1", "", "+2", ""}},
		"announced behind":       {2, true, []string{"announce 2", "0:1", "1:end", "0:end"}, []string{"", "!0", "+1", "+2"}},
		"one after the other":    {3, false, []string{"announce 2", "0:1", "1:1", "0:end", "1:end", "2:end", "resume", "resume"}, []string{"", "", "", "", "", "+1 more", "+2", ""}},
		"announced":              {2, true, []string{"announce 3", "0:end", "1:end"}, []string{"", "", "+3"}},
		"announced two":          {1, true, []string{"announce 7", "announce 8", "0:end", "resume"}, []string{"", "", "+7 more", "+8"}},
		"two of a source":        {0, true, []string{"announce 7", "announce 8", "announce 7"}, []string{"+7", "+8", ""}},
		"announced out of turn":  {1, true, []string{"announce 8", "announce 6", "announce 7", "0:end", "resume", "resume"}, []string{"", "", "", "+6 more", "+7 more", "+8"}},
		"one of two canceled":    {1, true, []string{"announce 7", "announce 8", "cancel 7", "0:end", "resume"}, []string{"", "", "", "+8", ""}},
		"one of two came":        {1, true, []string{"announce 7", "announce 8", "0:7", "0:end"}, []string{"", "", "+7", "+8"}},
		"announced twice":        {1, true, []string{"0:end", "announce 3", "announce 3", "announce 2", "announce 4"}, []string{"", "+3", "", "", "+4"}},
		"announced and came":     {1, true, []string{"announce 3", "0:3", "0:end", "announce 3"}, []string{"", "+3", "", ""}},
		"announced, canceled":    {1, true, []string{"announce 3", "cancel 3", "0:end"}, []string{"", "", ""}},
		"a source":               {0, true, []string{"announce 1", "announce 2", "cancel 3", "announce 3"}, []string{"+1", "+2", "", ""}},
		"skipped by canceled":    {2, true, []string{"0:1", "cancel 2", "1:2", "0:3", "1:3"}, []string{"!0", "!0", "-1", "!0", "+3"}},
	} {
		if got := run(c.channels, c.exactlyOnce, c.steps...); fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// stream is a channel's future: records, barriers and the end, as what its producer sends.
type item struct {
	barrier ident.CheckpointID // 0: a record
	end     bool
}

// streams makes channels that each send the barriers of all checkpoints, leave out some of those that are aborted, and may finish or stay open.
func streams(random *rand.Rand, channels int, checkpoints ident.CheckpointID, aborted map[ident.CheckpointID]bool) [][]item {
	all := make([][]item, channels)
	for c := range all {
		finishes := random.Intn(2) == 0
		for id := ident.CheckpointID(1); id <= checkpoints; id++ {
			for range random.Intn(4) {
				all[c] = append(all[c], item{})
			}
			if random.Intn(40) == 0 {
				finishes = true
				break // early
			}
			if !aborted[id] || random.Intn(2) == 0 {
				all[c] = append(all[c], item{barrier: id})
			}
		}
		if finishes {
			all[c] = append(all[c], item{end: true})
		}
	}
	return all
}

// TestNoRecordPassesItsBarrier interleaves channels at random. Exactly once, when a checkpoint is taken no channel has delivered a
// record from behind its barrier, and all records from before it; at least once, the latter. Checkpoints are taken once and in
// order, all that were not aborted, and every channel comes to its end.
func TestNoRecordPassesItsBarrier(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	taken, canceled := 0, 0
	for round := range 4000 {
		channels, exactlyOnce := 1+random.Intn(5), round%2 == 0
		const checkpoints = 8
		aborted := map[ident.CheckpointID]bool{}
		for id := ident.CheckpointID(1); id <= checkpoints; id++ {
			aborted[id] = random.Intn(4) == 0
		}
		all := streams(random, channels, checkpoints, aborted)
		a, at := New(channels), make([]int, channels)
		passed := make([]ident.CheckpointID, channels) // the last barrier, infinite at the end
		last, told := ident.CheckpointID(0), map[ident.CheckpointID]bool{}
		var check func(out Outcome)
		check = func(out Outcome) {
			if out.Take == nil {
				return
			}
			if out.More {
				defer func() { check(a.Resume(now)) }()
			}
			id := out.Take.Checkpoint
			if id <= last {
				t.Fatalf("round %d: %d is taken after %d", round, id, last)
			}
			if told[id] {
				t.Fatalf("round %d: %d is taken although it was canceled", round, id)
			}
			for skipped := last + 1; skipped < id && id != last9; skipped++ {
				if exactlyOnce && !aborted[skipped] {
					t.Fatalf("round %d: %d is taken after %d, and %d is not", round, id, last, skipped)
				}
			}
			for c, b := range passed {
				if b < id {
					t.Fatalf("round %d: %d is taken before channel %d has delivered its barrier", round, id, c)
				}
				if exactlyOnce && b > id && b != end {
					t.Fatalf("round %d: %d is taken after channel %d has delivered barrier %d", round, id, c, b)
				}
			}
			last = id
			taken++
		}
		behind := make([]ident.CheckpointID, channels) // of the last record: the barrier before it
		announced := false
		for {
			if !announced && random.Intn(50) == 0 && allEnd(all) {
				announced = true
				check(a.Announce(barrierOf(last9, exactlyOnce), now))
			}
			var open []int
			for c := range channels {
				if at[c] < len(all[c]) && !a.Blocked(c) {
					open = append(open, c)
				}
			}
			if len(open) == 0 {
				// All that can stop the channels for good is a barrier that will never come: the coordinator cancels that.
				pending, _ := a.Pending()
				if pending == nil {
					break
				}
				if !aborted[pending.Checkpoint] {
					t.Fatalf("round %d: deadlock at %d", round, pending.Checkpoint)
				}
				canceled++
				told[pending.Checkpoint] = true
				check(a.Cancel(pending.Checkpoint, now))
				continue
			}
			if id := ident.CheckpointID(1 + random.Intn(checkpoints)); random.Intn(10) == 0 && aborted[id] {
				told[id] = told[id] || id > last
				check(a.Cancel(id, now))
				continue
			}
			c := open[random.Intn(len(open))]
			next := all[c][at[c]]
			at[c]++
			switch {
			case next.end:
				passed[c] = end
				check(a.Finish(c, now))
			case next.barrier > 0:
				passed[c] = next.barrier
				check(a.Barrier(c, barrierOf(next.barrier, exactlyOnce), now))
			default:
				behind[c] = passed[c]
				if pending, _ := a.Pending(); exactlyOnce && pending != nil && behind[c] >= pending.Checkpoint {
					t.Fatalf("round %d: a record from behind barrier %d passes", round, pending.Checkpoint)
				}
			}
		}
		for c := range channels {
			if at[c] < len(all[c]) {
				t.Fatalf("round %d: channel %d stands still", round, c)
			}
		}
		if announced && last != last9 {
			t.Fatalf("round %d: the announced checkpoint is not taken", round)
		}
	}
	if taken < 1000 || canceled == 0 {
		t.Errorf("%d taken, %d canceled: the test is too weak", taken, canceled)
	}
}

// last9 is above all barriers in the streams, end that of a channel at its end.
const (
	last9 = 9
	end   = ^ident.CheckpointID(0)
)

func allEnd(all [][]item) bool {
	for _, stream := range all {
		if !stream[len(stream)-1].end {
			return false
		}
	}
	return true
}

func TestAlignmentLastsFromTheFirstBarrier(t *testing.T) {
	a := New(2)
	a.Barrier(0, barrierOf(1, true), now)
	if pending, since := a.Pending(); pending.Checkpoint != 1 || since != now {
		t.Errorf("%v since %v", pending, since)
	}
	if out := a.Barrier(1, barrierOf(1, true), now.Add(time.Second)); out.Since != now || !out.Changed {
		t.Errorf("%+v", out)
	}
	if a.Finish(0, now); a.AllFinished() {
		t.Error("one channel is left")
	}
	if a.Finish(1, now); !a.AllFinished() {
		t.Error("no channel is left")
	}
}

func TestNothingIsAllocatedPerBarrier(t *testing.T) {
	a, id := New(64), ident.CheckpointID(0)
	barriers := make([]*element.Barrier, 300)
	for i := range barriers {
		barriers[i] = barrierOf(ident.CheckpointID(i+1), true)
	}
	if n := testing.AllocsPerRun(100, func() {
		b := barriers[id]
		id++
		for c := range 64 {
			a.Barrier(c, b, now)
		}
	}); n != 0 {
		t.Errorf("%v allocations per checkpoint", n)
	}
}
