package graph

import "strings"

// Flink marks the names of sources and sinks so.
const (
	sourceMark = "Source: "
	sinkMark   = ": Writer"
)

// operatorName is the name that an operator goes by.
func operatorName(n *StreamNode) string {
	name := n.Name
	if name == "" {
		name = n.Kind
	}
	return marked(name, n.Role)
}

// operatorDescription is the operator's line in the plan.
func operatorDescription(n *StreamNode) string {
	if n.Description == "" {
		return operatorName(n)
	}
	return marked(n.Description, n.Role)
}

func marked(text string, role Role) string {
	switch {
	case role == Source && !strings.HasPrefix(text, sourceMark):
		return sourceMark + text
	case role == Sink && !strings.HasSuffix(text, sinkMark):
		return text + sinkMark
	}
	return text
}

// chainName names a chain by its links: "a -> b", and "a -> (b, c -> d)" where a feeds two of them.
func chainName(head *ChainedOperator) string {
	var name strings.Builder
	var write func(op *ChainedOperator)
	write = func(op *ChainedOperator) {
		name.WriteString(op.Name)
		if len(op.Chained) == 0 {
			return
		}
		name.WriteString(" -> ")
		if len(op.Chained) == 1 {
			write(op.Chained[0].To)
			return
		}
		separator := "("
		for _, next := range op.Chained {
			name.WriteString(separator)
			write(next.To)
			separator = ", "
		}
		name.WriteString(")")
	}
	write(head)
	return name.String()
}

// chainTree describes a chain as a tree, a line for each operator, drawn as Flink does:
//
//	Source: words
//	:- Split
//	:  +- Count
//	+- results: Writer
func chainTree(head *ChainedOperator) []string {
	var lines []string
	var draw func(op *ChainedOperator, branch, indent string)
	draw = func(op *ChainedOperator, branch, indent string) {
		lines = append(lines, branch+op.Description)
		for i, next := range op.Chained {
			if i == len(op.Chained)-1 {
				draw(next.To, indent+"+- ", indent+"   ")
			} else {
				draw(next.To, indent+":- ", indent+":  ")
			}
		}
	}
	draw(head, "", "")
	return lines
}
