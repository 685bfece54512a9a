package prometheus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/weir-stream/weir/runtime/metrics"
)

// Of answers every GET with what samples returns then.
func Of(samples func(context.Context) []metrics.Sample) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "only GET is understood here", http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Content-Type", ContentType)
		_ = Write(w, samples(r.Context())) // a client that is gone needs no answer
	})
}

// ListenFirst listens on the first free port of a list such as "9249", "9250-9260" or "9250-9260,9300" (metrics.reporter.prom.port), so that processes on one
// machine can share a configuration. An empty host stands for all addresses.
func ListenFirst(host, ports string) (net.Listener, error) {
	candidates, err := readPorts(ports)
	if err != nil {
		return nil, err
	}
	var failures []error
	for _, port := range candidates {
		bound, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err == nil {
			return bound, nil
		}
		failures = append(failures, err)
	}
	return nil, fmt.Errorf("no port of %q is free: %w", ports, errors.Join(failures...))
}

func readPorts(text string) ([]int, error) {
	var ports []int
	for _, part := range strings.Split(text, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			last = first
		}
		low, errLow := strconv.ParseUint(strings.TrimSpace(first), 10, 16)
		high, errHigh := strconv.ParseUint(strings.TrimSpace(last), 10, 16)
		if errLow != nil || errHigh != nil || high < low {
			return nil, fmt.Errorf("cannot read the ports %q: write a port, a range such as 9250-9260, or several of them with commas", text)
		}
		for port := low; port <= high; port++ {
			ports = append(ports, int(port))
		}
	}
	return ports, nil
}
