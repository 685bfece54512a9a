package storage_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/checkpoint/storage/fault"
	"github.com/weir-stream/weir/checkpoint/storage/file"
	"github.com/weir-stream/weir/checkpoint/storage/mem"
	"github.com/weir-stream/weir/checkpoint/storage/storagetest"
	"github.com/weir-stream/weir/runtime/clock"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"/var/weir":                 "file:///var/weir",
		"/var//weir/./x/../":        "file:///var/weir",
		"/odd %41 #?name":           "file:///odd%20%2541%20%23%3Fname",
		"file:///var/a%20b":         "file:///var/a%20b",
		"file:/var/weir":            "file:///var/weir",
		"file://localhost/var":      "file:///var",
		"FILE:///":                  "file:///",
		"/with:colon":               "file:///with:colon",
		"s3://bucket":               "s3://bucket",
		"s3://bucket/":              "s3://bucket",
		"s3a://bucket/a/b/":         "s3://bucket/a/b",
		"s3p://bucket//a/../../b%2": "s3://bucket/b%2",
		"mem://test":                "mem://test",
	} {
		got, err := storage.Parse(text)
		if err != nil || got.String() != want {
			t.Errorf("Parse(%q) = %v, %v, want %s", text, got, err, want)
			continue
		}
		if again, err := storage.Parse(want); err != nil || again != got {
			t.Errorf("Parse(%q) = %#v, want %#v", want, again, got)
		}
	}
	for text, words := range map[string]string{
		"":                     "must be absolute",
		"relative/path":        "must be absolute",
		"./x":                  "must be absolute",
		"file://host/path":     "another machine",
		"file://relative":      "another machine",
		"file:///a%zz":         "invalid URL escape",
		"/a\x00":               "zero byte",
		"s3:bucket":            "expected s3://bucket/path",
		"s3://":                "expected s3://bucket/path",
		"s3:///path":           "expected s3://bucket/path",
		"hdfs://namenode/path": `scheme "hdfs" is not supported`,
		"C:\\x":                "not supported",
	} {
		if got, err := storage.Parse(text); err == nil || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), fmt.Sprintf("%q", text)) {
			t.Errorf("Parse(%q) = %v, %v, want an error with %q", text, got, err, words)
		}
	}
}

func TestCredentialsInALocationAreNotShown(t *testing.T) {
	for _, text := range []string{"s3://key:secret@bucket/", "s3a://secret@bucket/a@b", "file://key:secret@host/a"} {
		if _, err := storage.Parse(text); err == nil || !strings.Contains(err.Error(), "credentials") || strings.Contains(err.Error(), "secret@") {
			t.Errorf("Parse(%q): %v", text, err)
		}
	}
	if _, err := storage.Parse("s3://bucket/a@b"); err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"/a/b", "file:///a%20b", "s3://bucket/a/../b", "mem://x", "s3a://b//", "file:/x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := storage.Parse(text)
		if err != nil {
			return
		}
		if again, err := storage.Parse(at.String()); err != nil || again != at {
			t.Errorf("%q: %q is read back as %#v, %v, not %#v", text, at, again, err, at)
		}
		if folder, name := at.Split(); name != "" && folder.Join(name) != at {
			t.Errorf("%q: %v and %q do not make %v", text, folder, name, at)
		}
	})
}

func TestJoinAndSplit(t *testing.T) {
	for _, root := range []string{"file:///var/chk", "s3://bucket/chk", "s3://bucket", "file:///"} {
		at, err := storage.Parse(root)
		if err != nil {
			t.Fatal(err)
		}
		in := at.Join("job/chk-7/_metadata")
		if want := strings.TrimSuffix(root, "/") + "/job/chk-7/_metadata"; in.String() != want {
			t.Errorf("%s instead of %s", in, want)
		}
		folder, name := in.Split()
		if name != "_metadata" || folder != at.Join("job/chk-7") {
			t.Errorf("%v, %q", folder, name)
		}
		if up := folder.Join("../shared/x"); up != at.Join("job/shared/x") {
			t.Errorf("%v", up)
		}
		if top := at.Join("../../../.."); top.Path != strings.TrimLeft(path.Clean("/"+top.Path), "/") && top.Path != "/" {
			t.Errorf("%v", top)
		}
	}
	at, _ := storage.Parse("s3://bucket")
	if folder, name := at.Split(); folder != at || name != "" {
		t.Errorf("%v, %q", folder, name)
	}
}

func FuzzCheckName(f *testing.F) {
	for _, name := range []string{"a/b", "../a", "a/./b", "/a", "a//b", "a\x00", "_metadata", "log/000001", "..a", "a/..b"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if storage.CheckName(name) != nil {
			return
		}
		joined := filepath.Join("/root-of-store", name)
		if joined != "/root-of-store/"+name {
			t.Errorf("%q leads to %q", name, joined)
		}
		for i := range name {
			if err := storage.CheckPrefix(name[:i]); err != nil && !strings.HasSuffix(name[:i], "/") {
				t.Errorf("the beginning %q of a valid name: %v", name[:i], err)
			}
		}
	})
}

func TestErrorsTellWhatWhereAndWhatToDo(t *testing.T) {
	cause := errors.New("no space left on device")
	err := error(&storage.Error{Kind: storage.Transient, Op: "put", Store: "file:///chk", Object: "shared/a", Err: cause, Advice: "free space"})
	if want := "file:///chk: put shared/a: failed for now: no space left on device (free space)"; err.Error() != want {
		t.Errorf("%q instead of %q", err, want)
	}
	wrapped := fmt.Errorf("checkpoint 7: %w", err)
	if !errors.Is(wrapped, storage.Transient) || errors.Is(wrapped, storage.Exists) || !errors.Is(wrapped, cause) || storage.KindOf(wrapped) != storage.Transient {
		t.Error("an error is found neither by its kind nor by its cause")
	}
	if storage.KindOf(nil) != 0 || storage.KindOf(cause) != 0 || storage.KindOf(context.Canceled) != storage.Transient {
		t.Error("kinds of errors that are none of a store")
	}
}

func TestPutFileLinksWhereItCan(t *testing.T) {
	dir := t.TempDir()
	store, err := file.Open(filepath.Join(dir, "checkpoints"))
	if err != nil {
		t.Fatal(err)
	}
	local := filepath.Join(dir, "000001.sst")
	content := storagetest.Pattern(1, 1000)
	if err := os.WriteFile(local, content, 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 { // also again, as after an error
		if err := storage.PutFile(t.Context(), store, local, "shared/a", storage.ChecksumOf(content)); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "out.sst")
	if err := store.LinkIn(t.Context(), local, "shared/b"); err != nil {
		t.Fatal(err)
	}
	if err := store.LinkIn(t.Context(), local, "shared/b"); !errors.Is(err, storage.Exists) {
		t.Error(err)
	}
	if err := store.LinkOut(t.Context(), "shared/b", out); err != nil {
		t.Fatal(err)
	}
	was, _ := os.Stat(local)
	is, err := os.Stat(out)
	if err != nil || !os.SameFile(was, is) {
		t.Errorf("the file was copied: %v", err)
	}
	if err := store.LinkOut(t.Context(), "shared/c", out+"2"); !errors.Is(err, storage.NotFound) {
		t.Error(err)
	}
	if err := store.LinkIn(t.Context(), filepath.Join(dir, "gone"), "shared/c"); !errors.Is(err, storage.Refused) {
		t.Error(err)
	}
}

func TestDownloadFindsDamage(t *testing.T) {
	inner := mem.New("test", clock.System())
	content := storagetest.Pattern(2, 500_000)
	sum, err := inner.Put(t.Context(), "shared/a", storage.Bytes(content))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []fault.Kind{fault.Flip, fault.Cut} {
		store := fault.New(inner, fault.Script(fault.Rule{Op: fault.Stream, Fault: fault.Fault{Kind: kind, Bytes: 300_000}}), clock.System())
		to := filepath.Join(t.TempDir(), "a")
		if err := storage.Download(t.Context(), store, "shared/a", to, 500_000, sum); !errors.Is(err, storage.Damaged) || !strings.Contains(err.Error(), "shared/a") {
			t.Errorf("%s: %v", kind, err)
		}
		if n := store.Reached()[fault.Point{Op: fault.Stream, Kind: kind}]; n != 1 {
			t.Errorf("%s: reached %d times", kind, n)
		}
		if _, err := os.Stat(to); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a file is left: %v", kind, err)
		}
	}
}

func TestAllEndsWithTheError(t *testing.T) {
	store := fault.New(mem.New("test", clock.System()), fault.Script(fault.Rule{Op: fault.List, Fault: fault.Fault{Kind: fault.Broken}}), clock.System())
	calls := 0
	for _, err := range storage.All(t.Context(), store, "") {
		calls++
		if !errors.Is(err, storage.Transient) {
			t.Error(err)
		}
	}
	if calls != 1 {
		t.Errorf("%d elements", calls)
	}
}

func TestProbeCleansUp(t *testing.T) {
	inner := mem.New("test", clock.System())
	store := fault.New(inner, fault.Script(fault.Rule{Op: fault.Create, Skip: 1, Fault: fault.Fault{Kind: fault.Deny}}), clock.System())
	if err := storage.Probe(t.Context(), store, "probe"); !errors.Is(err, storage.Refused) {
		t.Error(err)
	}
	if _, err := inner.Stat(t.Context(), "probe"); !errors.Is(err, storage.NotFound) {
		t.Error(err)
	}
}

func TestSourceThatShrinks(t *testing.T) {
	local := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(local, make([]byte, 100), 0o644); err != nil {
		t.Fatal(err)
	}
	source := storage.File(local)
	content, err := source.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	if err := os.Truncate(local, 60); err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, content.Section(0, content.Size()))
	if err != nil {
		t.Fatal(err)
	}
	if err := content.Agree(n, 0); err == nil || !strings.Contains(err.Error(), local) {
		t.Errorf("%d bytes, %v", n, err)
	}
}
