package process

import (
	"os"
	"runtime/debug"
	"strings"
	"syscall"
)

// What a dying Go process has to say of its crash (the text of a panic, the stack of the goroutine) goes to a pipe of its own, too, which nothing
// else writes to: in the middle of what a program prints it could not be told from anything else.

// crashDescriptor is that of the pipe in the binary.
const crashDescriptor = descriptor + 1

// ReportCrashes has the Go runtime report a crash of this process to who has started it. It is called once, in the roles plan and worker.
func ReportCrashes() error {
	syscall.CloseOnExec(crashDescriptor)
	file := os.NewFile(crashDescriptor, "crash report")
	defer file.Close() // the Go runtime keeps a duplicate
	return debug.SetCrashOutput(file, debug.CrashOptions{})
}

// mostCrash is how many bytes of a report are kept.
const mostCrash = 64 << 10

// report takes in what comes through the pipe.
type report struct {
	pipe *os.File
	text []byte
	read chan struct{}
}

func (r *report) add(p []byte) { r.text = append(r.text, p[:min(len(p), mostCrash-len(r.text))]...) }

// take reads until the end of the pipe, or until finish.
func (r *report) take() {
	defer close(r.read)
	buffer := make([]byte, 4<<10)
	for {
		n, err := r.pipe.Read(buffer)
		r.add(buffer[:n])
		if err != nil {
			return
		}
	}
}

// finish is called when the process has ended: all that it has written is in the pipe, the other end of which those that it has started may hold.
func (r *report) finish() {
	_ = r.pipe.SetReadDeadline(past)
	<-r.read
	if raw, err := r.pipe.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			buffer := make([]byte, 4<<10)
			for len(r.text) < mostCrash {
				n, err := syscall.Read(int(fd), buffer)
				if n <= 0 || err != nil {
					return
				}
				r.add(buffer[:n])
			}
		})
	}
	r.pipe.Close()
}

// Crash is what the Go runtime of a process has said when it crashed.
type Crash struct {
	// Reason is the first paragraph: panic or fatal error, and its text.
	Reason string
	// Stack has the goroutine that has crashed, and perhaps more.
	Stack string
}

// mostStack is how much of a stack people are shown.
const mostStack = 16 << 10

// parseCrash reads a report. It has no Reason if the process did not crash.
func parseCrash(text []byte) Crash {
	report := strings.TrimSpace(strings.ToValidUTF8(string(text), "\uFFFD"))
	reason, stack, _ := strings.Cut(report, "\n\ngoroutine ")
	if stack != "" {
		stack = "goroutine " + stack
	}
	if len(stack) > mostStack {
		stack = strings.ToValidUTF8(stack[:mostStack], "") + "\n..."
	}
	return Crash{Reason: shorten(strings.TrimSpace(reason)), Stack: stack}
}

// mostReason is how long a reason may be, since the text of a panic is the program's.
const mostReason = 2 << 10

func shorten(text string) string {
	if len(text) <= mostReason {
		return text
	}
	return strings.ToValidUTF8(text[:mostReason], "") + " ..."
}
