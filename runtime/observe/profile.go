package observe

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"

	"github.com/google/pprof/profile"

	"github.com/weir-stream/weir/runtime/clock"
)

// The modes of profiles, by Flink's names.
const (
	ModeCPU    = "CPU"
	ModeITIMER = "ITIMER" // the same in Go
	ModeWall   = "WALL"   // where goroutines are, whether they run or wait
	ModeLock   = "LOCK"   // who was waited for at mutexes
	ModeAlloc  = "ALLOC"  // what was allocated since the process has started
)

// LongestProfile bounds how long a profile may be taken.
const LongestProfile = 5 * time.Minute

// mutexes has one profile of mutexes taken at a time: how many events are noted is a setting of the whole process.
var mutexes sync.Mutex

// TakeProfile takes a profile of this process, in the form that go tool pprof reads. If ctx ends, what was seen until then is the profile.
func TakeProfile(ctx context.Context, c clock.Clock, mode string, length time.Duration) ([]byte, error) {
	if length < 0 || length > LongestProfile {
		return nil, fmt.Errorf("a profile of %v cannot be taken: %v is the longest", length, LongestProfile)
	}
	var content bytes.Buffer
	switch mode {
	case ModeCPU, ModeITIMER:
		if err := pprof.StartCPUProfile(&content); err != nil {
			return nil, err
		}
		_ = c.Sleep(ctx, length)
		pprof.StopCPUProfile() // returns when the content is complete
	case ModeAlloc:
		if err := writeProfile(&content, "allocs"); err != nil {
			return nil, err
		}
	case ModeLock:
		mutexes.Lock()
		defer mutexes.Unlock()
		const oneOf = 10
		before := runtime.SetMutexProfileFraction(oneOf)
		_ = c.Sleep(ctx, length)
		err := writeProfile(&content, "mutex")
		runtime.SetMutexProfileFraction(before)
		if err != nil {
			return nil, err
		}
	case ModeWall:
		return wall(ctx, c, length)
	default:
		return nil, fmt.Errorf("a profile of kind %s cannot be taken of a Go program: take %s, %s, %s or %s", mode, ModeCPU, ModeWall, ModeLock, ModeAlloc)
	}
	return content.Bytes(), nil
}

func writeProfile(to *bytes.Buffer, name string) error { return pprof.Lookup(name).WriteTo(to, 0) }

// wallPause is the time between two looks at all goroutines.
const wallPause = 100 * time.Millisecond

// wall adds up where goroutines were.
func wall(ctx context.Context, c clock.Clock, length time.Duration) ([]byte, error) {
	var sum *profile.Profile
	for begun := c.Nanos(); ; {
		var now bytes.Buffer
		if err := writeProfile(&now, "goroutine"); err != nil {
			return nil, err
		}
		one, err := profile.ParseData(now.Bytes())
		if err != nil {
			return nil, err
		}
		if sum == nil {
			sum = one
		} else if sum, err = profile.Merge([]*profile.Profile{sum, one}); err != nil {
			return nil, err
		}
		if time.Duration(c.Nanos()-begun) >= length || c.Sleep(ctx, wallPause) != nil {
			break
		}
	}
	var content bytes.Buffer
	err := sum.Write(&content)
	return content.Bytes(), err
}

// Named is a profile with the name of the process that it is of.
type Named struct {
	Process string
	Content []byte
}

// MergeProfiles makes one profile of several processes', whose samples have the label process.
func MergeProfiles(parts []Named) ([]byte, error) {
	var all []*profile.Profile
	for _, part := range parts {
		one, err := profile.ParseData(part.Content)
		if err != nil {
			return nil, fmt.Errorf("profile of %s: %w", part.Process, err)
		}
		for _, s := range one.Sample {
			if s.Label == nil {
				s.Label = map[string][]string{}
			}
			s.Label["process"] = []string{part.Process}
		}
		all = append(all, one)
	}
	merged, err := profile.Merge(all)
	if err != nil {
		return nil, err
	}
	var content bytes.Buffer
	err = merged.Write(&content)
	return content.Bytes(), err
}
