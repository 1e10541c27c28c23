package graph

import (
	"encoding/json"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// What a list counts for whose length the query does not say.
const (
	// defaultPage is for a page without first, by the configuration's default page_size.
	defaultPage = 10
	// unpagedObjects is for a list of objects that has no pages, unpagedValues for one of numbers or texts. Those that can
	// be long stand in a document that was read anyway; warnings, for which the store is asked, are sentences, a few for
	// each object, and are found for all siblings at once.
	unpagedObjects = 100
	unpagedValues  = 10
)

// maxWrapped is how often a type is wrapped at most: [T!]! is three times. Tools ask for more.
const maxWrapped = 3

// pageSize is the argument that says how long a page is.
const pageSize = "first"

// costs knows how many fields an answer to a query may hold. It reads from the schema how long a list can be, so that
// no list is missed: a field with the argument first counts its selection that many times, and the lists in the type
// that such fields return (nodes) are then counted; every other list counts for a fixed length; lists of the schema
// itself for what it holds.
type costs struct {
	schema *ast.Schema
	// pages are the types that fields with first return.
	pages map[string]bool
	// introspection is how long the lists of __Schema, __Type, __Field and __Directive are, by type and field.
	introspection map[string]int
}

func newCosts(schema *ast.Schema) *costs {
	c := &costs{schema: schema, pages: map[string]bool{}, introspection: introspectionLists(schema)}
	for _, def := range schema.Types {
		for _, f := range def.Fields {
			if f.Arguments.ForName(pageSize) != nil {
				c.pages[f.Type.Name()] = true
			}
		}
	}
	return c
}

// introspectionLists counts the lists of the schema: on average, rounded up, where each type or field has one of its
// own.
func introspectionLists(schema *ast.Schema) map[string]int {
	types := len(schema.Types)
	var fields, inputs, values, arguments, longest int
	for _, def := range schema.Types {
		n := len(def.Fields)
		longest = max(longest, n, len(def.EnumValues))
		values += len(def.EnumValues)
		if def.Kind == ast.InputObject {
			inputs += n
			continue
		}
		fields += n
		for _, f := range def.Fields {
			arguments += len(f.Arguments)
		}
	}
	average := func(n, of int) int { return 2 + n/max(of, 1) }
	return map[string]int{
		"__Schema.types": types, "__Schema.directives": len(schema.Directives),
		"__Type.fields": average(
			fields,
			types,
		), "__Type.inputFields": average(inputs, types), "__Type.enumValues": average(values, types),
		"__Type.interfaces": 1, "__Type.possibleTypes": 1, "__Field.args": average(arguments, fields),
		"__Directive.args": 4, "__Directive.locations": 4,
		// One type that was chosen may be the longest; its lists count as often as that is longer than the average.
		"Query.__type": 1 + longest/average(fields, types),
	}
}

// cost is how many fields an answer may hold: of the data, and of the schema.
type cost struct{ data, introspection int }

// of returns the cost of a valid operation with its variables.
func (c *costs) of(op *ast.OperationDefinition, variables map[string]any) cost {
	w := costing{costs: c, variables: variables, fragments: map[string]cost{}}
	return w.selections(op.SelectionSet, 0)
}

// costing walks an operation, each fragment once.
type costing struct {
	*costs
	variables map[string]any
	fragments map[string]cost
}

// selections weighs a selection; wrapped is how many ofType are right around it.
func (w *costing) selections(set ast.SelectionSet, wrapped int) cost {
	var total cost
	for _, s := range set {
		var e cost
		switch s := s.(type) {
		case *ast.Field:
			e = w.field(s, wrapped)
		case *ast.InlineFragment:
			e = w.selections(s.SelectionSet, wrapped)
		case *ast.FragmentSpread:
			known, ok := w.fragments[s.Name]
			if !ok && s.Definition != nil {
				known = w.selections(s.Definition.SelectionSet, 0)
				w.fragments[s.Name] = known
			}
			e = known
		}
		total.data, total.introspection = add(total.data, e.data), add(total.introspection, e.introspection)
	}
	return total
}

// field counts a field once, and what is selected in it as often as it may be there.
func (w *costing) field(f *ast.Field, wrapped int) cost {
	if f.Name != "ofType" {
		wrapped = 0
	} else if wrapped++; wrapped > maxWrapped {
		return cost{introspection: 1} // null, in every schema of ours
	}
	e := w.selections(f.SelectionSet, wrapped)
	n := w.length(f)
	e = cost{data: times(e.data, n), introspection: times(e.introspection, n)}
	own := 1
	if len(f.SelectionSet) == 0 {
		own = max(n, 1)
	}
	if f.ObjectDefinition != nil && ofSchema(f.ObjectDefinition.Name) || aboutSchema(f.Name) {
		e.introspection = add(e.introspection, own)
	} else {
		e.data = add(e.data, own)
	}
	return e
}

// ofSchema tells whether a type is one that the schema is told in.
func ofSchema(name string) bool { return len(name) > 2 && name[:2] == "__" }

// length is how many values a field may hold.
func (w *costing) length(f *ast.Field) int {
	def := f.Definition
	if def == nil || f.ObjectDefinition == nil {
		return 1
	}
	if arg := def.Arguments.ForName(pageSize); arg != nil {
		return w.first(f, arg)
	}
	return w.lengthOf(f.ObjectDefinition, def)
}

// lengthOf is how many values a field may hold that has no page size.
func (c *costs) lengthOf(parent *ast.Definition, def *ast.FieldDefinition) int {
	if n, ok := c.introspection[parent.Name+"."+def.Name]; ok {
		return n
	}
	list := def.Type.Elem != nil
	of := c.schema.Types[def.Type.Name()]
	switch {
	case c.pages[def.Type.Name()], list && !c.pages[parent.Name] && of != nil && !of.IsLeafType():
		return unpagedObjects // a page that nobody can size is a list like others
	case list && !c.pages[parent.Name]:
		return unpagedValues
	}
	return 1
}

// first is the page size that a field asks for. One that is no number, or none at all, is for the field's own code to
// refuse.
func (w *costing) first(f *ast.Field, def *ast.ArgumentDefinition) int {
	value := def.DefaultValue
	if given := f.Arguments.ForName(pageSize); given != nil {
		value = given.Value
	}
	if value == nil {
		return defaultPage
	}
	v, err := value.Value(w.variables)
	if err != nil {
		return enough
	}
	n := defaultPage
	switch v := v.(type) {
	case nil:
	case int64:
		n = atMost(v)
	case int:
		n = atMost(int64(v))
	case float64:
		n = int(min(v, enough))
	case json.Number:
		n = number(v.String())
	case string:
		n = number(v)
	default:
		n = enough
	}
	return max(n, 1)
}

func atMost(n int64) int { return int(min(n, enough)) }

func number(text string) int {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return enough
	}
	return atMost(n)
}
