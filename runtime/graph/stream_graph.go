// Package graph turns a program into what is deployed: the StreamGraph that the API builds, the JobGraph in which
// operators are chained into vertices, and the ExecutionGraph with the parallel subtasks and their states.
package graph

import (
	"fmt"

	"github.com/weir-stream/weir/checkpoint/snapshot"
	"github.com/weir-stream/weir/network/exchange"
	"github.com/weir-stream/weir/network/transport"
	"github.com/weir-stream/weir/runtime/operator"
)

// StreamGraph is a program as it was written: one node for each operator, one edge for each stream between two.
// Unions have no node: an edge leads from each of their parts.
type StreamGraph struct {
	Name  string
	Nodes []*StreamNode
}

// Role says what an operator is to the runtime.
type Role uint8

// The roles of a node.
const (
	Transformation Role = iota
	Source
	Sink

	roles // their number
)

var roleNames = [roles]string{"transformation", "source", "sink"}

// String returns "transformation", "source" or "sink".
func (r Role) String() string {
	if r < roles {
		return roleNames[r]
	}
	return fmt.Sprintf("Role(%d)", uint8(r))
}

// parseRole is the inverse of String.
func parseRole(name string) (Role, error) {
	for r, n := range roleNames {
		if n == name {
			return Role(r), nil
		}
	}
	return 0, fmt.Errorf("unknown role %q", name)
}

// ChainingStrategy says whether an operator may share a task with its neighbours (Flink's ChainingStrategy).
type ChainingStrategy uint8

// The chaining strategies.
const (
	// ChainAlways chains with the operator before and the one behind.
	ChainAlways ChainingStrategy = iota
	// ChainHead begins a chain: it is not chained to what stands before it.
	ChainHead
	// ChainNever stands alone.
	ChainNever
)

// StreamNode is one operator of a program.
type StreamNode struct {
	// ID numbers the nodes of a graph from 1 in the order in which the program made them.
	ID int
	// Name is shown in plans, logs and metrics. UID, if set, is what the operator id is derived from.
	Name, UID string
	// Description is the operator's line in the plan where that says more than the name; the name is shown where it
	// is empty.
	Description string
	// Kind is the stable name of what the operator does ("map", "source file"), part of the structural hash.
	Kind string
	Role Role
	// Parallelism 0 stands for the job's default, MaxParallelism 0 for the job's or else the one derived from
	// Parallelism.
	Parallelism, MaxParallelism int
	// FixedParallelism is set where the operator cannot run in parallel (a collection source): Parallelism is then 1,
	// also where it is 0, and any other is refused.
	FixedParallelism bool
	// ParallelismLimit, if not 0, is the highest parallelism the operator can have (a source with so many parts): the
	// job's default is cut down to it, and a higher one that the program sets is refused.
	ParallelismLimit int
	// SlotSharingGroup is inherited from the inputs where empty ("default" at sources).
	SlotSharingGroup string
	Chaining         ChainingStrategy
	// Inputs are the edges that lead here, in the order of the operator's inputs, then of a union's parts.
	Inputs []*StreamEdge
	// Bounded is set on sources that end.
	Bounded bool
	// EmitsWatermarks is set on operators that make watermarks: sources with a strategy or with watermarks of their own,
	// and those that assign timestamps and watermarks in the middle of a stream.
	EmitsWatermarks bool
	// NeedsWatermarks is set on operators that do nothing without event time, such as windows in it. Compile refuses them
	// where no operator before them makes watermarks.
	NeedsWatermarks bool
	// NeverEnds, if not empty, says what of the operator would go on for ever once event time has ended. Compile refuses it
	// where all sources before it are bounded.
	NeverEnds string

	// InTypes and OutType name the Go types of the records, for the fingerprint and for messages.
	InTypes []string
	OutType string
	// SideTypes names the record types of the side outputs that the program reads or emits to, by tag.
	SideTypes map[string]string
	// KeyType is empty for an operator without a key. State and Lists are its keyed states, timers and windows among them, and its
	// states without keys, as they will be in snapshots, but for Number and elements.
	KeyType string
	State   []snapshot.State
	Lists   []snapshot.List

	// Factory makes the operator of one subtask.
	Factory operator.Factory
	// NewCopy makes a function that copies records of the main output through their codec: a func() func(T) T.
	NewCopy any
	// NewEnumerator makes the coordinator of a source; it is nil elsewhere. Its dynamic type is
	// connector.EnumeratorFactory.
	NewEnumerator any
}

// StreamEdge is a stream from one operator to another.
type StreamEdge struct {
	From, To *StreamNode
	// Input is the input of To that the edge feeds, from 0.
	Input int
	// SideOutput is the tag of a side output of From; empty for its main output.
	SideOutput   string
	Partitioning Partitioning
	// Unset says that the program chose no partitioning: it becomes Forward where the parallelism on both ends
	// is equal, and Rebalance otherwise.
	Unset bool
	// Type joins the two ends of the edge when they are in different tasks.
	Type EdgeType
}

// EdgeType captures the record type of an edge: what it returns fits together, and is asserted once when tasks are
// wired.
type EdgeType interface {
	// NewChannel makes the queue from one producer subtask to one consumer subtask.
	NewChannel(credits int) any
	// NewSendingChannel and NewReceivingChannel make the two ends of a queue between processes, from what the transport has for it. The
	// error is that of CheckRemote. Edge names the edge in errors.
	NewSendingChannel(to *transport.Sender, edge string) (any, error)
	NewReceivingChannel(from *transport.Receiver, edge string) (any, error)
	// NewWriter makes the producer's end over the channels of all consumer subtasks, in order. The second result is
	// the operator.Input[T] that the producing chain emits to (the same object).
	NewWriter(w WriterConfig, channels []any) (exchange.Output, any, error)
	// NewReaders makes the consumer's ends of the channels from all producer subtasks, in order, which feed head, an operator.Input[T].
	NewReaders(channels []any, head any) []exchange.InputChannel
	// CheckRemote reports why records of this type cannot leave a process, or nil.
	CheckRemote() error
}

// WriterConfig says where in the graph a writer stands.
type WriterConfig struct {
	Partitioning Partitioning
	// Producer is the index of the producing subtask.
	Producer int
	// ConsumerParallelism and ConsumerMaxParallelism are those of the consuming vertex. For a Rescale edge the
	// channels may be fewer than ConsumerParallelism.
	ConsumerParallelism, ConsumerMaxParallelism int
	Limits                                      exchange.Limits
	// CopyAtFanOut asks for copies of records that go to several channels.
	CopyAtFanOut bool
	// Edge names the edge in errors, as "producer -> consumer".
	Edge string
}
