package graph

// chain decides for every edge whether its two ends share a task. Records of all other edges must be able to leave one.
func (p *program) chain() error {
	var wrong problems
	for _, n := range p.nodes {
		for _, e := range n.in {
			if e.chained = chainable(e, p.options); e.chained {
				continue
			}
			if e.Type == nil {
				wrong.add("%s: the edge crosses tasks but has no record type", e)
			} else if err := e.Type.CheckRemote(); err != nil {
				wrong.add("%s: records of %s cannot be sent to another task: %w", e, recordType(e), err)
			}
		}
	}
	return wrong.err()
}

func recordType(e *edge) string {
	if e.Input < len(e.to.InTypes) {
		return "type " + e.to.InTypes[e.Input]
	}
	return "their type"
}

// chainable holds Flink's rules (StreamingJobGraphGenerator.isChainable). Two operators share a task if
//   - chaining is on for the job,
//   - the edge is the only one that leads to the consumer, so neither operators of two inputs nor those behind a union
//     join what stands before them,
//   - the edge forwards, and both ends have the same parallelism and the same slot sharing group,
//   - neither end wants to stand alone, and the consumer does not want to be a head,
//   - both have the same max parallelism, if the job asks for that.
func chainable(e *edge, o Options) bool {
	return o.Chaining &&
		len(e.to.in) == 1 &&
		e.partitioning == Forward &&
		e.from.parallelism == e.to.parallelism &&
		e.from.group == e.to.group &&
		e.from.Chaining != ChainNever &&
		e.to.Chaining == ChainAlways &&
		(!o.SplitAtMaxParallelism || e.from.maxParallelism == e.to.maxParallelism)
}
