// Package jobmanager has the actors of a JobManager: the Dispatcher, the ResourceManager, and a JobMaster for each job.
// They are shells: what they decide is decided by the packages master and resource.
//
//	client -> Dispatcher -> JobMaster (a child of the Dispatcher) <-> TaskExecutors
//	                            \-> ResourceManager -> TaskExecutors
package jobmanager

import (
	"github.com/weir-stream/weir/checkpoint/journal"
	"github.com/weir-stream/weir/runtime/actors"
	"github.com/weir-stream/weir/runtime/config"
	"github.com/weir-stream/weir/runtime/ident"
	"github.com/weir-stream/weir/runtime/message"
)

// Options are what a JobManager is started with.
type Options struct {
	Configuration config.Configuration
	// LeaderEpoch is the epoch in which this JobManager leads.
	LeaderEpoch uint64
	// Registered says that TaskExecutors of other processes find the leader by asking the actor RegistrarName; Blobs is from where they fetch blobs,
	// and Cluster the cluster's id.
	Registered     bool
	Blobs, Cluster string
	// Provider starts TaskExecutors when slots lack; nil where their number is fixed.
	Provider Provider
	// Stores opens the store of a location, for checkpoints.
	Stores journal.Open
	// Ended is told of every job that is over, by the Dispatcher: it must not wait for anything. It may be nil.
	Ended func(*message.JobResult)
	// Settled is told once for every job, before or after Ended, when its log says how it has ended and what it does not retain is
	// deleted, or when nobody can do that any more. It must not wait for anything, and may be nil.
	Settled func(ident.JobID)
}

// Provider brings TaskExecutors to a cluster.
type Provider interface {
	// Want says that the jobs need so many slots in all, and the cluster has fewer. It returns at once.
	Want(slots int)
}

// JobManager is the running actors.
type JobManager struct {
	Dispatcher, ResourceManager *actors.Ref
	registrar                   *actors.Ref
}

// Start starts the actors.
func Start(s *actors.System, o Options) (*JobManager, error) {
	resourceManager, err := s.Spawn(actors.UniqueName("resourcemanager"), &resourceManager{options: o})
	if err != nil {
		return nil, err
	}
	dispatcher, err := s.Spawn(actors.UniqueName("dispatcher"), &dispatcher{
		options: o, resourceManager: resourceManager.Address(),
	})
	if err != nil {
		resourceManager.Stop()
		return nil, err
	}
	j := &JobManager{Dispatcher: dispatcher, ResourceManager: resourceManager}
	if o.Registered {
		j.registrar, err = s.Spawn(RegistrarName, &registrar{leader: &message.Leader{
			LeaderEpoch: o.LeaderEpoch, Cluster: o.Cluster, Dispatcher: dispatcher.Address(), ResourceManager: resourceManager.Address(), Blobs: o.Blobs,
		}})
	}
	if err != nil {
		j.Stop()
		return nil, err
	}
	return j, nil
}

// Stop ends the actors, the JobMasters with them, and returns when they have ended.
func (j *JobManager) Stop() {
	all := []*actors.Ref{j.Dispatcher, j.ResourceManager}
	if j.registrar != nil {
		all = append(all, j.registrar)
	}
	for _, ref := range all {
		ref.Stop()
	}
	for _, ref := range all {
		<-ref.Ended()
	}
}

func timing(c config.Configuration) message.Timing {
	return message.Timing{Interval: config.Get(c, config.HeartbeatInterval), Timeout: config.Get(c, config.HeartbeatTimeout)}
}
