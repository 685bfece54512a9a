package graph

// Connections returns the consumer subtasks that a producer subtask of the edge sends to, in order. They are
// contiguous.
//
//   - Forward: the one of the same index.
//   - Rescale: a share of the consumers, so that each subtask of the larger side is connected with one of the smaller and
//     the numbers differ by at most one (Flink's POINTWISE distribution pattern).
//   - all others: every consumer.
func Connections(e *JobEdge, producer int) []int {
	return subtasks(consumerRange(e, producer))
}

// Producers returns the producer subtasks that a consumer subtask of the edge receives from, in order: those whose
// Connections have it.
func Producers(e *JobEdge, consumer int) []int {
	return subtasks(producerRange(e, consumer))
}

// consumerRange returns the first consumer of a producer, and the one after the last.
func consumerRange(e *JobEdge, producer int) (first, end int) {
	producers, consumers := e.From.Parallelism, e.To.Parallelism
	switch {
	case !e.Partitioning.Pointwise():
		return 0, consumers
	case producers >= consumers:
		// The inverse of producerRange, where consumer c begins with producer floor(c*producers/consumers).
		consumer := ((producer+1)*consumers - 1) / producers
		return consumer, consumer + 1
	}
	return ceilDiv(producer*consumers, producers), ceilDiv((producer+1)*consumers, producers)
}

// producerRange returns the first producer of a consumer, and the one after the last.
func producerRange(e *JobEdge, consumer int) (first, end int) {
	producers, consumers := e.From.Parallelism, e.To.Parallelism
	switch {
	case !e.Partitioning.Pointwise():
		return 0, producers
	case producers >= consumers:
		return consumer * producers / consumers, (consumer + 1) * producers / consumers
	}
	producer := consumer * producers / consumers
	return producer, producer + 1
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

func subtasks(first, end int) []int {
	list := make([]int, end-first)
	for i := range list {
		list[i] = first + i
	}
	return list
}
