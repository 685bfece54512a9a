package resttest

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDifferences(t *testing.T) {
	const id, other = `"00000000000000000000000000000001"`, `"00000000000000000000000000000002"`
	for name, c := range map[string]struct {
		recorded, got string
		want          []string
	}{
		"same":              {`{"a":1,"b":[{"c":"x"}]}`, `{"a":2.5,"b":[{"c":"y"},{"c":""}]}`, nil},
		"missing":           {`{"a":1,"b":2}`, `{"a":1}`, []string{"$.b: missing"}},
		"too many":          {`{"a":1}`, `{"a":1,"b":2}`, []string{"$.b: not in the record; Flink's client refuses keys that it does not know"}},
		"other kind":        {`{"a":1}`, `{"a":"1"}`, []string{"$.a: string, recorded number"}},
		"null":              {`{"a":1}`, `{"a":null}`, []string{"$.a: null, recorded number"}},
		"optional key":      {`[{"a":1,"b":2},{"a":1}]`, `[{"a":3}]`, nil},
		"empty list":        {`[{"a":1}]`, `[]`, nil},
		"quantile":          {`{"p":{"p50":1.0}}`, `{"p":{"p50":"NaN"}}`, nil},
		"no quantile":       {`{"p":{"min":1}}`, `{"p":{"min":"NaN"}}`, []string{"$.p.min: string, recorded number"}},
		"ids are data":      {`{"t":{` + id + `:{"a":1}}}`, `{"t":{` + other + `:{"a":2}}}`, nil},
		"values of ids":     {`{"t":{` + id + `:{"a":1}}}`, `{"t":{` + other + `:{"b":2}}}`, []string{"$.t.*.a: missing", "$.t.*.b: not in the record; Flink's client refuses keys that it does not know"}},
		"classes":           {`[{"className":"x","a":1},{"className":"y","b":1}]`, `[{"className":"y","b":2}]`, nil},
		"wrong class's key": {`[{"className":"x","a":1},{"className":"y","b":1}]`, `[{"className":"y","a":2}]`, []string{"$[].a: not in the record; Flink's client refuses keys that it does not know", "$[].b: missing"}},
	} {
		var recorded, got any
		if json.Unmarshal([]byte(c.recorded), &recorded) != nil || json.Unmarshal([]byte(c.got), &got) != nil {
			t.Fatal(name)
		}
		if diff := cmp.Diff(c.want, Differences(recorded, got)); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}
