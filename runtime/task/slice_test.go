package task

import "testing"

// work runs a slicer against a function that takes perRecord nanoseconds for each of many records, and returns the
// lengths of its slices in nanoseconds.
func work(s *slicer, perRecord int64, slices int) (lengths []int64) {
	for range slices {
		records := s.limit
		s.measured(records, int64(records)*perRecord)
		lengths = append(lengths, int64(records)*perRecord)
	}
	return lengths
}

const milli = int64(1e6)

func TestSlicesOfSlowCodeAreSingleRecords(t *testing.T) {
	s := newSlicer(milli, 1024)
	for i, length := range work(&s, 10*milli, 100) {
		if length > 10*milli {
			t.Fatalf("slice %d took %d ns with 10 ms a record", i, length)
		}
	}
}

func TestSlicesOfFastCodeGrowToTheLimitAndNoFurther(t *testing.T) {
	s := newSlicer(milli, 1024)
	work(&s, 2, 6)
	if s.limit != 1024 {
		t.Errorf("limit %d after six slices of 2 ns a record, want 1024", s.limit)
	}
	s = newSlicer(milli, 1024)
	for i, length := range work(&s, 20_000, 50) { // 50 records make a millisecond
		if length > milli {
			t.Fatalf("slice %d took %d ns", i, length)
		}
	}
	if s.limit < 40 {
		t.Errorf("limit %d with 20 us a record, want about 50", s.limit)
	}
}

func TestSlicesShrinkAtOnceAndRecover(t *testing.T) {
	s := newSlicer(milli, 1024)
	work(&s, 100, 10)
	if got := work(&s, 5*milli, 3); got[1] > 5*milli {
		t.Errorf("code that had turned slow got %v: more than one slice at the old limit", got)
	}
	work(&s, 100, 6)
	if s.limit != 1024 {
		t.Errorf("limit %d, six slices after the code was fast again", s.limit)
	}
}

func TestSmallSlicesSayLittle(t *testing.T) {
	s := newSlicer(milli, 1024)
	work(&s, 100, 3)
	before := s.limit
	for range 20 {
		s.measured(1, 1)
	}
	if s.limit != before {
		t.Errorf("limit went from %d to %d by slices of a single record", before, s.limit)
	}
	s.measured(0, 100*milli)
	if s.limit != before {
		t.Error("a slice without records changed the limit")
	}
	s.measured(1, milli*5)
	if s.limit != 1 {
		t.Errorf("limit %d after one record that took 5 ms", s.limit)
	}
}
