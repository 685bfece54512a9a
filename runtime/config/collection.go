package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parseList reads a YAML sequence in brackets, or texts separated by semicolons.
func parseList(text string) ([]string, error) {
	if strings.HasPrefix(text, "[") {
		node, err := parseFlow(text, yaml.SequenceNode)
		if err != nil {
			return nil, err
		}
		return scalars(node.Content)
	}
	var items []string
	for item := range strings.SplitSeq(text, ";") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items, nil
}

// parseMap reads a YAML mapping in braces, or entries "key:value" separated by commas.
func parseMap(text string) (map[string]string, error) {
	entries := make(map[string]string)
	if strings.HasPrefix(text, "{") {
		node, err := parseFlow(text, yaml.MappingNode)
		if err != nil {
			return nil, err
		}
		items, err := scalars(node.Content)
		if err != nil {
			return nil, err
		}
		for i := 0; i+1 < len(items); i += 2 {
			entries[items[i]] = items[i+1]
		}
		return entries, nil
	}
	for entry := range strings.SplitSeq(text, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		key, value, ok := strings.Cut(entry, ":")
		if !ok {
			return nil, fmt.Errorf("the entry %q has no colon", entry)
		}
		entries[strings.TrimSpace(key)] = strings.TrimSpace(value)
	}
	return entries, nil
}

func parseFlow(text string, want yaml.Kind) (*yaml.Node, error) {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return nil, fmt.Errorf("not valid YAML")
	}
	if len(document.Content) != 1 || document.Content[0].Kind != want {
		return nil, fmt.Errorf("brackets do not match")
	}
	return document.Content[0], nil
}

func scalars(nodes []*yaml.Node) ([]string, error) {
	items := make([]string, len(nodes))
	for i, node := range nodes {
		if node.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("an item is not a plain value")
		}
		items[i] = node.Value
	}
	return items, nil
}

// formatList and formatMap write the bracket form and quote what YAML would take apart, so that every text survives.

func formatList(items []string) string {
	quoted := make([]string, len(items))
	for i, item := range items {
		quoted[i] = quote(item)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func formatMap(entries map[string]string) string {
	pairs := make([]string, 0, len(entries))
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		name := quote(key)
		if len(name) > longestSimpleKey {
			name = "? " + name
		}
		pairs = append(pairs, name+": "+quote(entries[key]))
	}
	return "{" + strings.Join(pairs, ", ") + "}"
}

// longestSimpleKey is how far YAML looks for the colon after a key that has no question mark before it; the limit is 1024.
const longestSimpleKey = 1000

// plain texts mean themselves in YAML, wherever they stand.
var plain = regexp.MustCompile(`^[A-Za-z0-9_/.][A-Za-z0-9_/.-]*$`)

func quote(text string) string {
	if plain.MatchString(text) {
		return text
	}
	return strconv.QuoteToASCII(text) // the escapes of Go are a subset of YAML's
}
