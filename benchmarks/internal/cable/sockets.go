package cable

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// address is a host and port of IPv4, the host as /proc/net/tcp has it.
type address struct {
	host string
	port uint16
}

// hostOf writes an address of IPv4 as /proc/net/tcp does on machines of little endian: its bytes from last to first.
func hostOf(ip string) string {
	b := net.ParseIP(ip).To4()
	return strings.ToUpper(hex.EncodeToString([]byte{b[3], b[2], b[1], b[0]}))
}

func addressOf(a net.Addr) address {
	tcp := a.(*net.TCPAddr)
	return address{hostOf(tcp.IP.String()), uint16(tcp.Port)}
}

func parse(text string) (address, bool) {
	host, digits, ok := strings.Cut(text, ":")
	port, err := strconv.ParseUint(digits, 16, 16)
	return address{host, uint16(port)}, ok && err == nil
}

// table is where Linux lists sockets; isListening is the state of those that listen, which come first.
const (
	table       = "/proc/net/tcp"
	isListening = "0A"
)

// rows calls f for the local and remote address, the state and the inode of each socket, until it returns false.
func rows(f func(local, remote address, state, inode string) bool) error {
	file, err := os.Open(table)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Scan() // the heading
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 {
			continue
		}
		local, ok := parse(fields[1])
		remote, ok2 := parse(fields[2])
		if ok && ok2 && !f(local, remote, fields[3], fields[9]) {
			break
		}
	}
	return lines.Err()
}

// listening is where processes of this machine listen.
func listening() (map[address]bool, error) {
	all := map[address]bool{}
	err := rows(func(local, _ address, state, _ string) bool {
		if state == isListening {
			all[local] = true
		}
		return state == isListening
	})
	return all, err
}

// socketOf returns the inode of the socket with these addresses.
func socketOf(local, remote address) (inode string, err error) {
	err = rows(func(l, r address, _, i string) bool {
		if l == local && r == remote {
			inode = i
		}
		return inode == ""
	})
	if err == nil && (inode == "" || inode == "0") {
		err = errors.New("the socket is gone")
	}
	return inode, err
}

// holds reports whether a process has a socket open.
func holds(pid int, inode string) bool {
	folder := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return false
	}
	for _, e := range entries {
		if target, err := os.Readlink(filepath.Join(folder, e.Name())); err == nil && target == "socket:["+inode+"]" {
			return true
		}
	}
	return false
}
