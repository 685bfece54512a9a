package launch

import (
	"errors"
	"fmt"
	"maps"

	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/graph"
	"github.com/weir-stream/weir/runtime/message"
	"github.com/weir-stream/weir/runtime/process"
	"github.com/weir-stream/weir/runtime/worker/remote"
)

// hosted is the process in a role for which a JobManager or TaskManager has started it. What the program writes goes where they want it; what it
// has to say to them goes over the socket.
func (h *host) hosted(role process.Role, build Build) int {
	conn, err := process.Parent()
	if err != nil {
		return h.refuse(err)
	}
	if err := process.ReportCrashes(); err != nil {
		return h.refuse(err)
	}
	link, start, err := process.Open(conn)
	if err != nil {
		return h.refuse(err)
	}
	defer link.Close()
	program, notices, err := h.declareFor(start, build)
	if err == nil && role == process.Worker {
		err = sameGraph(program, start)
	}
	if err != nil {
		link.Tell(&message.FromProcess{Body: &message.FromProcess_Refused{Refused: refusal(err)}})
		return h.refuse(err)
	}
	if role == process.Worker {
		return h.work(link, program, start)
	}
	planned, err := plan(program, notices)
	if err != nil {
		link.Tell(&message.FromProcess{Body: &message.FromProcess_Refused{Refused: refusal(err)}})
		return h.refuse(err)
	}
	link.Tell(&message.FromProcess{Body: &message.FromProcess_Planned{Planned: planned}})
	return ExitFinished
}

// declareFor declares the program under the configuration that the process is started with, over which the program's own arguments win.
func (h *host) declareFor(start *message.ProcessStart, build Build) (Program, []config.Notice, error) {
	line, err := NewCommandLine(h.name, h.flags)
	if err != nil {
		return Program{}, nil, err
	}
	if err := line.Parse(h.args); err != nil {
		return Program{}, nil, err
	}
	if line.Options.Help {
		return Program{}, nil, &UsageError{errors.New("--help is among the job's arguments")}
	}
	settings, notices, err := config.Load(line.Options.ConfigFile, append(propertiesOf(start.GetConfiguration()), line.Options.Properties...))
	if err != nil {
		return Program{}, nil, err
	}
	program, err := declare(build, settings)
	return program, notices, err
}

func propertiesOf(configuration map[string]string) []string {
	properties := make([]string, 0, len(configuration))
	for key, text := range maps.All(configuration) {
		properties = append(properties, key+"="+text)
	}
	return properties
}

func plan(p Program, notices []config.Notice) (*message.Planned, error) {
	description, err := graph.Describe(p.Graph).Encode()
	if err != nil {
		return nil, err
	}
	planned := &message.Planned{Description: description, Configuration: p.Settings.Properties()}
	for _, n := range notices {
		planned.Notices = append(planned.Notices, n.Text)
	}
	return planned, nil
}

// sameGraph reports how the program differs from the one that was planned.
func sameGraph(p Program, start *message.ProcessStart) error {
	described, err := graph.DecodeDescription(start.GetDescription())
	if err != nil {
		return fmt.Errorf("the plan: %w", err)
	}
	planned, err := graph.FromDescription(described)
	if err != nil {
		return fmt.Errorf("the plan: %w", err)
	}
	if difference := graph.Diff(planned, p.Graph, "the plan", "the worker"); difference != "" {
		return fmt.Errorf("the program builds another graph here than where it was planned: %s; what it builds must depend on its arguments and configuration alone", difference)
	}
	return nil
}

func refusal(err error) *message.ProcessRefused {
	refused := &message.ProcessRefused{Reason: err.Error(), Usage: true}
	if failed := (*buildError)(nil); errors.As(err, &failed) {
		refused.Usage, refused.Stack = false, failed.stack
	}
	return refused.Clean()
}

// work runs the job's subtasks until whoever has started the process wants no more.
func (h *host) work(link *process.Link, p Program, start *message.ProcessStart) int {
	log := newLog(Options{LogFormat: LogText}, h.stderr, false, false)
	peers, err := process.Listener()
	if err == nil {
		err = remote.Serve(link, remote.Config{
			Program: p.Graph, Configuration: p.Settings, TaskExecutor: start.GetTaskExecutor(), LeaderEpoch: start.GetLeaderEpoch(), Memory: start.GetMemory(), Peers: peers, Location: start.GetData(), Cluster: start.GetCluster(),
			Network: start.GetNetwork(), Clock: h.clock, Log: log,
		})
	}
	if err != nil {
		log.Error("the worker ends", "job", p.Job, "cause", err)
		return ExitFailed
	}
	return ExitFinished
}
