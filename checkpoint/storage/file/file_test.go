package file

import (
	"strings"
	"testing"

	"github.com/weir-stream/weir/checkpoint/storage"
	"github.com/weir-stream/weir/checkpoint/storage/storagetest"
)

func TestFolder(t *testing.T) {
	storagetest.Run(t, func(t *testing.T) storage.Store {
		root := t.TempDir() + "/not/yet there%"
		if strings.HasSuffix(t.Name(), "/pages") {
			return open(root, careless{})
		}
		return newStore(t, root)
	},
		storagetest.Options{
			Pages:   17,
			Another: func(t *testing.T, first storage.Store) storage.Store { return newStore(t, first.(*Store).root) },
		})
}

func newStore(t *testing.T, root string) *Store {
	t.Helper()
	s, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// careless is a disk that syncs nothing, for a test of very many objects.
type careless struct{ system }

func (careless) syncDir(string) error { return nil }

func (careless) create(path string) (handle, error) {
	h, err := newFile(path)
	return carelessFile{h}, err
}

type carelessFile struct{ handle }

func (carelessFile) Sync() error { return nil }
