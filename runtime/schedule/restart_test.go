package schedule

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/weir-stream/weir/runtime/config"
)

// failure is an event for a strategy and what it must decide.
type failure struct {
	at      int64
	uniform float64
	want    string
}

// text writes a decision in one word or two.
func text(d Decision) string {
	word := "fail"
	if d.Restart {
		word = "restart " + d.Delay.String()
	}
	if d.SameAttempt {
		word += " same"
	}
	if (d.Reason == "") != d.Restart {
		word += fmt.Sprintf(" with reason %q", d.Reason)
	}
	return word
}

func TestRestartStrategies(t *testing.T) {
	exponential := func(c *RestartConfig) {
		c.Strategy = config.RestartExponentialDelay
		e := &c.ExponentialDelay
		e.InitialBackoff, e.MaxBackoff, e.ResetThreshold = time.Second, 10*time.Second, time.Minute
		e.Multiplier, e.Attempts = 2, 1<<31-1
	}
	cases := []struct {
		name     string
		change   func(*RestartConfig)
		failures []failure
	}{
		{"none", func(c *RestartConfig) { c.Strategy = config.RestartNone }, []failure{{1, 0, "fail"}}},
		{"fixed delay", func(c *RestartConfig) {
			c.Strategy = config.RestartFixedDelay
			c.FixedDelay.Attempts, c.FixedDelay.Delay = 2, 3*time.Second
		}, []failure{{1, 0, "restart 3s"}, {2, 0, "restart 3s"}, {3, 0, "fail"}, {4, 0, "fail"}}},
		{"fixed delay, no attempts", func(c *RestartConfig) { c.Strategy = config.RestartFixedDelay }, []failure{{1, 0, "fail"}}},
		{"failure rate", func(c *RestartConfig) {
			c.Strategy = config.RestartFailureRate
			c.FailureRate.MaxFailures, c.FailureRate.Interval, c.FailureRate.Delay = 2, time.Second, time.Millisecond
		}, []failure{
			{1000, 0, "restart 1ms"}, {1500, 0, "restart 1ms"},
			{2001, 0, "restart 1ms"}, // the first is more than a second ago
			{2500, 0, "fail"},        // exactly a second after 1500 is within it
			{3600, 0, "restart 1ms"},
		}},
		{"exponential delay grows up to its limit", exponential, []failure{
			{0, 0.5, "restart 1s"}, {1001, 0.5, "restart 2s"}, {3002, 0.5, "restart 4s"}, {7003, 0.5, "restart 8s"},
			{15004, 0.5, "restart 10s"}, {25005, 0.5, "restart 10s"},
		}},
		{"failures before the restart belong to it", exponential, []failure{
			{0, 0.5, "restart 1s"}, {400, 0.5, "restart 600ms same"}, {1000, 0.5, "restart 0s same"}, {1001, 0.5, "restart 2s"},
		}},
		{"a long quiet time resets", exponential, []failure{
			{0, 0.5, "restart 1s"}, {2000, 0.5, "restart 2s"}, {4000 + 59_999, 0.5, "restart 4s"}, {67_999 + 60_000, 0.5, "restart 1s"},
		}},
		{"attempts count until the reset", func(c *RestartConfig) { exponential(c); c.ExponentialDelay.Attempts = 2 }, []failure{
			{0, 0.5, "restart 1s"}, {2000, 0.5, "restart 2s"}, {64_000, 0.5, "restart 1s"}, {66_000, 0.5, "restart 2s"},
			{69_000, 0.5, "fail"}, {69_001, 0.5, "fail same"},
		}},
		{"jitter", func(c *RestartConfig) { exponential(c); c.ExponentialDelay.Jitter = 0.25 }, []failure{
			{0, 0, "restart 1s"}, // never below the initial backoff
			{2000, 0, "restart 1.5s"}, {4000, 0.75, "restart 4.5s"}, {10_000, 0.5, "restart 8s"},
			{20_000, 0.999, "restart 10s"}, // never above the longest
		}},
		{"a failure at time 0 and before", exponential, []failure{{-5000, 0.5, "restart 1s"}, {0, 0.5, "restart 2s"}}},
		{"thousands of failures do not overflow", func(c *RestartConfig) { exponential(c); c.ExponentialDelay.Multiplier = 1e300 },
			[]failure{{0, 0.5, "restart 1s"}, {2000, 0.5, "restart 10s"}, {20_000, 0.999, "restart 10s"}, {40_000, 0, "restart 10s"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var r RestartConfig
			c.change(&r)
			s, err := NewRestartStrategy(r)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range c.failures {
				if got := text(s.Failed(f.at, f.uniform)); got != f.want {
					t.Errorf("at %d: %s, want %s", f.at, got, f.want)
				}
			}
			if r.Strategy != config.RestartNone && !strings.HasPrefix(s.String(), string(r.Strategy)+" (") {
				t.Errorf("described as %q", s)
			}
		})
	}
}

func TestRestartConfigOf(t *testing.T) {
	for checkpoints, want := range map[bool]string{
		false: "none",
		true:  "exponential-delay (from 100ms to 1m0s by 1.5, jitter 0.1, reset after 1h0m0s, 2147483647 attempts)",
	} {
		s, err := NewRestartStrategy(RestartConfigOf(config.Configuration{}, checkpoints))
		if err != nil || s.String() != want {
			t.Errorf("default with checkpoints %v: %v, %v", checkpoints, s, err)
		}
	}
	c, _, err := config.Load("", []string{
		"restart-strategy.type=fixed-delay", "restart-strategy.fixed-delay.attempts=7", "restart-strategy.fixed-delay.delay=5 s",
	})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := NewRestartStrategy(RestartConfigOf(c, true)); err != nil || s.String() != "fixed-delay (7 attempts, delay 5s)" {
		t.Errorf("got %v, %v", s, err)
	}
}

func TestRestartSettingsAreChecked(t *testing.T) {
	base := RestartConfigOf(config.Configuration{}, true)
	for name, change := range map[string]func(*RestartConfig){
		"fixed-delay: -1 attempts":            func(c *RestartConfig) { c.Strategy = config.RestartFixedDelay; c.FixedDelay.Attempts = -1 },
		"failure-rate: 0 failures":            func(c *RestartConfig) { c.Strategy = config.RestartFailureRate; c.FailureRate.MaxFailures = 0 },
		"initial backoff 2h0m0s":              func(c *RestartConfig) { c.ExponentialDelay.InitialBackoff = 2 * time.Hour },
		"multiplier 0.5":                      func(c *RestartConfig) { c.ExponentialDelay.Multiplier = 0.5 },
		"jitter 2":                            func(c *RestartConfig) { c.ExponentialDelay.Jitter = 2 },
		`restart strategy "magic" is not kno`: func(c *RestartConfig) { c.Strategy = "magic" },
	} {
		c := base
		change(&c)
		if _, err := NewRestartStrategy(c); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
