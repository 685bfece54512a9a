package memory

import "golang.org/x/sys/unix"

// systemMemory asks the kernel, as macOS has no /proc.
func systemMemory() int64 {
	bytes, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return 0
	}
	return int64(bytes)
}
