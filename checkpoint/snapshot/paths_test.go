package snapshot

import (
	"testing"

	"github.com/weir-stream/weir/runtime/ident"
)

func TestPaths(t *testing.T) {
	uuid := ident.Derive("x")
	file := DataFile{12, 3, uuid}
	for got, want := range map[string]string{
		CheckpointFolder(42):                       "chk-42",
		MetadataPath("chk-42"):                     "chk-42/_metadata",
		LogPath(42):                                "log/000042",
		LogPath(1234567):                           "log/1234567",
		file.Shared():                              "shared/12-3-" + uuid.String(),
		file.Exclusive(7):                          "chk-7/12-3-" + uuid.String(),
		FolderOf("s3://b/savepoint-1/"):            "s3://b/savepoint-1",
		FolderOf("/d/chk-4/_metadata"):             "/d/chk-4",
		Locate("/d/job/", "/d/job/chk-4/"):         "chk-4",
		Locate("/d/job", "/d/job2/chk-4"):          "/d/job2/chk-4",
		Locate("/d/job", "/d/job/x/chk-4"):         "/d/job/x/chk-4",
		Locate("s3://b/j", "s3://b/j/chk-0"):       "s3://b/j/chk-0",
		SavepointFolder(ident.Derive("job"), uuid): "savepoint-" + ident.Derive("job").String()[:6] + "-" + uuid.String()[:12],
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if read, ok := ParseDataFile(file.String()); !ok || read != file {
		t.Errorf("%v %v", read, ok)
	}
	if slot, ok := ParseLogPath("log/000042"); !ok || slot != 42 {
		t.Errorf("%d %v", slot, ok)
	}
	if id, ok := ParseCheckpointFolder("chk-42"); !ok || id != 42 {
		t.Errorf("%d %v", id, ok)
	}
	if !IsSavepointFolder("s3://b/d/savepoint-0a1b2c-0123456789ab/") {
		t.Error("a savepoint's folder is not known as one")
	}
}

func TestForeignNamesAreNotTakenForOurs(t *testing.T) {
	uuid := ident.Derive("x").String()
	for _, name := range []string{"chk-", "chk-0", "chk-01", "chk-+1", "chk--1", "chk-1x", "chk-99999999999999999999", "CHK-1", "_metadata"} {
		if _, ok := ParseCheckpointFolder(name); ok {
			t.Errorf("%q is taken for a checkpoint's folder", name)
		}
	}
	for _, name := range []string{"1-2", "1-2-3", "01-2-" + uuid, "1-+2-" + uuid, "-1-2-" + uuid, "1-2-" + uuid + "x", "1-2-3-" + uuid} {
		if _, ok := ParseDataFile(name); ok {
			t.Errorf("%q is taken for a file of state", name)
		}
	}
	for _, path := range []string{"log/42", "log/0000042", "log/000000", "000042", "log/00004x", "log/+00042"} {
		if _, ok := ParseLogPath(path); ok {
			t.Errorf("%q is taken for a slot", path)
		}
	}
	for _, path := range []string{"", "/", "/home", "/savepoint-", "/savepoint-0a1b2c-0123456789ab/x", "/savepoint-0a1b2c-0123456789AB", "/savepoint-0a1b2c-0123456789abc"} {
		if IsSavepointFolder(path) {
			t.Errorf("%q is taken for a savepoint's folder", path)
		}
	}
}
