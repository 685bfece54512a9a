package main

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"
)

// The functions that read the clock or wait on it, by types.Func.FullName. runtime/clock stands in for them.
var clockFuncs = []string{
	"time.Now", "time.Since", "time.Until", "time.Sleep", "time.After", "time.AfterFunc", "time.NewTimer", "time.NewTicker", "time.Tick",
}

// The functions that start a goroutine without a go statement.
var goFuncs = []string{
	"(*sync.WaitGroup).Go", "(*golang.org/x/sync/errgroup.Group).Go", "(*golang.org/x/sync/errgroup.Group).TryGo",
}

// The packages whose results differ from run to run, or invite it.
var randomPackages = []string{"math/rand", "math/rand/v2", "crypto/rand"}

// measuring is the folder whose programs time the runtime from outside and so may use the clock, random numbers and goroutines.
const measuring = "benchmarks/"

// checkCalls reports what would make a run depend on more than its inputs: the clock, random numbers, goroutines.
// A test may use all but time.Sleep.
func checkCalls(t tree) []finding {
	var findings []finding
	for _, s := range t.sources {
		switch {
		case strings.HasPrefix(s.file, measuring) && !s.test:
		case s.test:
			findings = append(findings, funcUses(s, func(name string) bool { return name == "time.Sleep" })...)
		default:
			findings = append(findings, funcUses(s, func(string) bool { return true })...)
			findings = append(findings, randomImports(s)...)
			findings = append(findings, goStatements(s)...)
		}
	}
	return findings
}

// funcUses finds every mention of a banned function, called or not, under whatever name it was imported.
func funcUses(s source, wanted func(name string) bool) []finding {
	var findings []finding
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		ident, ok := n.(*ast.Ident)
		if !ok {
			return true
		}
		function, ok := s.info.Uses[ident].(*types.Func)
		if !ok {
			return true
		}
		name := function.FullName()
		switch {
		case !wanted(name):
		case slices.Contains(clockFuncs, name) && s.test:
			findings = append(findings, s.finding(ident.Pos(), name, "%s in a test: wait for the condition itself", name))
		case slices.Contains(clockFuncs, name):
			findings = append(findings, s.finding(ident.Pos(), name, "%s: take the time from runtime/clock", name))
		case slices.Contains(goFuncs, name):
			findings = append(findings, s.finding(ident.Pos(), "go", "%s starts a goroutine: this file is not among those that may (%sallow.txt)", name, dataDir))
		}
		return true
	})
	return findings
}

func randomImports(s source) []finding {
	var findings []finding
	for imported, spec := range s.imports {
		if slices.Contains(randomPackages, imported) {
			findings = append(findings, s.finding(spec.Pos(), imported, "%s: random numbers come from the caller, so that a run can be repeated", imported))
		}
	}
	return findings
}

func goStatements(s source) []finding {
	var findings []finding
	ast.Inspect(s.syntax, func(n ast.Node) bool {
		if statement, ok := n.(*ast.GoStmt); ok {
			findings = append(findings, s.finding(statement.Pos(), "go", "go statement: this file is not among those that may have one (%sallow.txt)", dataDir))
		}
		return true
	})
	return findings
}
