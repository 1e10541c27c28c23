// Package gatehouse_test holds the shape of the program: which package may import which, and what the product is made
// of.
package gatehouse_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "gatehouse"

// A layer is a part of the program. It may import itself, the layers it names and, of other modules and the standard
// library, everything but what is forbidden to it.
type layer struct {
	name string
	// packages are the paths in the module; one that ends in /... covers what is below it, too. The first layer that
	// covers a package has it.
	packages []string
	// imports are the names of the layers further in.
	imports []string
	// forbidden are packages from outside, with all below them; only, when set, are all that it may import beside the
	// standard library.
	forbidden, only []string
}

var gqlgen = []string{"github.com/99designs/gqlgen", "github.com/vektah/gqlparser"}

// layers are the arrows, from the outside in: cmd -> {graph, rest, web} -> resolvers -> {internal/<noun>, store} ->
// core.
var layers = []layer{
	{
		// Helpers of tests, such as the conformance suite, and whole tests; see TestTheProductHoldsNoTestCode.
		name: "test support", packages: []string{"*test", "e2e"},
		imports: []string{"app", "graph", "rest", "web", "resolvers", "contract", "engines", "gateway", "redis", "config", "store", "internal", "core"},
	},
	{
		// The only place that knows every part, the storage engines among them.
		name: "cmd", packages: []string{"cmd/..."},
		imports: []string{"app", "graph", "rest", "web", "resolvers", "contract", "engines", "gateway", "redis", "config", "store", "internal", "core"},
	},
	{
		// Puts the parts together over a store that cmd chose the engine of.
		name: "app", packages: []string{"internal/app"},
		imports: []string{"graph", "rest", "web", "resolvers", "contract", "gateway", "redis", "config", "store", "internal", "core"},
	},
	{
		name: "graph", packages: []string{"graph"},
		imports: []string{"resolvers", "contract", "internal", "core"},
	},
	{
		// REST calls the interfaces that are generated from the GraphQL schema, so it can do nothing that GraphQL cannot.
		name: "rest", packages: []string{"rest/..."},
		imports: []string{"contract", "internal", "core"},
	},
	{
		name: "web", packages: []string{"web/..."},
		forbidden: gqlgen,
	},
	{
		name: "resolvers", packages: []string{"resolvers/..."},
		imports: []string{"contract", "gateway", "config", "store", "internal", "core"},
	},
	{
		// What gqlgen writes: the types of the schema and the interfaces that resolvers has to satisfy; and the scalars that
		// it lacks.
		name: "contract", packages: []string{"graph/generated", "graph/model", "graph/scalar"},
		imports: []string{"internal", "core"},
	},
	{
		name: "engines", packages: []string{"store/sql/...", "store/mongo/..."},
		imports:   []string{"store", "core"},
		forbidden: append([]string{"net/http"}, gqlgen...),
	},
	{
		name: "store", packages: []string{"store"},
		imports:   []string{"core"},
		forbidden: append([]string{"net/http", "database/sql"}, gqlgen...),
	},
	{
		// The domain: everything may import it, so it imports nothing that could change under it.
		name: "core",
		packages: []string{
			"internal/core", "internal/audit", "internal/confine", "internal/gateway/route", "internal/permission", "internal/portal", "internal/usergroup",
		},
		forbidden: []string{"net/http", "database/sql", "log", "os", "context"},
		only:      []string{"github.com/tidwall"},
	},
	{
		// Reads the schemas of GraphQL APIs, so it is the one noun that has a parser of them; the rest of gqlgen stays out.
		name: "sdl", packages: []string{"internal/sdl"},
		forbidden: append([]string{"net/http", "os", "context"}, gqlgen[0]),
	},
	{
		// The settings: who makes the parts hands them over, so that a noun needs no file to be tried.
		name: "config", packages: []string{"internal/config/..."},
		forbidden: gqlgen,
	},
	{
		// What Gatehouse is deployed with, and the program that lists what a program is made of.
		name: "deploy", packages: []string{"deploy/..."},
		imports: []string{"config"},
	},
	{
		// The gateways' Redis, also for what servers tell each other.
		name: "redis", packages: []string{"internal/gateway/redisdb"},
		imports:   []string{"config"},
		forbidden: gqlgen,
	},
	{
		// All that belongs to the gateways: what they are told, ask and keep. The faces reach it through resolvers alone.
		name: "gateway", packages: []string{"internal/gateway/..."},
		imports:   []string{"redis", "store", "internal", "sdl", "core"},
		forbidden: gqlgen,
	},
	{
		name: "internal", packages: []string{"internal/..."},
		imports:   []string{"redis", "store", "core"},
		forbidden: gqlgen,
	},
}

// testOnly are modules and packages that tests use and that the product must not carry.
var testOnly = []string{
	"testing", "net/http/httptest",
	"github.com/stretchr/testify", "go.uber.org/goleak", "github.com/rogpeppe/go-internal",
	"github.com/alicebob/miniredis", "github.com/FerretDB/FerretDB",
	module + "/store/storetest",
}

func TestArrowsPointInward(t *testing.T) {
	for _, pkg := range goList(t, "./...") {
		for _, imported := range pkg.Imports {
			if fault := outward(pkg.ImportPath, imported); fault != "" {
				t.Error(fault)
			}
		}
	}
}

func TestTheGeneratedPackagesHoldGeneratedCodeOnly(t *testing.T) {
	for _, pkg := range goList(t, "./graph/generated", "./graph/model") {
		for _, file := range pkg.GoFiles {
			source, err := os.ReadFile(filepath.Join(pkg.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(source, []byte("// Code generated ")) {
				t.Errorf(
					"%s/%s is written by hand: `make generate` owns this folder, put the file in graph or in internal/core",
					pkg.ImportPath,
					file,
				)
			}
		}
	}
}

// maxLines is how many lines a package may have, without those of its tests and of generated files: what a reader can
// hold in mind as one thing.
const maxLines = 4000

func TestAPackageIsWhatAReaderCanHoldInMind(t *testing.T) {
	for _, pkg := range goList(t, "./...") {
		lines := 0
		for _, file := range pkg.GoFiles {
			source, err := os.ReadFile(filepath.Join(pkg.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			lines += handWritten(source)
		}
		if lines > maxLines {
			t.Errorf(
				"%s has %d lines, %d more than a package may have: find the noun in it that is a package of its own",
				pkg.ImportPath,
				lines,
				lines-maxLines,
			)
		}
	}
}

func TestGeneratedFilesCountForNothing(t *testing.T) {
	for source, want := range map[string]int{
		"package a\n\nvar b int\n":                                         3,
		"// Code generated by a tool. DO NOT EDIT.\n\npackage a\n":         0,
		"package a\n\n// This file will be automatically regenerated.\n\n": 4, // resolvers, which are filled in by hand
	} {
		if got := handWritten([]byte(source)); got != want {
			t.Errorf("%q counts as %d lines, want %d", source, got, want)
		}
	}
}

// handWritten counts the lines of a file that somebody wrote.
func handWritten(source []byte) int {
	if bytes.HasPrefix(source, []byte("// Code generated ")) {
		return 0
	}
	return bytes.Count(source, []byte{'\n'})
}

func TestTheProductHoldsNoTestCode(t *testing.T) {
	for _, pkg := range goList(t, "-deps", "./cmd/gatehouse") {
		for _, unwanted := range testOnly {
			// Libraries do import parts of the standard library such as testing; that is theirs to decide.
			standard := !strings.Contains(unwanted, ".") && !within(unwanted, module)
			if within(pkg.ImportPath, unwanted) || standard && !within(pkg.ImportPath, module) {
				continue
			}
			if slices.ContainsFunc(pkg.Imports, func(i string) bool { return within(i, unwanted) }) {
				t.Errorf("the product holds %s, which is for tests only, because %s imports it: "+
					"move the code that needs it to a _test.go file or to a package named ...test", unwanted, pkg.ImportPath)
			}
		}
	}
}

func TestOutwardNamesTheArrow(t *testing.T) {
	for name, c := range map[string]struct{ from, to, want string }{
		"cmd may import everything":                   {"gatehouse/cmd/gatehouse", "gatehouse/store/sql", ""},
		"rest reaches the generated interfaces":       {"gatehouse/rest", "gatehouse/graph/generated", ""},
		"rest may not reach around them to resolvers": {"gatehouse/rest", "gatehouse/resolvers", "gatehouse/rest (rest) -> gatehouse/resolvers (resolvers)"},
		"rest may not read the store":                 {"gatehouse/rest", "gatehouse/store", "gatehouse/rest (rest) -> gatehouse/store (store)"},
		"resolvers do not choose an engine":           {"gatehouse/resolvers", "gatehouse/store/mongo", "gatehouse/resolvers (resolvers) -> gatehouse/store/mongo (engines)"},
		"an engine implements the store":              {"gatehouse/store/sql", "gatehouse/store", ""},
		"the store does not know its engines":         {"gatehouse/store", "gatehouse/store/sql", "gatehouse/store (store) -> gatehouse/store/sql (engines)"},
		"an engine knows no HTTP":                     {"gatehouse/store/mongo", "net/http", "gatehouse/store/mongo (engines) -> net/http"},
		"a noun may import another":                   {"gatehouse/internal/httpserver", "gatehouse/internal/secret", ""},
		"a noun knows nothing of the gateways": {
			"gatehouse/internal/httpserver",
			"gatehouse/internal/gateway/nodes",
			"gatehouse/internal/httpserver (internal) -> gatehouse/internal/gateway/nodes (gateway)",
		},
		"a face reaches the gateways through resolvers": {
			"gatehouse/rest",
			"gatehouse/internal/gateway/keyspace",
			"gatehouse/rest (rest) -> gatehouse/internal/gateway/keyspace (gateway)",
		},
		"a noun knows no GraphQL":                       {"gatehouse/internal/authz", "github.com/99designs/gqlgen/graphql", "gatehouse/internal/authz (internal) -> github.com/99designs/gqlgen/graphql"},
		"the reader of schemas has a parser of them":    {"gatehouse/internal/sdl", "github.com/vektah/gqlparser/v2/parser", ""},
		"core uses the JSON helpers":                    {"gatehouse/internal/core", "github.com/tidwall/gjson", ""},
		"core uses no other library":                    {"gatehouse/internal/core", "github.com/google/uuid", "gatehouse/internal/core (core) -> github.com/google/uuid"},
		"core imports no other part of the program":     {"gatehouse/internal/core", "gatehouse/internal/secret", "gatehouse/internal/core (core) -> gatehouse/internal/secret (internal)"},
		"core does no I/O":                              {"gatehouse/internal/core", "os", "gatehouse/internal/core (core) -> os"},
		"the conformance suite may not be a dependency": {"gatehouse/store/sql", "gatehouse/store/storetest", "gatehouse/store/sql (engines) -> gatehouse/store/storetest (test support)"},
		"a new folder has to be given a layer":          {"gatehouse/portal", "fmt", "gatehouse/portal belongs to no layer"},
	} {
		t.Run(name, func(t *testing.T) {
			got := outward(c.from, c.to)
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("outward(%s, %s) = %q, want one about %q", c.from, c.to, got, c.want)
			}
		})
	}
}

// outward says what is wrong with one package importing another; "" when nothing is.
func outward(from, to string) string {
	inner, ok := layerOf(from)
	if !ok {
		return from + " belongs to no layer: say in arrows_test.go which packages it may import"
	}
	if !within(to, module) {
		standard := !strings.Contains(strings.SplitN(to, "/", 2)[0], ".")
		forbidden := slices.ContainsFunc(inner.forbidden, func(f string) bool { return within(to, f) })
		outside := !standard && inner.only != nil &&
			!slices.ContainsFunc(inner.only, func(o string) bool { return within(to, o) })
		if forbidden || outside {
			return fmt.Sprintf(
				"%s (%s) -> %s: this layer keeps that library out; move the code that needs it outward",
				from,
				inner.name,
				to,
			)
		}
		return ""
	}
	outer, ok := layerOf(to)
	if ok && (outer.name == inner.name || slices.Contains(inner.imports, outer.name)) {
		return ""
	}
	return fmt.Sprintf("%s (%s) -> %s (%s) points outward: from %s one may import %s", from, inner.name, to, outer.name,
		inner.name, strings.Join(append([]string{inner.name}, inner.imports...), ", "))
}

func layerOf(pkg string) (layer, bool) {
	pkg = strings.TrimPrefix(pkg, module+"/")
	for _, l := range layers {
		if slices.ContainsFunc(l.packages, func(pattern string) bool { return covers(pattern, pkg) }) {
			return l, true
		}
	}
	return layer{}, false
}

// covers tells whether a pattern of layer.packages covers a package: *test is one whose last element ends in test.
func covers(pattern, pkg string) bool {
	if tree, ok := strings.CutSuffix(pattern, "/..."); ok {
		pattern = tree
		if strings.HasPrefix(pkg, tree+"/") {
			return true
		}
	}
	if suffix, ok := strings.CutPrefix(pattern, "*"); ok {
		return strings.HasSuffix(path.Base(pkg), suffix)
	}
	return pkg == pattern
}

// within tells whether a package is root or below it.
func within(pkg, root string) bool {
	return pkg == root || strings.HasPrefix(pkg, root+"/")
}

type listed struct {
	ImportPath, Dir string
	Imports         []string
	GoFiles         []string
}

// goList reads packages as they are built, that is without their tests.
func goList(t *testing.T, args ...string) []listed {
	t.Helper()
	cmd := exec.CommandContext(
		t.Context(),
		"go",
		append([]string{"list", "-json=ImportPath,Dir,Imports,GoFiles"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, stderr.Bytes())
	}
	var pkgs []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var pkg listed
		if err := dec.Decode(&pkg); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, pkg)
	}
}
