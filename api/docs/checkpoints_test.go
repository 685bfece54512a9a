package docs_test

import (
	"testing"
	"time"

	"github.com/weir-stream/weir/api/stream"
	"github.com/weir-stream/weir/runtime/config"
)

func checkpointed(env *stream.Environment) {
	env.EnableCheckpointing(10 * time.Second)
}

func TestCheckpointsAreEnabledByTheProgram(t *testing.T) {
	env, err := stream.NewEnvironment("docs", "execution.checkpointing.interval=1h")
	if err != nil {
		t.Fatal(err)
	}
	checkpointed(env)
	if got := config.Get(env.Configuration(), config.CheckpointInterval); got != 10*time.Second {
		t.Errorf("the interval is %v", got)
	}
}
