package processes

import (
	"net"
	"strings"
	"testing"

	"github.com/weir-stream/weir/runtime/config"
)

func TestPortsOfARange(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	only := []config.Ports{{First: port, Last: port}}
	if _, err := listen("127.0.0.1", only); err == nil || !strings.Contains(err.Error(), "wider range") {
		t.Errorf("a port that is taken: %v", err)
	}
	l, err := listen("127.0.0.1", append(only, config.Ports{}))
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if l, err = listen("127.0.0.1", nil); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := listen("256.0.0.1", nil); err == nil || strings.Contains(err.Error(), "wider range") {
		t.Errorf("a host that is none: %v", err)
	}
}
