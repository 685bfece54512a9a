package randomgraph

import (
	"fmt"
	"maps"
	"slices"
)

// verdict compares what the sinks of a plan have received with what they must.
func verdict(p *plan, recordings map[*node]*recording) error {
	of, err := promises(p)
	if err != nil {
		return fmt.Errorf("the plan itself is wrong: %w", err)
	}
	streams := interpret(p)
	for _, sink := range p.sinks() {
		if err := judge(sink, of[sink], streams, recordings[sink]); err != nil {
			return fmt.Errorf("sink %d: %w", sink.id, err)
		}
	}
	return nil
}

func judge(sink *node, promised promise, streams map[*node][]record, got *recording) error {
	got.mu.Lock()
	defer got.mu.Unlock()
	if len(got.problems) > 0 {
		return fmt.Errorf("%s", got.problems[0])
	}
	if len(got.subtasks) != sink.parallelism {
		return fmt.Errorf("%d of %d subtasks have seen the end of their input", len(got.subtasks), sink.parallelism)
	}
	bySubtask := map[int][]record{}
	var all []record
	for subtask, received := range got.subtasks {
		bySubtask[subtask] = received()
		all = append(all, bySubtask[subtask]...)
	}
	want := streams[sink]
	if err := sameMultiset(want, all); err != nil {
		return err
	}
	if promised.total && !slices.Equal(want, bySubtask[0]) {
		return fmt.Errorf("the order of all records differs %s", firstDifference(want, bySubtask[0]))
	}
	if promised.colocated {
		if err := keysTogether(bySubtask); err != nil {
			return err
		}
	}
	if promised.ordered {
		return sameOrderByKey(want, bySubtask)
	}
	return inPlace(sink, bySubtask)
}

// sameMultiset reports which records are missing, and which were not expected.
func sameMultiset(want, got []record) error {
	count := map[record]int{}
	for _, r := range want {
		count[r]++
	}
	for _, r := range got {
		count[r]--
	}
	var missing, extra []record
	for _, r := range slices.SortedFunc(maps.Keys(count), compareRecords) {
		for range count[r] {
			missing = append(missing, r)
		}
		for range -count[r] {
			extra = append(extra, r)
		}
	}
	if len(missing)+len(extra) == 0 {
		return nil
	}
	return fmt.Errorf("%d records where %d are right: %d missing %v, %d too many %v", len(got), len(want), len(missing), some(missing), len(extra), some(extra))
}

func some(records []record) []record { return records[:min(len(records), 6)] }

func keysTogether(bySubtask map[int][]record) error {
	home := map[int32]int{}
	for _, subtask := range slices.Sorted(maps.Keys(bySubtask)) {
		for _, r := range bySubtask[subtask] {
			if other, known := home[r.Key]; known && other != subtask {
				return fmt.Errorf("records of key %d came to the subtasks %d and %d", r.Key, other, subtask)
			}
			home[r.Key] = subtask
		}
	}
	return nil
}

func sameOrderByKey(want []record, bySubtask map[int][]record) error {
	wanted, got := map[int32][]record{}, map[int32][]record{}
	for _, r := range want {
		wanted[r.Key] = append(wanted[r.Key], r)
	}
	for _, records := range bySubtask {
		for _, r := range records {
			got[r.Key] = append(got[r.Key], r)
		}
	}
	for key, records := range wanted {
		if !slices.Equal(records, got[key]) {
			return fmt.Errorf("the order of the records of key %d differs %s", key, firstDifference(records, got[key]))
		}
	}
	return nil
}

// firstDifference is for lists of the same length.
func firstDifference(want, got []record) string {
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			return fmt.Sprintf("at %d of %d: want %v, have %v", i, len(want), some(want[i:]), some(got[i:]))
		}
	}
	return fmt.Sprintf("in length: want %d, have %d", len(want), len(got))
}

// inPlace checks the subtasks that a custom partitioner has chosen.
func inPlace(sink *node, bySubtask map[int][]record) error {
	for _, e := range sink.inputs[0] {
		if e.by != custom {
			return nil
		}
	}
	for subtask, records := range bySubtask {
		for _, r := range records {
			if want := customTarget(r.Key, sink.parallelism); want != subtask {
				return fmt.Errorf("the partitioner has chosen subtask %d for %v, which came to %d", want, r, subtask)
			}
		}
	}
	return nil
}
