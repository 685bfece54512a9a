package snapshot

import "fmt"

// EncodeEntry returns the content of a slot of the log.
func EncodeEntry(e *LogEntry) ([]byte, error) {
	if err := e.Validate(); err != nil {
		return nil, fmt.Errorf("slot %d of the job's log: %w", e.GetSlot(), err)
	}
	return appendFrame(nil, entryMagic, e)
}

// DecodeEntry reads the content of the slot whose path is given. Its error names the path; it is a *NewerError or a
// *DamagedError, the latter also if the entry is another slot's.
func DecodeEntry(path string, slot uint64, data []byte) (*LogEntry, error) {
	e := new(LogEntry)
	if err := readFrame(path, "slot of a job's log", entryMagic, data, e); err != nil {
		return nil, err
	}
	err := e.Validate()
	if err == nil && e.Slot != slot {
		err = fmt.Errorf("it is slot %d", e.Slot)
	}
	if err != nil {
		return nil, &DamagedError{Path: path, Reason: err.Error()}
	}
	return e, nil
}

// Validate reports what is impossible in an entry by itself.
func (e *LogEntry) Validate() error {
	switch {
	case e.GetSlot() == 0:
		return fmt.Errorf("it has no number")
	case len(e.Id) != idSize || len(e.Leader) != idSize:
		return fmt.Errorf("its ids have %d and %d bytes", len(e.Id), len(e.Leader))
	case e.Swept >= e.Slot:
		return fmt.Errorf("it says that files of slot %d have been deleted", e.Swept)
	}
	switch body := e.Body.(type) {
	case *LogEntry_Claim:
		return body.Claim.validate(e.Slot)
	case *LogEntry_Complete:
		return body.Complete.validate()
	case *LogEntry_Release:
		return checkNames(body.Release.GetFiles())
	case *LogEntry_End:
		if body.End.GetState() == "" {
			return fmt.Errorf("the job has ended, but not how")
		}
		return checkNames(body.End.Files)
	}
	return fmt.Errorf("it says nothing")
}

func (c *Claim) validate(slot uint64) error {
	last := uint64(0)
	for _, r := range c.GetRetained() {
		if err := r.validate(); err != nil {
			return err
		}
		if !r.Recoverable {
			return fmt.Errorf("savepoint %d is retained, which the job cannot go on from", r.Checkpoint)
		}
		if r.Checkpoint <= last || r.Checkpoint >= c.NextCheckpoint {
			return fmt.Errorf("checkpoint %d is retained beside %d and the next one is %d", r.Checkpoint, last, c.NextCheckpoint)
		}
		last = r.Checkpoint
	}
	for _, u := range c.GetUnowned() {
		if err := u.validate(); err != nil {
			return err
		}
	}
	if c.GetNextCheckpoint() == 0 {
		return fmt.Errorf("it does not number the next checkpoint")
	}
	for _, r := range c.GetReleased() {
		if r.GetSlot() == 0 || r.GetSlot() >= slot {
			return fmt.Errorf("it has files released in slot %d", r.GetSlot())
		}
		if err := checkNames(r.Files); err != nil {
			return err
		}
	}
	return nil
}

func (c *Completed) validate() error {
	switch {
	case c.GetCheckpoint() == 0 || c.Kind < Kind_CHECKPOINT || c.Kind > Kind_SAVEPOINT:
		return fmt.Errorf("checkpoint %d of kind %d", c.GetCheckpoint(), c.GetKind())
	case c.Path == "" || len(c.Path) > maxName || hasControl(c.Path):
		return fmt.Errorf("checkpoint %d lies in %q", c.Checkpoint, c.Path)
	case c.Told && !c.Recoverable:
		return fmt.Errorf("tasks were told of savepoint %d, which the job cannot go on from", c.Checkpoint)
	}
	return nil
}

func checkNames(files []*FileName) error {
	for _, f := range files {
		if err := checkFile(File{f.GetRoot(), f.GetName()}); err != nil {
			return err
		}
	}
	return nil
}

// FileNames returns the files as a log entry has them.
func FileNames(files []File) []*FileName {
	names := make([]*FileName, len(files))
	for i, f := range files {
		names[i] = &FileName{Root: f.Root, Name: f.Name}
	}
	return names
}

// NamedFiles returns the files of a log entry.
func NamedFiles(names []*FileName) []File {
	files := make([]File, len(names))
	for i, n := range names {
		files[i] = File{n.Root, n.Name}
	}
	return files
}
