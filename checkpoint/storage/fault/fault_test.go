package fault_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"syscall"
	"testing"
	"time"

	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/checkpoint/storage/fault"
	"github.com/weir-stream/weir/checkpoint/storage/mem"
	"github.com/weir-stream/weir/checkpoint/storage/storagetest"
	"github.com/weir-stream/weir/runtime/clock"
)

func around(t *testing.T, rules ...fault.Rule) (*fault.Store, *mem.Store) {
	t.Helper()
	inner := mem.New("test", clock.System())
	return fault.New(inner, fault.Script(rules...), clock.System()), inner
}

func TestWithoutFaults(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store {
		s, _ := around(t)
		return s
	}, storagetest.Options{})
}

func TestWrites(t *testing.T) {
	body := []byte("0123456789")
	for _, test := range []struct {
		fault fault.Fault
		// create and put are the kinds of errors, 0 for none.
		create, put storage.Kind
		left        string // what is stored; "-" for nothing
		cause       error
	}{
		{fault.Fault{}, 0, 0, "0123456789", nil},
		{fault.Fault{Kind: fault.Fail}, storage.Transient, storage.Transient, "-", nil},
		{fault.Fault{Kind: fault.Throttle}, storage.Transient, storage.Transient, "-", nil},
		{fault.Fault{Kind: fault.Broken}, storage.Transient, storage.Transient, "-", nil},
		{fault.Fault{Kind: fault.Full}, storage.Transient, storage.Transient, "-", syscall.ENOSPC},
		{fault.Fault{Kind: fault.Deny}, storage.Refused, storage.Refused, "-", nil},
		{fault.Fault{Kind: fault.Lose}, storage.Ambiguous, storage.Transient, "0123456789", nil},
		{fault.Fault{Kind: fault.Tear, Bytes: 4}, storage.Ambiguous, storage.Transient, "0123", nil},
		{fault.Fault{Kind: fault.TearSilently, Bytes: 99}, 0, 0, "012345678", nil},
		{fault.Fault{Kind: fault.Hang}, storage.Ambiguous, storage.Transient, "-", context.DeadlineExceeded},
		{fault.Fault{Kind: fault.Late}, storage.Ambiguous, storage.Transient, "0123456789", context.DeadlineExceeded},
		{fault.Fault{Kind: fault.Delay, Delay: time.Millisecond}, 0, 0, "0123456789", nil},
		{fault.Fault{Kind: fault.Delay, Delay: time.Hour}, storage.Transient, storage.Transient, "-", context.DeadlineExceeded},
	} {
		s, inner := around(t, fault.Rule{Op: fault.Create, Fault: test.fault}, fault.Rule{Op: fault.Put, Fault: test.fault})
		patience := time.Minute
		if test.cause == context.DeadlineExceeded {
			patience = 10 * time.Millisecond
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		err := s.Create(ctx, "created", body)
		if storage.KindOf(err) != test.create || !errors.Is(err, test.cause) && test.cause != nil {
			t.Errorf("%+v: create: %v", test.fault, err)
		}
		ctx, cancel = context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, err = s.Put(ctx, "put", storage.Bytes(body))
		if storage.KindOf(err) != test.put || !errors.Is(err, test.cause) && test.cause != nil {
			t.Errorf("%+v: put: %v", test.fault, err)
		}
		for _, name := range []string{"created", "put"} {
			left := "-"
			if found, err := inner.Read(t.Context(), name); err == nil {
				left = string(found)
			}
			if left != test.left {
				t.Errorf("%+v: %s: %q is stored instead of %q", test.fault, name, left, test.left)
			}
		}
		kind := test.fault.Kind
		if kind == "" {
			kind = fault.None
		}
		want := map[fault.Point]int{{Op: fault.Create, Kind: kind}: 1, {Op: fault.Put, Kind: kind}: 1}
		if got := s.Reached(); !maps.Equal(got, want) {
			t.Errorf("reached %v", got)
		}
	}
}

func TestReads(t *testing.T) {
	body := []byte("0123456789")
	for _, test := range []struct {
		fault fault.Fault
		kind  storage.Kind
		read  string // the whole
		part  string // four bytes from the second on
	}{
		{fault.Fault{Kind: fault.Cut, Bytes: 3}, 0, "012", "123"},
		{fault.Fault{Kind: fault.Flip, Bytes: 1}, 0, "0523456789", "1634"},
		{fault.Fault{Kind: fault.Flip, Bytes: 99}, 0, "012345678=", "1230"},
		{fault.Fault{Kind: fault.Broken}, storage.Transient, "", ""},
		{fault.Fault{Kind: fault.Break, Bytes: 2}, storage.Transient, "", "12"},
	} {
		s, inner := around(t)
		if err := inner.Create(t.Context(), "a", body); err != nil {
			t.Fatal(err)
		}
		s.Follow(fault.Script(fault.Rule{Op: fault.Read, Fault: test.fault}, fault.Rule{Op: fault.ReadAt, Fault: test.fault}, fault.Rule{Op: fault.Stream, Fault: test.fault}))
		if test.fault.Kind != fault.Break {
			got, err := s.Read(t.Context(), "a")
			if string(got) != test.read || storage.KindOf(err) != test.kind {
				t.Errorf("%+v: read %q, %v", test.fault, got, err)
			}
		}
		object, err := s.Open(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(object.Stream(1, 4))
		if string(got) != test.part || storage.KindOf(err) != test.kind {
			t.Errorf("%+v: stream %q, %v", test.fault, got, err)
		}
		if test.fault.Kind == fault.Break {
			continue
		}
		p := make([]byte, 4)
		n, err := object.ReadAt(p, 1)
		if string(p[:n]) != test.part || storage.KindOf(err) != test.kind {
			t.Errorf("%+v: read at %q, %v", test.fault, p[:n], err)
		}
		if whole, err := inner.Read(t.Context(), "a"); err != nil || !bytes.Equal(whole, body) {
			t.Errorf("the object itself became %q, %v", whole, err)
		}
	}
}

func TestMissingAndTornDelete(t *testing.T) {
	ctx := t.Context()
	s, inner := around(t, fault.Rule{Op: "", Name: "job/*", Times: 3, Fault: fault.Fault{Kind: fault.Miss}}, fault.Rule{Op: fault.Delete, Fault: fault.Fault{Kind: fault.Tear}})
	for _, name := range []string{"job/a", "job/b"} {
		if err := inner.Create(ctx, name, nil); err != nil {
			t.Fatal(err)
		}
	}
	_, readErr := s.Read(ctx, "job/a")
	_, openErr := s.Open(ctx, "job/a")
	_, statErr := s.Stat(ctx, "job/a")
	for _, err := range []error{readErr, openErr, statErr} {
		if !errors.Is(err, storage.NotFound) {
			t.Error(err)
		}
	}
	if err := s.Delete(ctx, "job/a", "job/b"); !errors.Is(err, storage.Transient) {
		t.Error(err)
	}
	page, err := s.List(ctx, "job/", "")
	if err != nil || len(page.Objects) != 1 || page.Objects[0].Name != "job/b" {
		t.Errorf("%v, %v", page, err)
	}
}

func TestScriptSkipsAndRepeats(t *testing.T) {
	plan := fault.Script(
		fault.Rule{Op: fault.Put, Name: "shared/*", Skip: 1, Times: 2, Fault: fault.Fault{Kind: fault.Fail}},
		fault.Rule{Op: fault.Put, Times: -1, Fault: fault.Fault{Kind: fault.Full}},
	)
	var got []fault.Kind
	for _, name := range []string{"shared/1", "chk-1/x", "shared/2", "shared/3", "shared/4"} {
		got = append(got, plan(fault.Call{Op: fault.Put, Name: name}).Kind)
	}
	want := []fault.Kind{fault.Full, fault.Full, fault.Fail, fault.Fail, fault.Full}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%q instead of %q", got, want)
		}
	}
}

func TestSeededIsRepeatableAndKeepsItsChances(t *testing.T) {
	draw := func(seed uint64) (kinds []fault.Kind, counts map[fault.Kind]int) {
		plan := fault.Seeded(seed,
			fault.Weighted{Op: fault.Put, Chance: 0.1, Fault: fault.Fault{Kind: fault.Fail}},
			fault.Weighted{Op: fault.Put, Chance: 0.3, Fault: fault.Fault{Kind: fault.Lose}},
			fault.Weighted{Op: fault.Create, Chance: 1, Fault: fault.Fault{Kind: fault.Full}},
		)
		counts = map[fault.Kind]int{}
		for range 10_000 {
			k := plan(fault.Call{Op: fault.Put}).Kind
			kinds = append(kinds, k)
			counts[k]++
		}
		return kinds, counts
	}
	first, counts := draw(7)
	again, _ := draw(7)
	other, _ := draw(8)
	same := 0
	for i := range first {
		if first[i] != again[i] {
			t.Fatal("the same seed drew other faults")
		}
		if first[i] == other[i] {
			same++
		}
	}
	if same > 6000 {
		t.Errorf("another seed drew the same %d times", same)
	}
	if fail, lose := counts[fault.Fail], counts[fault.Lose]; fail < 850 || fail > 1150 || lose < 2800 || lose > 3200 || counts[fault.Full] != 0 {
		t.Errorf("%v", counts)
	}
}
