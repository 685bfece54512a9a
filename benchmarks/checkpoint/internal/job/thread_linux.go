package job

import "golang.org/x/sys/unix"

// threadNumber is that of the calling thread.
func threadNumber() int { return unix.Gettid() }
