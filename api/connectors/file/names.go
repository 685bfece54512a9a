package file

import (
	"fmt"
	"strconv"
	"strings"
)

// partName is the name of what a subtask of a job without checkpoints publishes.
func partName(subtask int) string { return fmt.Sprintf("part-%d-0", subtask) }

// hiddenName is the name of that before. It has the attempt in it, so that a late subtask of an earlier one does not
// publish what a later one is writing.
func hiddenName(subtask, attempt int) string {
	return fmt.Sprintf(".%s%s.%d", partName(subtask), inProgress, attempt)
}

// rolledName is the name of what a subtask publishes with a checkpoint. The uid is that of one attempt of one subtask in one run, so that
// no two parts ever have the same name, whatever numbers of subtasks and attempts begin anew.
func rolledName(subtask int, uid string, number int) string {
	return fmt.Sprintf("part-%d-%s-%d", subtask, uid, number)
}

// hiddenRolled is the name of such a part before.
func hiddenRolled(name string) string { return "." + name + inProgress }

const (
	inProgress = ".inprogress"
	// uidDigits is the length of a uid in lower-case hexadecimal digits.
	uidDigits = 16
)

// partInfo is what the name of a file says.
type partInfo struct {
	subtask   int
	published bool
	uid       string // empty for what a job without checkpoints writes
}

// parsePart reads names that partName, hiddenName, rolledName or hiddenRolled made, and refuses all others.
func parsePart(name string) (p partInfo, ok bool) {
	published, attempt, hidden := strings.Cut(name, inProgress)
	if hidden {
		if published, ok = strings.CutPrefix(published, "."); !ok {
			return p, false
		}
	}
	fields := strings.Split(published, "-")
	last := len(fields) - 1
	if last < 2 || last > 3 || fields[0] != "part" || !isNumber(fields[1]) || !isNumber(fields[last]) {
		return p, false
	}
	if last == 3 {
		if p.uid = fields[2]; !isUID(p.uid) || attempt != "" {
			return p, false
		}
	} else if hidden {
		if attempt, ok = strings.CutPrefix(attempt, "."); !ok || !isNumber(attempt) {
			return p, false
		}
	}
	p.subtask, _ = strconv.Atoi(fields[1])
	p.published = !hidden
	return p, true
}

func isUID(text string) bool {
	return len(text) == uidDigits && strings.Trim(text, "0123456789abcdef") == ""
}

// isNumber accepts what strconv.Itoa writes of numbers that are not negative.
func isNumber(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n >= 0 && strconv.Itoa(n) == text
}
