package stores_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/weir-stream/weir/checkpoint/storage/file"
	"github.com/weir-stream/weir/checkpoint/storage/mem"
	"github.com/weir-stream/weir/checkpoint/storage/s3"
	"github.com/weir-stream/weir/checkpoint/storage/stores"
	"github.com/weir-stream/weir/runtime/clock"
	"github.com/weir-stream/weir/runtime/config"
)

func TestSchemeChoosesTheStore(t *testing.T) {
	opener := stores.New(config.Configuration{}, clock.System())
	defer opener.Close()
	for location, want := range map[string]string{
		"/var/weir/": "file:///var/weir", "file:///a%20b": "file:///a%20b",
		"s3a://bucket/a/": "s3://bucket/a", "s3://bucket": "s3://bucket", "mem://test": "mem://test",
	} {
		store, err := opener.Open(location)
		if err != nil {
			t.Errorf("%s: %v", location, err)
			continue
		}
		if store.String() != want {
			t.Errorf("%s opened %s", location, store)
		}
		var ok bool
		switch want[0] {
		case 'f':
			_, ok = store.(*file.Store)
		case 's':
			_, ok = store.(*s3.Store)
		case 'm':
			_, ok = store.(*mem.Store)
		}
		if !ok {
			t.Errorf("%s opened a %T", location, store)
		}
	}
	for location, words := range map[string]string{
		"hdfs://a": "not supported", "s3://x": "shorter than 3",
	} {
		if _, err := opener.Open(location); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", location, err)
		}
	}
}

func TestMemoryOfOneNameIsOneStore(t *testing.T) {
	opener := stores.New(config.Configuration{}, clock.System())
	a, _ := opener.Open("mem://a")
	again, _ := opener.Open("mem://a")
	b, _ := opener.Open("mem://b")
	if a != again || a == b {
		t.Error("stores in memory are mixed up")
	}
	ctx := t.Context()
	below, err := opener.Open("mem://a/folder")
	if err != nil {
		t.Fatal(err)
	}
	if err := below.Create(ctx, "x/1", []byte("one")); err != nil {
		t.Fatal(err)
	}
	if body, err := a.Read(ctx, "folder/x/1"); err != nil || string(body) != "one" {
		t.Errorf("the folder's object is %q in the store: %v", body, err)
	}
	if page, err := below.List(ctx, "x/", ""); err != nil || len(page.Objects) != 1 || page.Objects[0].Name != "x/1" {
		t.Errorf("the folder lists %v: %v", page.Objects, err)
	}
	if err := errors.Join(below.Delete(ctx, "x/1"), b.Delete(ctx, "x/1")); err != nil {
		t.Fatal(err)
	}
	if page, err := a.List(ctx, "", ""); err != nil || len(page.Objects) != 0 {
		t.Errorf("left in the store: %v, %v", page.Objects, err)
	}
}

func TestHalfOfTheCredentialsIsRefused(t *testing.T) {
	configuration, _, err := config.Load("", []string{"s3.access-key=a"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = stores.New(configuration, clock.System()).Open("s3://bucket")
	if err == nil || !strings.Contains(err.Error(), "s3.secret-key") || !strings.Contains(err.Error(), "s3://bucket") {
		t.Error(err)
	}
}
