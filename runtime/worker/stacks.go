package worker

import (
	"bytes"
	"runtime"
	"strconv"
	"strings"
)

// goroutineNumber is the number of the calling goroutine, as it stands in stacks; 0 if it cannot be told.
func goroutineNumber() int64 {
	var buffer [64]byte
	text, _ := strings.CutPrefix(string(buffer[:runtime.Stack(buffer[:], false)]), "goroutine ")
	number, _, _ := strings.Cut(text, " ")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// mostStacks bounds the stacks of all goroutines among which one is looked for.
const mostStacks = 16 << 20

// stackOf is the stack of the goroutine with a number, "" if it is not found.
func stackOf(number int64) string {
	buffer := make([]byte, 256<<10)
	n := runtime.Stack(buffer, true)
	for n == len(buffer) && n < mostStacks {
		buffer = make([]byte, 2*len(buffer))
		n = runtime.Stack(buffer, true)
	}
	return cutStack(buffer[:n], number)
}

// cutStack takes one goroutine out of the stacks of all.
func cutStack(all []byte, number int64) string {
	head := []byte("goroutine " + strconv.FormatInt(number, 10) + " ")
	for one := range bytes.SplitSeq(all, []byte("\n\n")) {
		if bytes.HasPrefix(one, head) {
			return strings.TrimSpace(string(one))
		}
	}
	return ""
}

// waiting are the packages in which user code waits.
var waiting = []string{"runtime", "sync", "syscall", "time", "os", "io", "bufio", "net", "internal", "context", "crypto"}

// userFrame is the innermost call of a stack that is not one of the standard library in which one waits: function, file and line.
func userFrame(stack string) string {
	lines := strings.Split(stack, "\n")
	for i := 1; i+1 < len(lines); i += 2 {
		function, place := lines[i], strings.TrimSpace(lines[i+1])
		if waits(function) {
			continue
		}
		if at := strings.LastIndex(function, "("); at > 0 {
			function = function[:at]
		}
		place, _, _ = strings.Cut(place, " +0x")
		return function + " (" + place + ")"
	}
	return ""
}

func waits(function string) bool {
	for _, p := range waiting {
		if strings.HasPrefix(function, p+".") || strings.HasPrefix(function, p+"/") {
			return true
		}
	}
	return false
}
