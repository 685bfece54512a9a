package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// NetworkCompression is how records between workers are compressed.
type NetworkCompression string

// The compressions.
const (
	CompressionNone NetworkCompression = "NONE"
	CompressionS2   NetworkCompression = "S2"
	CompressionZstd NetworkCompression = "ZSTD"
)

// Options of the connections between workers. Those of the TaskManager hold for all of its workers, whatever their job's configuration says.
var (
	DataPort = declare(Exchange, "taskmanager.data.port", "0", portRange(),
		"Port on which the workers of a TaskManager listen for each other; 0 is a free one. Each job has one of its own, so write a range such as `50100-50199`, or several, where a firewall asks for fixed ones.")

	Compression = declare(Exchange, "taskmanager.network.compression.codec", CompressionNone,
		enum([]NetworkCompression{CompressionNone, CompressionS2, CompressionZstd}, map[string]NetworkCompression{"lz4": CompressionS2, "lzo": CompressionS2}),
		"How records between workers are compressed, if both ends have the same.").
		noting("lz4", "Weir has s2, which is about as fast, in its place. Write S2").
		noting("lzo", "Weir has s2, which is about as fast, in its place. Write S2")

	HandshakeTimeout = declare(Exchange, "weir.network.handshake-timeout", 10*time.Second, duration(),
		"How long one attempt of a worker to connect to another may take.").that(atLeast(time.Millisecond))

	ConnectTimeout = declare(Exchange, "weir.network.connect-timeout", 30*time.Second, duration(),
		"How long tasks wait for the connection to another worker before they fail.").that(atLeast(time.Millisecond))

	SilenceTimeout = declare(Exchange, "weir.network.silence-timeout", 0, duration(),
		"Silence of another worker after which the connection to it counts as broken; 0 is heartbeat.timeout. Both sides give signs of life in between.").that(atLeast(time.Duration(0)))

	MaxRecordSize = declare(Exchange, "weir.network.max-record-size", 64*Mebibyte, memorySize(),
		"How large the encoding of a record may be that is sent to another worker. Network frames have up to 32 kb; a larger record travels in several and is put together in memory.").
		that(between(32*Kibibyte, Gibibyte))
)

// Ports is a range of ports, both ends included.
type Ports struct{ First, Last int }

// ParsePorts reads ports as Flink writes them: "0", "50100-50199", "50100,50200-50210".
func ParsePorts(text string) ([]Ports, error) {
	var all []Ports
	for _, part := range strings.Split(text, ",") {
		low, high, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			high = low
		}
		first, err := strconv.ParseUint(strings.TrimSpace(low), 10, 16)
		if err != nil {
			return nil, fmt.Errorf("%q is no port", low)
		}
		last, err := strconv.ParseUint(strings.TrimSpace(high), 10, 16)
		if err != nil {
			return nil, fmt.Errorf("%q is no port", high)
		}
		if last < first {
			return nil, fmt.Errorf("the range %s ends before it begins", part)
		}
		all = append(all, Ports{int(first), int(last)})
	}
	return all, nil
}

func portRange() kind[string] {
	return kind[string]{
		name: "String", form: `a port, or a range such as "50100-50199"`,
		parse: func(text string) (string, error) {
			_, err := ParsePorts(text)
			return text, err
		},
		format: func(text string) string { return text },
		valid: func(text string) error {
			_, err := ParsePorts(text)
			return err
		},
	}
}
