package uwsgi

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The functions of uWSGI's Go plugins, as programs may store and call them. Where the older
// plugin gave nothing (Signal, Lock, Unlock) there is a bool, which may be left alone.
var (
	_ func()                                            = Run
	_ func(string, string) string                       = CacheGet
	_ func(uint8, string, func(uint8)) bool             = RegisterSignal
	_ func(func())                                      = PostInit
	_ func(func())                                      = PostFork
	_ func(int) bool                                    = Signal
	_ func(int) bool                                    = SignalRegistered
	_ func(int, int) bool                               = AddTimer
	_ func(int, int) bool                               = AddRbTimer
	_ func(int) bool                                    = Lock
	_ func(int) bool                                    = Unlock
	_ func(string, string)                              = Alarm
	_ func(string, []byte, uint64, string) bool         = CacheSet
	_ func(string, []byte, uint64, string) bool         = CacheUpdate
	_ func(string, []byte, uint64, uint64, string) bool = CacheSetFlags
	_ func(string, string) bool                         = CacheDel
	_ func(string, string) bool                         = CacheExists
	_ func() int                                        = WorkerId
	_ func() int                                        = MuleId
	_ func() int64                                      = LogSize
	_ func(func(http.ResponseWriter, *http.Request))    = RequestHandler
	_ func(http.Handler)                                = Handler
)

// parse gives the syntax trees of the files that a pattern finds, without tests.
func parse(t *testing.T, pattern string) []*ast.File {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("%s: %v, %d files", pattern, err, len(paths))
	}
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// receiver names the type whose method a function is, or is empty.
func receiver(function *ast.FuncDecl) string {
	if function.Recv == nil {
		return ""
	}
	kind := function.Recv.List[0].Type
	if pointer, ok := kind.(*ast.StarExpr); ok {
		kind = pointer.X
	}
	return kind.(*ast.Ident).Name
}

// offered gives the functions that the package offers, and the methods of its types.
func offered(t *testing.T) []*ast.FuncDecl {
	t.Helper()
	var functions []*ast.FuncDecl
	for _, file := range parse(t, "*.go") {
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok || !function.Name.IsExported() {
				continue
			}
			if of := receiver(function); of == "" || ast.IsExported(of) {
				functions = append(functions, function)
			}
		}
	}
	return functions
}

func TestEveryFunctionIsDescribed(t *testing.T) {
	for _, function := range offered(t) {
		name, doc := function.Name.Name, function.Doc.Text()
		if !strings.HasPrefix(doc, name+" ") {
			t.Errorf("the comment of %s begins with %.40q", name, doc)
		}
	}
}

// used gives the names that stand behind a dot in the examples.
func used(t *testing.T) map[string]bool {
	t.Helper()
	names := make(map[string]bool)
	for _, file := range parse(t, "../../examples/*/*.go") {
		ast.Inspect(file, func(node ast.Node) bool {
			if selector, ok := node.(*ast.SelectorExpr); ok {
				names[selector.Sel.Name] = true
			}
			return true
		})
	}
	return names
}

func TestEveryFunctionIsInAnExample(t *testing.T) {
	if _, err := os.Stat("../../examples"); err != nil {
		t.Skip("skipped: the examples are not where the package is")
	}
	names := used(t)
	for _, function := range offered(t) {
		if name := function.Name.Name; name != "String" && !names[name] { // which fmt calls
			t.Errorf("no example uses %s", name)
		}
	}
}
