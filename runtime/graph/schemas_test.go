package graph

import (
	"time"

	"github.com/weir-stream/weir/api/codec/schema"
	"github.com/weir-stream/weir/checkpoint/snapshot"
)

func int64Schema() *schema.Schema { return schema.New(schema.Value, &schema.Type{Kind: schema.Int64}) }

func stringSchema() *schema.Schema {
	return schema.New(schema.Value, &schema.Type{Kind: schema.String})
}

// withState gives an operator a key and three states.
func withState() change {
	return func(n *StreamNode) {
		n.KeyType, n.InTypes, n.OutType = "string", []string{"string"}, "main.Count"
		n.State = []snapshot.State{
			{Name: "count", Kind: "ValueState", Key: stringSchema(), Value: int64Schema()},
			{Name: "seen", Kind: "MapState", TTLMillis: time.Hour.Milliseconds(), Key: stringSchema(), Value: int64Schema(), MapKey: stringSchema()},
			{Name: "point", Kind: "ListState", Key: stringSchema(), Value: schema.New(schema.Value, &schema.Type{
				Kind: schema.Struct, Name: "Point", Fields: []schema.Field{{Name: "X", Type: &schema.Type{Kind: schema.Int32}}},
			})},
		}
		n.Lists = []snapshot.List{{Name: "rules", Redistribution: snapshot.Broadcast, Key: stringSchema(), Element: int64Schema()}}
	}
}
