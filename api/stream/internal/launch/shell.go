package launch

import (
	"os"
	"os/signal"
	"syscall"
)

// listen takes the signals that end a job.
func listen() (arrive <-chan os.Signal, leave func()) {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	return signals, func() { signal.Stop(signals) }
}

// behind runs work, which may wait, and then has the loop of the run do what it returns.
func (r *run) behind(work func() (then func())) {
	go func() {
		then := work()
		select {
		case r.events <- then:
		case <-r.over:
		}
	}()
}
