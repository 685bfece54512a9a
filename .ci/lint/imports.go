package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// order is the total order of the module's packages, lowest first: entries of order.txt.
type order []string

func readOrder(root string) (order, error) {
	lines, err := readData(root, "order.txt")
	if err != nil {
		return nil, err
	}
	var o order
	for _, line := range lines {
		if slices.Contains(o, line.fields) {
			return nil, fmt.Errorf("order.txt:%d: %s stands there twice", line.number, line.fields)
		}
		o = append(o, line.fields)
	}
	return o, nil
}

// find returns the index of the entry for a package: its own, or else the longest "/..." entry above it; -1 without one.
func (o order) find(pkg string) int {
	found, length := -1, -1
	for i, entry := range o {
		if entry == pkg {
			return i
		}
		if dir, ok := strings.CutSuffix(entry, "/..."); ok && within(pkg, dir) && len(dir) > length {
			found, length = i, len(dir)
		}
	}
	return found
}

// allows reports whether from may import to by the order; both must be in it.
func (o order) allows(from, to string) bool { return o.find(to) <= o.find(from) }

// checkImports enforces the order on files that are not tests, whatever tags or systems they are built for.
func checkImports(t tree, o order) []finding {
	var findings []finding
	missing := map[string]bool{}
	for _, s := range t.sources {
		from := s.dir()
		if within(from, strings.TrimSuffix(dataDir, "/")) {
			continue
		}
		if o.find(from) < 0 {
			if !missing[from] {
				missing[from] = true
				findings = append(findings, finding{file: from, text: "the package is not in " + dataDir + "order.txt: " + o.advise(t, from)})
			}
			continue
		}
		if s.test {
			continue
		}
		for imported, spec := range s.imports {
			to, ok := strings.CutPrefix(imported, t.module+"/")
			if !ok || o.find(to) < 0 {
				continue
			}
			if !o.allows(from, to) {
				findings = append(findings, s.finding(spec.Pos(), "",
					"%s imports %s, which does not stand above it in %sorder.txt: turn the dependence around, or move what is shared up", from, to, dataDir))
			}
		}
	}
	return findings
}

// advise says where a package that the order lacks can be inserted.
func (o order) advise(t tree, pkg string) string {
	lowest, highest := -1, len(o)
	for _, s := range t.sources {
		if s.test {
			continue
		}
		for imported := range s.imports {
			to := strings.TrimPrefix(imported, t.module+"/")
			if s.dir() == pkg {
				lowest = max(lowest, o.find(to))
			}
			if importer := o.find(s.dir()); to == pkg && importer >= 0 {
				highest = min(highest, importer)
			}
		}
	}
	switch {
	case lowest >= highest:
		return fmt.Sprintf("it imports %s and is imported by %s, which stands above that, so no place is left for it", o[lowest], o[highest])
	case lowest >= 0 && highest < len(o):
		return fmt.Sprintf("insert it below %s and above %s", o[lowest], o[highest])
	case lowest >= 0:
		return "insert it below " + o[lowest]
	case highest < len(o):
		return "insert it above " + o[highest]
	}
	return "insert it where it belongs"
}

// The names that say nothing about what a package is for.
var emptyNames = []string{"common", "util", "types"}

func checkNames(t tree) []finding {
	var findings []finding
	for _, s := range t.sources {
		name := strings.TrimSuffix(s.syntax.Name.Name, "_test")
		if slices.Contains(emptyNames, name) || slices.Contains(emptyNames, path.Base(s.dir())) {
			findings = append(findings, s.finding(s.syntax.Name.Pos(), "", "a package called %s says nothing: name it after what it offers", name))
		}
	}
	return findings
}

// lean is the package that every job links; the clients of heavy services would double a job's size.
const lean = "api/stream"

var heavy = []string{"k8s.io", "github.com/go-zookeeper"}

// checkLinked reports heavy packages that a job would link, each kind with one chain of imports that leads there.
func checkLinked(root string, t tree) ([]finding, error) {
	if !slices.ContainsFunc(t.sources, func(s source) bool { return s.dir() == lean && !s.test }) {
		return nil, nil
	}
	out, err := output(root, "go", "list", "-e", "-deps", "-json=ImportPath,Imports", "./"+lean)
	if err != nil {
		return nil, err
	}
	imports := map[string][]string{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		imports[p.ImportPath] = p.Imports
	}
	var findings []finding
	for _, prefix := range heavy {
		if chain := chainTo(imports, t.module+"/"+lean, prefix); chain != nil {
			findings = append(findings, finding{file: lean, text: "a job would link " + prefix + ": " + strings.Join(chain, " imports ")})
		}
	}
	return findings, nil
}

// chainTo returns the shortest chain of imports from a package to one at or below prefix, nil if there is none.
func chainTo(imports map[string][]string, from, prefix string) []string {
	chains := [][]string{{from}}
	seen := map[string]bool{from: true}
	for len(chains) > 0 {
		chain := chains[0]
		chains = chains[1:]
		last := chain[len(chain)-1]
		if within(last, prefix) {
			return chain
		}
		for _, next := range imports[last] {
			if !seen[next] {
				seen[next] = true
				chains = append(chains, append(slices.Clone(chain), next))
			}
		}
	}
	return nil
}
