package graph

import (
	"time"

	"github.com/weir-stream/weir/api/codec/schema"
	"github.com/weir-stream/weir/state"
)

func int64Schema() *schema.Schema { return schema.New(schema.Value, &schema.Type{Kind: schema.Int64}) }

func stringSchema() *schema.Schema {
	return schema.New(schema.Value, &schema.Type{Kind: schema.String})
}

// withState gives an operator a key and three states.
func withState() change {
	return func(n *StreamNode) {
		n.KeyType, n.InTypes, n.OutType = "string", []string{"string"}, "main.Count"
		n.State = []state.Descriptor{
			{Name: "count", Kind: state.KindValue, Schema: int64Schema()},
			{Name: "seen", Kind: state.KindMap, TTL: state.TTL{Duration: time.Hour}, Schema: int64Schema(), KeySchema: stringSchema()},
			{Name: "point", Kind: state.KindList, Schema: schema.New(schema.Value, &schema.Type{
				Kind: schema.Struct, Name: "Point", Fields: []schema.Field{{Name: "X", Type: &schema.Type{Kind: schema.Int32}}},
			})},
		}
	}
}
