package keygroup

// Router finds the subtask of a key's hash by one multiplication and one look-up. It is immutable.
type Router struct {
	subtasks       []uint16 // of each key group
	maxParallelism uint64
}

// NewRouter returns the router to parallelism subtasks. The error is CheckMaxParallelism's.
func NewRouter(maxParallelism, parallelism int) (*Router, error) {
	if err := CheckMaxParallelism(maxParallelism, parallelism); err != nil {
		return nil, err
	}
	r := &Router{subtasks: make([]uint16, maxParallelism), maxParallelism: uint64(maxParallelism)}
	for group := range r.subtasks {
		r.subtasks[group] = uint16(SubtaskOf(uint16(group), parallelism, maxParallelism))
	}
	return r, nil
}

// Channel returns the subtask, and so the output channel, of a key with this hash.
func (r *Router) Channel(hash uint64) int {
	return int(r.subtasks[(hash>>32)*r.maxParallelism>>32])
}

// Channels writes the channel of each hash to channels, which has the length of hashes.
func (r *Router) Channels(hashes []uint64, channels []uint16) {
	channels = channels[:len(hashes)]
	for i, hash := range hashes {
		channels[i] = r.subtasks[(hash>>32)*r.maxParallelism>>32]
	}
}
