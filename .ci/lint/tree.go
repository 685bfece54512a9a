package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/packages"
)

// source is one Go file of the module.
type source struct {
	file   string // relative to the root
	test   bool
	syntax *ast.File
	info   *types.Info
	fset   *token.FileSet
}

func (s source) finding(at token.Pos, what, format string, args ...any) finding {
	return finding{s.file, s.fset.Position(at).Line, what, fmt.Sprintf(format, args...)}
}

// dir returns the folder of the file, which is also its package's path within the module.
func (s source) dir() string { return path.Dir(s.file) }

// imports returns the imported paths with their specifications.
func (s source) imports(yield func(string, *ast.ImportSpec) bool) {
	for _, spec := range s.syntax.Imports {
		if imported, err := strconv.Unquote(spec.Path.Value); err == nil && !yield(imported, spec) {
			return
		}
	}
}

// tree is all Go code of the module: not nested modules, testdata, or folders that the go tool ignores (but the lint itself is in).
type tree struct {
	module  string
	sources []source  // in the order of their names
	broken  []finding // what does not compile
}

func load(root string, files []string) (tree, error) {
	module, err := output(root, "go", "list", "-m", "-f", "{{.Path}}")
	if err != nil {
		return tree{}, err
	}
	t := tree{module: strings.TrimSpace(string(module))}
	wanted := moduleFiles(files)
	if len(wanted) == 0 {
		return t, nil
	}
	patterns := []string{"./..."}
	if slices.ContainsFunc(wanted, func(file string) bool { return strings.HasPrefix(file, dataDir) }) {
		patterns = append(patterns, "./"+strings.TrimSuffix(dataDir, "/"))
	}
	loaded, err := packages.Load(&packages.Config{
		Dir:   root,
		Tests: true,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports |
			packages.NeedTypes | packages.NeedTypesSizes | packages.NeedTypesInfo | packages.NeedSyntax,
	}, patterns...)
	if err != nil {
		return tree{}, err
	}

	seen := map[string]bool{}
	for _, p := range loaded {
		for _, err := range p.Errors {
			if strings.HasPrefix(err.Msg, "# ") && len(p.Errors) > 1 {
				continue // the compiler's output as a whole, which the other errors tell one by one
			}
			broken := finding{text: strings.ReplaceAll(err.Error(), root+string(filepath.Separator), "")}
			if !slices.Contains(t.broken, broken) { // a package and its test variant have the same errors
				t.broken = append(t.broken, broken)
			}
		}
		for _, syntax := range p.Syntax {
			file, err := filepath.Rel(root, p.Fset.File(syntax.FileStart).Name())
			file = filepath.ToSlash(file)
			if err != nil || seen[file] || !slices.Contains(wanted, file) {
				continue // a test variant's second view of it, or generated outside of the tree
			}
			seen[file] = true
			t.sources = append(t.sources, newSource(file, syntax, p.TypesInfo, p.Fset))
		}
	}
	if err := t.loadHidden(root, slices.DeleteFunc(wanted, func(file string) bool { return seen[file] })); err != nil {
		return tree{}, err
	}
	slices.SortFunc(t.sources, func(a, b source) int { return strings.Compare(a.file, b.file) })
	return t, nil
}

func newSource(file string, syntax *ast.File, info *types.Info, fset *token.FileSet) source {
	return source{file, strings.HasSuffix(file, "_test.go"), syntax, info, fset}
}

// loadHidden adds the files that are not part of a build on this system without tags. They are type-checked one at a time against the
// standard library alone, ignoring errors: that finds uses of its functions.
func (t *tree) loadHidden(root string, files []string) error {
	if len(files) == 0 {
		return nil
	}
	fset := token.NewFileSet()
	config := types.Config{
		Importer: importOnly{module: t.module, importer: importer.ForCompiler(fset, "source", nil)},
		Error:    func(error) {},
	}
	for _, file := range files {
		syntax, err := parser.ParseFile(fset, filepath.Join(root, file), nil, parser.SkipObjectResolution)
		if err != nil {
			t.broken = append(t.broken, finding{text: strings.ReplaceAll(err.Error(), root+string(filepath.Separator), "")})
			continue
		}
		info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
		config.Check(syntax.Name.Name, fset, []*ast.File{syntax}, info) // errors are expected: see above
		t.sources = append(t.sources, newSource(file, syntax, info, fset))
	}
	return nil
}

// importOnly imports packages of the standard library, which alone have no dot in the first element of their paths.
type importOnly struct {
	module   string
	importer types.Importer
}

func (i importOnly) Import(imported string) (*types.Package, error) {
	first, _, _ := strings.Cut(imported, "/")
	if strings.Contains(first, ".") || within(imported, i.module) || imported == "C" {
		return nil, errors.New("not of the standard library")
	}
	return i.importer.Import(imported)
}

// moduleFiles returns the Go files that belong to the root's module.
func moduleFiles(files []string) []string {
	var nested []string
	for _, file := range files {
		if dir := path.Dir(file); path.Base(file) == "go.mod" && dir != "." {
			nested = append(nested, dir)
		}
	}
	ignored := func(file string) bool {
		elements := strings.Split(strings.TrimPrefix(file, dataDir), "/")
		return slices.ContainsFunc(elements, func(element string) bool {
			return element == "testdata" || element == "vendor" || strings.HasPrefix(element, ".") || strings.HasPrefix(element, "_")
		}) || slices.ContainsFunc(nested, func(dir string) bool { return within(file, dir) })
	}
	var out []string
	for _, file := range files {
		if strings.HasSuffix(file, ".go") && !ignored(file) {
			out = append(out, file)
		}
	}
	return out
}

// within reports whether the slash-separated path is dir or lies below it.
func within(file, dir string) bool {
	return file == dir || strings.HasPrefix(file, dir+"/")
}
