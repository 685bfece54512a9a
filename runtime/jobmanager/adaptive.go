package jobmanager

import (
	"time"

	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/schedule/adaptive"
)

// newAdaptive reads the options of a job's adaptive scheduler; it is nil under the default one. Reactive mode waits for ever for the first slots, and for none
// besides, where nothing else is set.
func newAdaptive(c config.Configuration) (_ *adaptive.Config, reactive bool) {
	if !config.IsAdaptive(c) {
		return nil, false
	}
	reactive = config.Get(c, config.SchedulerExecutionMode) == config.ModeReactive
	get := func(o *config.Option[time.Duration], inReactive time.Duration) time.Duration {
		if value, set := config.Lookup(c, o); set || !reactive {
			return value
		}
		return inReactive
	}
	a := &adaptive.Config{
		SubmissionWait: get(config.SubmissionWait, config.Forever), SubmissionStabilization: get(config.SubmissionStabilization, 0),
		Cooldown: config.Get(c, config.RescaleCooldown), Stabilization: get(config.RescaleStabilization, 0),
		CheckpointFailures: config.Get(c, config.RescaleCheckpointFailures), MaxDelay: config.Get(c, config.RescaleMaxDelay),
		History: config.Get(c, config.RescaleHistory), NewID: ident.NewID,
	}
	interval := config.Get(c, config.CheckpointInterval)
	a.Checkpoints = interval > 0
	if a.MaxDelay < 0 {
		a.MaxDelay = interval * time.Duration(a.CheckpointFailures)
	}
	return a, reactive
}

func rescalesResponse(r *message.Rescales) *message.ClientResponse {
	return &message.ClientResponse{Body: &message.ClientResponse_Rescales{Rescales: r}}
}
