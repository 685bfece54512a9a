package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/runtime/ident"
)

// tearNewest cuts the metadata of a job's newest checkpoint, of which no task was told, as a disk does that loses its last writes.
func tearNewest(folder string, random *rand.Rand) (what string, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return "", err
	}
	newest, path := ident.CheckpointID(0), ""
	for _, e := range entries {
		if id, ok := snapshot.ParseCheckpointFolder(e.Name()); ok && id > newest {
			newest, path = id, filepath.Join(folder, snapshot.MetadataPath(e.Name()))
		}
	}
	if path == "" {
		return "nothing to tear", nil
	}
	info, err := os.Stat(path)
	if os.IsNotExist(err) {
		return "nothing to tear", nil
	}
	if err != nil {
		return "", err
	}
	switch random.IntN(3) {
	case 0:
		return "newest metadata removed", os.Remove(path)
	case 1:
		return "newest metadata torn", os.Truncate(path, random.Int64N(info.Size()))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	data[random.IntN(len(data))] ^= 1 << random.IntN(8)
	return "newest metadata corrupted", os.WriteFile(path, data, 0o600)
}
