package graph

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/core"

	"gatehouse/graph/generated"
	"gatehouse/internal/authz"
)

// testGate is the way in without the fields behind it; only the schema itself can be asked for.
func testGate(limits Limits) *gate {
	schema := generated.NewExecutableSchema(generated.Config{})
	exec := executor.New(schema)
	exec.SetQueryCache(prepared{})
	exec.Use(extension.Introspection{})
	exec.Use(costLimit{costs: newCosts(schema.Schema()), limit: limits.Complexity})
	return &gate{Executor: exec, schema: schema.Schema(), limits: limits, documents: newDocuments()}
}

func defaultLimits() Limits { return Limits{Depth: 12, Complexity: 50_000, Aliases: 50} }

// caller is a context of somebody with credentials, stranger one of somebody without.
func caller(t testing.TB) context.Context   { return authz.With(stranger(t), authz.Actor{Admin: true}) }
func stranger(t testing.TB) context.Context { return graphql.StartOperationTrace(t.Context()) }

// each repeats a text with its number, and the one behind it, in it.
func each(n int, format string) string {
	var out strings.Builder
	for i := range n {
		out.WriteString(strings.NewReplacer("%d", fmt.Sprint(i), "%n", fmt.Sprint(i+1)).Replace(format))
	}
	return out.String()
}

// mesh are fragments of which each spreads all that come behind it.
func mesh(n int) string {
	var out strings.Builder
	out.WriteString("{me{" + each(n, "...F%d ") + "}} ")
	for i := range n {
		fmt.Fprintf(&out, "fragment F%d on User{id ", i)
		for j := i + 1; j < n; j++ {
			fmt.Fprintf(&out, "...F%d ", j)
		}
		out.WriteString("} ")
	}
	return out.String()
}

const aboutTypes = `__schema{types{name description fields{name description args{name description type{name ofType{name ofType{name}}}}}inputFields{name description}}} `

// hostile are queries that are cheap to send and dear to answer, for a server that does not look at them first.
func hostile() map[string]string {
	return map[string]string{
		"fragments that spread the next one twice": "{apis(first:1){nodes{...F0}}} " + each(
			30,
			"fragment F%d on Api{...F%n ...F%n} ",
		) + "fragment F30 on Api{id}",
		"the same field 20,000 times":           "{me{" + strings.Repeat("id ", 19_990) + "}}",
		"the same field 1,400 times":            "{me{" + strings.Repeat("id ", 1400) + "}}",
		"fragments that spread all behind them": mesh(400),
		"fewer of them":                         mesh(60),
		"a chain of fragments, unknown fields": "{me{...F0}} " + each(
			150,
			"fragment F%d on User{...F%n "+strings.Repeat("nothing ", 20)+"} ",
		) + "fragment F150 on User{id}",
		"fields twice at each level": "{" + strings.Repeat(
			"me{organisation{x:id}",
			1,
		) + nested(
			11,
			"a{",
			"a{",
			"x",
			"}",
		) + "}}",
		"fifty answers about the schema": "{" + each(50, "a%d:"+aboutTypes) + "}",
		"types of types under other names": "{__schema{" + each(
			40,
			"a%d:types{fields{name type{fields{name}}}} ",
		) + "}}",
		"two answers about the schema":   "{" + each(2, "a%d:"+aboutTypes) + "}",
		"types of types":                 "{__schema{types{fields{name type{fields{name type{name}}}}}}}",
		"types of types of wrapped ones": "{__schema{types{fields{type{ofType{fields{type{ofType{name}}}}}}}}}",
		"types in fragments":             "{__schema{types{...A ...A}}} fragment A on __Type{fields{...B ...B b:type{...A2}}} fragment B on __Field{type{...A2} a:type{...A2}} fragment A2 on __Type{name fields{name a:name args{name type{ofType{ofType{name}}}}}}",
		"directives without end":         "{__typename " + strings.Repeat("@skip(if:false) ", 3000) + "}",
		"variables without end":          "query(" + each(3000, "$v%d:Int ") + "){__typename}",
		"operations without end":         each(4000, "query Q%d{__typename} "),
		"unknown types for Levenshtein":  each(4000, "fragment F%d on Nothing%d{a} ") + "{__typename}",
		"a long unknown name":            "{" + strings.Repeat("x", 60_000) + "}",
		"a long text for an enumeration": `{apis(sort:"` + strings.Repeat("NAME", 15_000) + `"){nodes{id}}}`,
		"values within values": `{apis(first:` + strings.Repeat(
			"[",
			900,
		) + strings.Repeat(
			"]",
			900,
		) + `){nodes{id}}}`,
		"comments without end":                      strings.Repeat("#\n", 30_000) + "{__typename}",
		"a fragment that spreads itself":            "{__schema{...F}} fragment F on __Schema{types{name} ...F ...G} fragment G on __Schema{...F}",
		"braces that never close":                   strings.Repeat("{a", 30_000),
		"introspection within itself":               "{" + strings.Repeat("__schema{", 300) + "x" + strings.Repeat("}", 301),
		"a mutation with the same field many times": "mutation{" + each(1400, "a%d:reload ") + "}",
	}
}

// nested nests two selections in one another.
func nested(n int, left, right, leaf, end string) string {
	if n == 0 {
		return leaf + " "
	}
	inner := nested(n-1, left, right, leaf, end)
	return left + inner + end + right + inner + end
}

// judge runs what comes before the fields of an operation, and the fields themselves when they are about the schema.
func judge(ctx context.Context, g *gate, query string) (*graphql.OperationContext, error) {
	oc, errs := g.CreateOperationContext(ctx, &graphql.RawParams{Query: query})
	if errs != nil {
		return oc, errs
	}
	if !onlyForStrangers(oc.Doc, oc.Operation, nil) {
		return oc, nil
	}
	responses, ctx := g.DispatchOperation(ctx, oc)
	if response := responses(ctx); len(response.Errors) > 0 {
		return oc, response.Errors
	}
	return oc, nil
}

func TestAHostileQueryCostsLittleWhoeverSendsIt(t *testing.T) {
	g := testGate(defaultLimits())
	for name, query := range hostile() {
		t.Run(name, func(t *testing.T) {
			for who, c := range map[string]struct {
				ctx   context.Context
				limit time.Duration
			}{"a stranger": {stranger(t), time.Second}, "a caller": {caller(t), 5 * time.Second}} {
				start := time.Now()
				_, err := judge(c.ctx, g, query)
				// Wide limits: what each really takes is in the benchmark, and other tests run beside this one.
				assert.Less(t, time.Since(start), c.limit, who)
				if err != nil {
					assert.Less(t, len(err.Error()), 20_000, who)
				}
			}
		})
	}
}

// BenchmarkHostile measures the CPU that each hostile query costs. Nothing that a stranger sends may take 50 ms.
func BenchmarkHostile(b *testing.B) {
	g := testGate(defaultLimits())
	queries := hostile()
	for name, query := range introspectionQueries() {
		queries["the schema, as asked by "+name] = query
	}
	for _, who := range []string{"stranger", "caller"} {
		for name, query := range queries {
			b.Run(who+"/"+name, func(b *testing.B) {
				ctx := stranger(b)
				if who == "caller" {
					ctx = caller(b)
				}
				b.ReportAllocs()
				before := cpu(b)
				for b.Loop() {
					_, _ = judge(ctx, g, query)
				}
				b.ReportMetric(float64((cpu(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
			})
		}
	}
}

// cpu is the time that this process has computed, which other programs of the machine do not lengthen.
func cpu(t testing.TB) time.Duration {
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestWhatToolsAskOfTheSchemaIsAnsweredToStrangersToo(t *testing.T) {
	for name, query := range introspectionQueries() {
		for who, ctx := range map[string]context.Context{"a stranger": stranger(t), "a caller": caller(t)} {
			_, err := judge(ctx, testGate(defaultLimits()), query)
			assert.NoError(t, err, "%s, %s", name, who)
		}
	}
}

// introspectionQueries are those that GraphiQL, Apollo and code generators send.
func introspectionQueries() map[string]string {
	deep := func(n int) string {
		return "kind name " + strings.Repeat("ofType{kind name ", n) + strings.Repeat("}", n)
	}
	full := func(levels int) string {
		return `query IntrospectionQuery{__schema{description queryType{name kind} mutationType{name kind} subscriptionType{name kind} types{...FullType}
			directives{name description isRepeatable locations args(includeDeprecated:true){...InputValue}}}}
			fragment FullType on __Type{kind name description specifiedByURL isOneOf fields(includeDeprecated:true){name description args(includeDeprecated:true){...InputValue} type{...TypeRef} isDeprecated deprecationReason}
			inputFields(includeDeprecated:true){...InputValue} interfaces{...TypeRef} enumValues(includeDeprecated:true){name description isDeprecated deprecationReason} possibleTypes{...TypeRef}}
			fragment InputValue on __InputValue{name description type{...TypeRef} defaultValue isDeprecated deprecationReason}
			fragment TypeRef on __Type{` + deep(
			levels,
		) + `}`
	}
	return map[string]string{
		"GraphiQL": full(9), "an older one": full(7), "an old one": full(3),
		"a look at one type": `{__type(name:"Query"){name fields{name args{name type{name kind ofType{name kind}}} type{name kind}}}}`,
		"a health check":     `{__typename}`,
	}
}

func TestWhatTheSchemaAnswersIsWithinItsEstimate(t *testing.T) {
	g := testGate(Limits{})
	queries := introspectionQueries()
	queries["types"] = "{" + aboutTypes + "}"
	for name, query := range queries {
		var fields atomic.Int64 // of a list, in several goroutines
		counting := testGate(Limits{})
		counting.AroundFields(func(ctx context.Context, next graphql.Resolver) (any, error) {
			fields.Add(1)
			return next(ctx)
		})
		oc, err := judge(stranger(t), counting, query)
		require.NoError(t, err, name)
		answered := int(fields.Load())
		estimate := newCosts(g.schema).of(oc.Operation, oc.Variables).introspection
		t.Logf("%s: %d fields, estimated %d", name, answered, estimate)
		assert.LessOrEqual(t, answered, estimate+1, "%s: __typename may count as data", name)
	}
}

func TestEveryListOfTheSchemaCountsForMoreThanOne(t *testing.T) {
	schema := generated.NewExecutableSchema(generated.Config{}).Schema()
	c := newCosts(schema)
	lists := 0
	for _, def := range schema.Types {
		for _, f := range def.Fields {
			if def.Kind == ast.InputObject || f.Type.Elem == nil || f.Arguments.ForName(pageSize) != nil {
				continue
			}
			lists++
			if c.pages[def.Name] {
				continue // counted by the field that returns the page: the loop below
			}
			if f.Name != "interfaces" && f.Name != "possibleTypes" { // our schema has neither
				assert.Greater(t, c.lengthOf(def, f), 1, "%s.%s is a list: say how long it can be", def.Name, f.Name)
			}
		}
		for _, f := range def.Fields {
			if c.pages[f.Type.Name()] && f.Arguments.ForName(pageSize) == nil {
				assert.Equal(t, unpagedObjects, c.lengthOf(def, f), "%s.%s returns a page that nobody can size", def.Name, f.Name)
			}
		}
	}
	assert.Greater(t, lists, 30)
	for _, paged := range []string{"apis", "policies", "keys", "users", "organisations", "webhooks", "certificates", "oauthClients"} {
		f := schema.Query.Fields.ForName(paged)
		require.NotNil(t, f, paged)
		assert.True(t, c.pages[f.Type.Name()], "%s is counted by its page size", paged)
	}
}

func TestThePageSizeCountsWhereverItComesFrom(t *testing.T) {
	for name, tt := range map[string]struct {
		query     string
		variables map[string]any
		code      string
	}{
		"a value":                    {`{ apis(first: 500) { nodes { keys(first: 500) { nodes { id } } } } }`, nil, "LIMIT"},
		"a variable":                 {`query($n: Int) { apis(first: $n) { nodes { keys(first: $n) { nodes { id } } } } }`, map[string]any{"n": 500}, "LIMIT"},
		"a variable's default":       {`query($n: Int = 500) { apis(first: $n) { nodes { keys(first: $n) { nodes { id } } } } }`, nil, "LIMIT"},
		"a number beyond reason":     {`{ apis(first: 9000000000000000000) { nodes { id } } }`, nil, "LIMIT"},
		"certificates":               {`{ certificates(first: 500) { nodes { organisation { keys(first: 100) { nodes { id } } } } } }`, nil, "LIMIT"},
		"small pages":                {`{ apis(first: 5) { nodes { keys(first: 5) { nodes { id } } } } }`, nil, ""},
		"pages in fragments":         {`{ apis(first: 500) { nodes { ...a ...a } } } fragment a on Api { keys(first: 500) { nodes { id } } }`, nil, "LIMIT"},
		"relations without a page":   {`{ apis(first: 500) { nodes { warnings authTypes categories tags userOwners userGroupOwners a: warnings b: warnings c: warnings d: warnings e: warnings } } }`, nil, "LIMIT"},
		"nobody can overflow it":     {`{ apis(first: 2000000000) { nodes { keys(first: 2000000000) { nodes { organisation { keys(first: 2000000000) { nodes { id } } } } } } } }`, nil, "LIMIT"},
		"negative ones count as one": {`{ apis(first: -5) { nodes { id } } }`, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := testGate(defaultLimits())
			_, errs := g.CreateOperationContext(caller(t), &graphql.RawParams{Query: tt.query, Variables: tt.variables})
			if tt.code == "" {
				if len(errs) > 0 {
					assert.Equal(t, "GRAPHQL_VALIDATION_FAILED", errs[0].Extensions["code"], "%v", errs)
				}
				return
			}
			require.NotEmpty(t, errs)
			assert.Equal(t, tt.code, errs[0].Extensions["code"], "%v", errs)
			assert.Contains(t, errs[0].Message, "smaller pages")
		})
	}
}

func TestTheDocumentsThatAreKeptAreBoundedByBytes(t *testing.T) {
	g := testGate(Limits{})
	for i := range 300 {
		_, errs := g.CreateOperationContext(
			caller(t),
			&graphql.RawParams{Query: fmt.Sprintf("{__typename} #%d%s", i, strings.Repeat("x", 3000))},
		)
		require.Empty(t, errs)
	}
	assert.NotEmpty(t, g.documents.found)
	for i := range 3000 {
		g.documents.add(&document{text: fmt.Sprint(i), shape: shape{nodes: 100}})
	}
	assert.LessOrEqual(t, g.documents.bytes, cachedBytes)
	assert.Len(t, g.documents.found, g.documents.order.Len())
	sum := 0
	for _, e := range g.documents.found {
		sum += e.Value.(*document).size()
	}
	assert.Equal(t, g.documents.bytes, sum)

	long := "{__typename} #" + strings.Repeat("x", 10<<20)
	_, errs := g.CreateOperationContext(caller(t), &graphql.RawParams{Query: long})
	require.Empty(t, errs)
	assert.Nil(t, g.documents.get(long), "a long text is not kept")
}

func TestADocumentThatACallerMayAskForIsNotTheStrangersByTheCache(t *testing.T) {
	g := testGate(Limits{})
	query := "{" + each(20, "a%d:__typename ") + "}"
	_, errs := g.CreateOperationContext(caller(t), &graphql.RawParams{Query: query})
	require.Empty(t, errs)
	_, errs = g.CreateOperationContext(stranger(t), &graphql.RawParams{Query: query})
	require.NotEmpty(t, errs, "strangers have narrower bounds")
	assert.Equal(t, "LIMIT", errs[0].Extensions["code"])
}

func TestAQueryThatIsLongAndRepeatsNothingIsNoHostileOne(t *testing.T) {
	g := testGate(Limits{})
	long := nested(8, "apis(first:1){nodes{organisation{", "policies(first:1){nodes{organisation{", "id name slug", "}}}")
	_, errs := g.CreateOperationContext(
		caller(t),
		&graphql.RawParams{Query: "{" + strings.ReplaceAll(long, "organisation{apis", "organisation{id name apis") + "}"},
	)
	assert.Empty(t, errs)
}

func TestFaultsOfAQueryAreToldUpToANumber(t *testing.T) {
	g := testGate(Limits{})
	_, errs := g.CreateOperationContext(caller(t), &graphql.RawParams{Query: "{" + each(100, "nothing%d ") + "}"})
	assert.Len(t, errs, maxErrors+1)
	assert.Contains(t, errs[maxErrors].Message, "more wrong")
}

// visits counts the nodes that a walk of validation comes to.
func visits(schema *ast.Schema, doc *ast.QueryDocument) (n int) {
	observers := &core.Events{}
	observers.OnField(func(*core.Walker, *ast.Field) { n++ })
	observers.OnInlineFragment(func(*core.Walker, *ast.InlineFragment) { n++ })
	observers.OnFragmentSpread(func(*core.Walker, *ast.FragmentSpread) { n++ })
	observers.OnDirective(func(*core.Walker, *ast.Directive) { n++ })
	observers.OnValue(func(*core.Walker, *ast.Value) { n++ })
	validator.Walk(schema, doc, observers)
	return n
}

// FuzzHostile hunts for a query that costs more than its measure says: validation comes to no more nodes than
// estimated, an answer about the schema is short, everything ends soon, and the same query is judged the same.
func FuzzHostile(f *testing.F) {
	for _, query := range hostile() {
		f.Add(query)
	}
	for _, query := range introspectionQueries() {
		f.Add(query)
	}
	for _, query := range []string{
		`{ apis { nodes { organisation { apis { nodes { id } } } } } }`, `{ a: version b: version c: version }`,
		`query($n: Int) { apis(first: $n) { nodes { ...f } } } fragment f on Api { id ...g } fragment g on Api { name: slug }`,
		`mutation { reload }`, `subscription { changes { id } }`, `mutation($x: JSON!) { createApi(input: {document: $x}) { id } }`,
	} {
		f.Add(query)
	}
	g := testGate(defaultLimits())
	f.Fuzz(func(t *testing.T, query string) {
		if len(query) > 64<<10 {
			return
		}
		for who, ctx := range map[string]context.Context{"a stranger": stranger(t), "a caller": caller(t)} {
			known := authz.From(ctx).Known()
			start := time.Now()
			oc, err := judge(ctx, g, query)
			took := time.Since(start)
			require.Less(t, took, 5*time.Second, who) // fuzzing shares the machine
			_, again := judge(ctx, g, query)
			require.Equal(t, err == nil, again == nil, who)
			if err != nil || oc.Operation == nil {
				continue
			}
			b := boundsOfCallers()
			if !known {
				b = boundsOfStrangers()
			}
			doc, failed := parse(query, known)
			require.Nil(t, failed)
			steps := doc.shape.steps(doc.ast)
			require.LessOrEqual(t, steps, b.steps)
			require.LessOrEqual(t, visits(g.schema, doc.ast), steps, who)
		}
	})
}
