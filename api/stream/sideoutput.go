package stream

import "github.com/weir-stream/weir/runtime/operator"

// OutputTag names a side output of an operator and the type of its records. It emits with Emit(ctx, value) and
// EmitAt(ctx, value, timestamp), where ctx is the context of a process function.
type OutputTag[T any] = operator.OutputTag[T]

// NewOutputTag returns the tag of a name, which must not be empty. Tags of one name and type are equal.
func NewOutputTag[T any](name string) OutputTag[T] { return operator.NewOutputTag[T](name) }

// SideOutput is what the operator that produces s emits with the tag, or disposes of there: the late records of a window or
// join. S is that operator's main output, right behind the call that makes it and any setting of its properties.
func SideOutput[Main, T any](s DataStream[Main], tag OutputTag[T]) DataStream[T] {
	node := s.origin("SideOutput " + tag.Name)
	if node.SideTypes == nil {
		node.SideTypes = map[string]string{}
	}
	switch before, named := node.SideTypes[tag.Name]; {
	case named && before != typeName[T]():
		s.env.problem("operator %q: its side output %q is read with records of type %s and of type %s: give one of them another name",
			node.Name, tag.Name, before, typeName[T]())
	case tag.Name == "":
		s.env.problem("operator %q: SideOutput without a tag: make one with NewOutputTag", node.Name)
	}
	node.SideTypes[tag.Name] = typeName[T]()
	return DataStream[T]{env: s.env, parts: []part{{node: node, side: tag.Name, unset: true, edgeType: edge[T]{}}}}
}
