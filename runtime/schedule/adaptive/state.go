package adaptive

// State is a state of the scheduler, as Flink's adaptive scheduler has them.
type State uint8

// The states, which are drawn at [Scheduler].
const (
	Created State = iota
	WaitingForResources
	CreatingExecutionGraph
	Executing
	Restarting
	StopWithSavepoint
	Canceling
	Failing
	Finished
)

var stateNames = [...]string{
	"Created", "WaitingForResources", "CreatingExecutionGraph", "Executing", "Restarting", "StopWithSavepoint", "Canceling", "Failing", "Finished",
}

// String is Flink's name of the state.
func (s State) String() string { return stateNames[s] }
