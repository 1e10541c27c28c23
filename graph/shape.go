package graph

import (
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"gatehouse/internal/core"
)

// bounds say how large the text of a query may be, in what a look at the parsed text finds. They are there so that
// validating it and laying it out takes milliseconds, whoever wrote it; no query that anybody needs comes near them.
type bounds struct {
	// tokens is how many words and signs the text may have.
	tokens int
	// nodes is how many selections, arguments, directives, variables and values it may hold.
	nodes int
	// steps is how many comparisons validation may make, by estimate (see shape.steps).
	steps int
	// operations and fragments are how many it may define, variables how many one operation may.
	operations, fragments, variables int
	// fields is how many an operation may select once every fragment is in the place of its spreads.
	fields int
	// roots is how many of them may be at the root.
	roots int
	// directives is how many may stand at one place.
	directives int
	// introspection is how deep the fields below __schema and __type may nest.
	introspection int
}

// name is how long, in bytes, a name in a query may be: a wrong one is compared with all that there are.
const maxName = 200

// boundsOfCallers hold for whoever sent credentials that hold.
func boundsOfCallers() bounds {
	return bounds{
		tokens:        20_000,
		nodes:         20_000,
		steps:         300_000,
		operations:    50,
		fragments:     200,
		variables:     200,
		fields:        10_000,
		roots:         200,
		directives:    10,
		introspection: 30,
	}
}

// boundsOfStrangers hold for everybody else, who has nothing to ask for but the schema.
func boundsOfStrangers() bounds {
	return bounds{
		tokens:        2_000,
		nodes:         1_000,
		steps:         30_000,
		operations:    5,
		fragments:     20,
		variables:     20,
		fields:        1_000,
		roots:         5,
		directives:    2,
		introspection: 30,
	}
}

// shape is what the text of a query asks for, before the schema is looked at. It is found in one walk over the text,
// each fragment once, so that fragments that spread one another many times cost no more to measure than to write down.
type shape struct {
	operations map[*ast.OperationDefinition]extent
	// nodes is the number of selections, arguments, directives, variables and values in the text.
	nodes int
	// pairs estimates how many pairs of selections validation compares: those with the same name in the answer, and the
	// spreads. inlinePairs are those of inline fragments, which it compares again on each walk.
	pairs, inlinePairs int
	// uses is how many variables are looked up in the list of an operation's.
	uses      int
	variables int
	// directives is the most that stand at one place; literal and name are the bytes of the longest text and name.
	directives, literal, name int
}

// extent is what a selection holds once every fragment is in the place of its spreads. Each number stops at enough.
type extent struct {
	// depth is how deep fields nest, without those of introspection, and introspection how deep these do.
	depth, introspection int
	aliases, fields      int
	// roots are the fields of the selection itself.
	roots int
}

// enough is where counting stops: over every limit, and far from where a sum or a product could overflow.
const enough = 1 << 30

func add(a, b int) int { return min(a+b, enough) }

func times(a, b int) int {
	if a > 0 && b > enough/a {
		return enough
	}
	return a * b
}

// measure finds the shape of a parsed document, which need not be valid: fragments may be missing, or spread
// themselves.
func measure(doc *ast.QueryDocument) shape {
	m := measurer{
		shape:       shape{operations: map[*ast.OperationDefinition]extent{}},
		fragments:   map[string]*ast.FragmentDefinition{},
		known:       map[string]*extent{},
		inlineNames: map[string]int{},
	}
	for _, f := range doc.Fragments {
		if m.fragments[f.Name] == nil { // the first of several with one name counts, as in validation
			m.fragments[f.Name] = f
		}
	}
	for _, f := range doc.Fragments {
		m.called(f.Name)
		m.called(f.TypeCondition)
		m.defined(f.VariableDefinition)
		m.directed(f.Directives)
		if m.fragments[f.Name] != f {
			m.selections(f.SelectionSet, false, m.scope(true))
			continue
		}
		m.fragment(f.Name)
	}
	for _, op := range doc.Operations {
		m.called(op.Name)
		m.defined(op.VariableDefinitions)
		m.directed(op.Directives)
		m.shape.operations[op] = m.selections(op.SelectionSet, false, m.scope(false))
	}
	loose := map[string]int{}
	for _, s := range m.scopes {
		m.shape.pairs = add(m.shape.pairs, s.pairs("", false, loose))
	}
	m.shape.pairs = add(add(m.shape.pairs, pairsOf(loose)), times(m.spreads, m.spreads))
	if m.inlined {
		// A fragment that is spread in an inline one is compared with it each time, too.
		m.shape.inlinePairs = add(pairsOf(m.inlineNames), times(m.spreads, m.spreads))
	}
	return m.shape
}

func pairsOf(names map[string]int) (pairs int) {
	for _, n := range names {
		pairs = add(pairs, times(n, n))
	}
	return pairs
}

// measurer walks a document.
type measurer struct {
	shape     shape
	fragments map[string]*ast.FragmentDefinition
	// known are the fragments that were measured; one that is being measured is there as nothing, which ends cycles.
	known map[string]*extent
	// scopes are the roots of the operations and fragments.
	scopes  []*scope
	spreads int
	// inline is how many inline fragments are around, and inlineNames counts the fields in them.
	inline      int
	inlined     bool
	inlineNames map[string]int
}

func (m *measurer) fragment(name string) extent {
	if e := m.known[name]; e != nil {
		return *e
	}
	f := m.fragments[name]
	if f == nil {
		return extent{}
	}
	m.known[name] = &extent{}
	e := m.selections(f.SelectionSet, false, m.scope(true))
	m.known[name] = &e
	return e
}

// scope is a place in an answer. Fields at one place are compared with each other; those of fragments, and those of a
// place where fragments are spread, with any of the same name.
type scope struct {
	count  int
	loose  bool
	fields map[string]*scope
}

func (m *measurer) scope(loose bool) *scope {
	s := &scope{loose: loose}
	m.scopes = append(m.scopes, s)
	return s
}

// field is the place of a field in a place.
func (s *scope) field(name string) *scope {
	f := s.fields[name]
	if f == nil {
		if s.fields == nil {
			s.fields = map[string]*scope{}
		}
		f = &scope{}
		s.fields[name] = f
	}
	f.count++
	return f
}

// pairs is how many pairs are compared at a place and below it. Fields that are compared with others elsewhere are
// counted by name.
func (s *scope) pairs(name string, loose bool, names map[string]int) (n int) {
	if loose {
		names[name] += s.count
	} else {
		n = times(s.count, s.count)
	}
	for name, f := range s.fields {
		n = add(n, f.pairs(name, loose || s.loose, names))
	}
	return n
}

// selections measures a selection at a place; inside tells whether it is part of an answer about the schema.
func (m *measurer) selections(set ast.SelectionSet, inside bool, at *scope) extent {
	var total extent
	for _, s := range set {
		m.shape.nodes++
		var e extent
		switch s := s.(type) {
		case *ast.Field:
			e = m.field(s, inside, at)
		case *ast.InlineFragment:
			m.called(s.TypeCondition)
			m.directed(s.Directives)
			m.inline, m.inlined = m.inline+1, true
			e = m.selections(s.SelectionSet, inside, at)
			m.inline--
		case *ast.FragmentSpread:
			m.spreads++
			at.loose = true
			m.called(s.Name)
			m.directed(s.Directives)
			if e = m.fragment(s.Name); inside {
				e.depth, e.introspection = 0, max(e.introspection, e.depth)
			}
		}
		total.depth = max(total.depth, e.depth)
		total.introspection = max(total.introspection, e.introspection)
		total.aliases = add(total.aliases, e.aliases)
		total.fields = add(total.fields, e.fields)
		total.roots = add(total.roots, e.roots)
	}
	return total
}

func (m *measurer) field(f *ast.Field, inside bool, at *scope) extent {
	m.called(f.Alias)
	m.called(f.Name)
	if m.inline > 0 {
		m.inlineNames[f.Alias]++
	}
	m.directed(f.Directives)
	m.argued(f.Arguments)
	about := inside || aboutSchema(f.Name)
	e := m.selections(f.SelectionSet, about, at.field(f.Alias))
	e.fields, e.roots = add(e.fields, 1), 1
	if f.Alias != f.Name {
		e.aliases = add(e.aliases, 1)
	}
	if about {
		// What a fragment nests below a field about the schema came as depth, since the fragment does not know where it is.
		e.depth, e.introspection = 0, add(max(e.introspection, e.depth), 1)
	} else {
		e.depth = add(e.depth, 1)
	}
	return e
}

// aboutSchema tells whether a root field answers with the schema.
func aboutSchema(name string) bool { return name == "__schema" || name == "__type" }

func (m *measurer) called(name string) { m.shape.name = max(m.shape.name, len(name)) }

func (m *measurer) defined(variables ast.VariableDefinitionList) {
	m.shape.variables = max(m.shape.variables, len(variables))
	for _, v := range variables {
		m.shape.nodes++
		m.called(v.Variable)
		m.directed(v.Directives)
		for t := v.Type; t != nil; t = t.Elem {
			m.shape.nodes++
			m.called(t.NamedType)
		}
		m.value(v.DefaultValue)
	}
}

func (m *measurer) directed(list ast.DirectiveList) {
	m.shape.directives = max(m.shape.directives, len(list))
	for _, d := range list {
		m.shape.nodes++
		m.called(d.Name)
		m.argued(d.Arguments)
	}
}

func (m *measurer) argued(list ast.ArgumentList) {
	for _, a := range list {
		m.shape.nodes++
		m.called(a.Name)
		m.value(a.Value)
	}
}

func (m *measurer) value(v *ast.Value) {
	if v == nil {
		return
	}
	m.shape.nodes++
	switch v.Kind {
	case ast.Variable:
		m.shape.uses++
		m.called(v.Raw)
	case ast.EnumValue:
		m.called(v.Raw)
	default:
		m.shape.literal = max(m.shape.literal, len(v.Raw))
	}
	for _, child := range v.Children {
		m.called(child.Name)
		m.value(child.Value)
	}
}

// steps estimates from above what validation does. It walks each operation, and from each fragment again all that the
// fragment reaches; on every such walk it may look at each node and search each variable among an operation's. Pairs it
// compares once for each operation, and for the fragments.
func (s shape) steps(doc *ast.QueryDocument) int {
	walks := len(doc.Operations) + len(doc.Fragments)
	each := add(add(s.nodes, s.inlinePairs), times(s.uses, s.variables))
	return add(times(walks, each), times(len(doc.Operations)+1, s.pairs))
}

// check refuses a document that is over a bound before it is validated.
func (s shape) check(doc *ast.QueryDocument, b bounds) *gqlerror.Error {
	switch {
	case len(doc.Operations) > b.operations:
		return overLimit(
			"the query defines %d operations; the limit is %d: send those that run",
			len(doc.Operations),
			b.operations,
		)
	case len(doc.Fragments) > b.fragments:
		return overLimit(
			"the query defines %d fragments; the limit is %d: ask in several queries",
			len(doc.Fragments),
			b.fragments,
		)
	case s.variables > b.variables:
		return overLimit(
			"the operation has %d variables; the limit is %d: put what belongs together into one input",
			s.variables,
			b.variables,
		)
	case s.directives > b.directives:
		return overLimit("%d directives stand at one place; the limit is %d", s.directives, b.directives)
	case s.name > maxName:
		return overLimit("a name in the query has %d bytes; the limit is %d", s.name, maxName)
	case s.nodes > b.nodes:
		return overLimit(
			"the query holds %d fields, arguments and values; the limit is %d: ask in several queries, and send values as variables",
			s.nodes,
			b.nodes,
		)
	}
	for _, op := range doc.Operations {
		switch e := s.operations[op]; {
		case e.fields > b.fields:
			return overLimit(
				"the query selects more than %d fields, with fragments in the place of their spreads: ask in several queries",
				b.fields,
			)
		case e.roots > b.roots:
			return overLimit("the query has %d fields at its root; the limit is %d: ask in several queries", e.roots, b.roots)
		case e.introspection > b.introspection:
			return overLimit("the query of the schema nests %d fields deep; the limit is %d", e.introspection, b.introspection)
		}
	}
	if s.steps(doc) > b.steps {
		return overLimit(
			"the query repeats so many fields and fragments that checking it would take too long: select each field once, and ask in several queries",
		)
	}
	return nil
}

func overLimit(format string, args ...any) *gqlerror.Error {
	err := gqlerror.Errorf(format, args...)
	err.Extensions = map[string]any{"code": string(core.CodeLimit)}
	return err
}
