package snapshot

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/weir-stream/weir/runtime/ident"
)

// The names below a job's folder, which is named after the job below execution.checkpointing.dir:
//
//	chk-<n>/_metadata                     a checkpoint
//	chk-<n>/<epoch>-<attempt>-<uuid>      files that only it uses
//	shared/<epoch>-<attempt>-<uuid>       files that later checkpoints may use too
//	taskowned/...                         files of tasks, which nobody else deletes
//	log/<slot, six digits or more>        the job's log
//
// A savepoint is a folder savepoint-<6 digits of the job id>-<12 random digits> with its _metadata and its files.
const (
	MetadataName    = "_metadata"
	SharedFolder    = "shared"
	TaskOwnedFolder = "taskowned"
	LogFolder       = "log"

	// InMemory is the checkpoint directory of jobs that have none: it ends with the process.
	InMemory = "mem://checkpoints"

	checkpointPrefix = "chk-"
	savepointPrefix  = "savepoint-"
)

// JobFolder is the folder of a job below the checkpoint directory.
func JobFolder(job ident.JobID) string { return job.String() }

// CheckpointFolder is the folder of a checkpoint below its job's.
func CheckpointFolder(id ident.CheckpointID) string {
	return checkpointPrefix + strconv.FormatUint(uint64(id), 10)
}

// ParseCheckpointFolder reads what CheckpointFolder wrote.
func ParseCheckpointFolder(name string) (ident.CheckpointID, bool) {
	digits, ok := strings.CutPrefix(name, checkpointPrefix)
	if !ok {
		return 0, false
	}
	id, err := strconv.ParseUint(digits, 10, 64)
	ok = err == nil && id > 0 && CheckpointFolder(ident.CheckpointID(id)) == name
	return ident.CheckpointID(id), ok
}

// MetadataPath is the metadata file of a snapshot's folder.
func MetadataPath(folder string) string { return strings.TrimSuffix(folder, "/") + "/" + MetadataName }

// FolderOf returns the folder of the snapshot that a user names, by its folder or its metadata file.
func FolderOf(location string) string {
	location = strings.TrimRight(location, "/")
	return strings.TrimRight(strings.TrimSuffix(location, "/"+MetadataName), "/")
}

// DataFile is the name of a file of state: it tells which leader's term and which attempt wrote it, and is never used twice.
type DataFile struct {
	Epoch   ident.LeaderEpoch
	Attempt int32
	UUID    ident.ID
}

// String returns <epoch>-<attempt>-<uuid>.
func (f DataFile) String() string { return fmt.Sprintf("%d-%d-%s", f.Epoch, f.Attempt, f.UUID) }

// Shared is the path of the file below the job's folder if later checkpoints may use it too.
func (f DataFile) Shared() string { return SharedFolder + "/" + f.String() }

// Exclusive is the path of the file below the job's folder if only that checkpoint uses it.
func (f DataFile) Exclusive(id ident.CheckpointID) string {
	return CheckpointFolder(id) + "/" + f.String()
}

// ParseDataFile reads what DataFile.String wrote.
func ParseDataFile(name string) (DataFile, bool) {
	parts := strings.Split(name, "-")
	if len(parts) != 3 {
		return DataFile{}, false
	}
	epoch, err1 := strconv.ParseUint(parts[0], 10, 64)
	attempt, err2 := strconv.ParseInt(parts[1], 10, 32)
	uuid, err3 := ident.ParseID(parts[2])
	f := DataFile{ident.LeaderEpoch(epoch), int32(attempt), uuid}
	return f, err1 == nil && err2 == nil && err3 == nil && f.String() == name
}

// LogPath is the path of a slot below the job's folder. The paths of all slots sort as their numbers up to 999999.
func LogPath(slot uint64) string { return fmt.Sprintf("%s/%06d", LogFolder, slot) }

// ParseLogPath reads what LogPath wrote.
func ParseLogPath(path string) (slot uint64, ok bool) {
	digits, ok := strings.CutPrefix(path, LogFolder+"/")
	if !ok {
		return 0, false
	}
	slot, err := strconv.ParseUint(digits, 10, 64)
	return slot, err == nil && slot > 0 && LogPath(slot) == path
}

// SavepointFolder is the name of a new savepoint's folder. Of unique, which must be random, 12 digits are used.
func SavepointFolder(job ident.JobID, unique ident.ID) string {
	return savepointPrefix + job.String()[:6] + "-" + unique.String()[:12]
}

// IsSavepointFolder reports whether the last part of a path is such a name, so that disposing of it removes nothing else.
func IsSavepointFolder(path string) bool {
	path = strings.TrimRight(path, "/")
	name, ok := strings.CutPrefix(path[strings.LastIndexByte(path, '/')+1:], savepointPrefix)
	if !ok || len(name) != 6+1+12 || name[6] != '-' {
		return false
	}
	return strings.Trim(name[:6]+name[7:], "0123456789abcdef") == ""
}

// Locate returns the path that a job's log has for a snapshot that a user names: chk-<n> if it lies in the job's own folder,
// however that is spelled, otherwise its folder. Only so are its files known as the job's own.
func Locate(jobFolder, location string) string {
	folder := FolderOf(location)
	if name, inside := strings.CutPrefix(folder, strings.TrimRight(jobFolder, "/")+"/"); inside {
		if _, ok := ParseCheckpointFolder(name); ok {
			return name
		}
	}
	return folder
}
