package launch_test

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal makes a pseudoterminal of 100 columns.
func openTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no pseudoterminals here: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 100})
	}
	if err == nil {
		err = quietly(fd)
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		t.Skipf("there are no pseudoterminals here: %v", err)
	}
	return master, slave
}

// quietly keeps the driver from writing ^C into the output and from dropping what it holds then, which no program can help.
func quietly(terminal int) error {
	settings, err := unix.IoctlGetTermios(terminal, unix.TCGETS)
	if err != nil {
		return err
	}
	settings.Lflag = settings.Lflag&^unix.ECHO | unix.NOFLSH
	return unix.IoctlSetTermios(terminal, unix.TCSETS, settings)
}

// On a terminal there is a live line below what the job prints, no log, and in the end no trace of the line.
func TestLiveLineOnATerminal(t *testing.T) {
	master, slave := openTerminal(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-p", "1")
	cmd.Env = append(os.Environ(), programVariable+"=never ends", "WEIR_ROLE=", "WEIR_CONF_DIR=", "TERM=xterm", "NO_COLOR=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	shown := newOutput(master)
	shown.waitFor(t, "job RUNNING")
	shown.waitFor(t, "100\r\n")
	if _, err := master.Write([]byte{'C' & 0x1f}); err != nil { // Ctrl-C
		t.Fatal(err)
	}
	text := shown.all()
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d, want 130", code)
	}

	live := regexp.MustCompile(`job [A-Z]+ [0-9.]+ s \| read [0-9,]+ \([0-9.]+ k?/s\) \| written [0-9,]+ \([0-9.]+ k?/s\)\r\r\x1b\[J`)
	if len(live.FindAllString(text, -1)) < 2 {
		t.Errorf("the live line is not redrawn:\n%q", text)
	}
	text = strings.ReplaceAll(live.ReplaceAllString(text, ""), "\r\n", "\n")
	printed, rest, _ := strings.Cut(text, "WRN")
	for i, line := range strings.Split(strings.TrimSpace(printed), "\n") {
		if line != fmt.Sprint(i) && !strings.Contains(line, ":") { // the time of the warning
			t.Fatalf("line %d is %q", i, line)
		}
	}
	if !strings.Contains(rest, " canceling the job; Ctrl-C again ends the process at once\n") || !strings.Contains(rest, "\njob: CANCELED after ") {
		t.Errorf("the end is %q", rest)
	}
	if strings.Contains(text, "\x1b") || strings.Contains(text, "level=") {
		t.Errorf("traces of the display or of a log are left:\n%q", text)
	}
}
