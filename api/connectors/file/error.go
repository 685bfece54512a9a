package file

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// Error says which file could not be read or written, why, and what to do.
type Error struct {
	Path string
	// Doing is what was tried, as in "cannot open it".
	Doing string
	Cause error
	// Advice is what to do about it; empty where that follows from Cause.
	Advice string
}

// Error names the file, what was tried, the cause and the advice.
func (e *Error) Error() string {
	text := fmt.Sprintf("file %q: %s: %v", e.Path, e.Doing, e.Cause)
	if advice := e.advice(); advice != "" {
		text += ": " + advice
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Environmental is true: the program is not at fault.
func (e *Error) Environmental() bool { return true }

func (e *Error) advice() string {
	switch {
	case e.Advice != "":
		return e.Advice
	case errors.Is(e.Cause, fs.ErrNotExist):
		return "check the path, and that it is there on every machine that runs the job"
	case errors.Is(e.Cause, fs.ErrPermission):
		return "give the user that runs the job the right to it"
	case errors.Is(e.Cause, syscall.ENOSPC), errors.Is(e.Cause, syscall.EDQUOT):
		return "free space there or choose another folder, then run the job again"
	case errors.Is(e.Cause, syscall.EROFS):
		return "choose a folder that can be written to"
	case errors.Is(e.Cause, syscall.EMFILE), errors.Is(e.Cause, syscall.ENFILE):
		return "raise the limit of open files"
	}
	return ""
}

// failure makes an Error; what the os package says about the path is left out of the cause, as the Error names it.
func failure(path, doing string, cause error) *Error {
	var withPath *fs.PathError
	if errors.As(cause, &withPath) {
		cause = withPath.Err
	}
	return &Error{Path: path, Doing: doing, Cause: cause}
}
