package definition

import (
	"encoding/json"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// maxJudgements is how often a schema may judge one value, its parts' included.
const maxJudgements = 100_000

// maxParts is how many schemas may be read for one, those that are read again for each way to refer to them included.
const maxParts = 200_000

// validation looks for a JSON schema that leads to itself without going into the value that it judges: gateways follow
// it until their stack is used up, which ends them. What they would fetch for it is an access: it may do so as well,
// whenever its owner wants.
func (c *checker) validation(fields map[string]gjson.Result) error {
	schema := fields["schema"]
	if !strings.Contains(schema.Raw, "ref") && !strings.Contains(schema.Raw, `\u`) {
		return nil
	}
	var root any
	if json.Unmarshal([]byte(schema.Raw), &root) != nil {
		return nil // it was refused before
	}
	g := newSchemaGraph(root)
	if g.tooMuch(root) {
		return c.hazard(
			"schema",
			"must not lead to itself ($ref) without going deeper into the value, nor judge one value more than %d times",
			maxJudgements,
		)
	}
	if g.parts > maxParts {
		return c.hazard(
			"schema",
			"must not refer in so many ways to so much: gateways read all that a reference leads to for each way to write it",
		)
	}
	if c.access == nil {
		return nil
	}
	for _, address := range g.fetched {
		subject := "discovery"
		if strings.HasPrefix(address, "file:") {
			subject = "files"
		}
		c.within("schema", func() { c.access.add(c, subject, strconv.Quote(address)) })
	}
	return nil
}

// schemaGraph is a schema as what its parts lead to. It finds what gateways find, by the rules of their library rather
// than those of the standard, so that nothing leads to itself for them alone.
type schemaGraph struct {
	root any
	// named are the parts with an id of their own, by that: the first of several, whichever that is to the gateway, and
	// the others.
	named map[string][]any
	// known are the ids that gateways know for certain.
	known map[string]bool
	// cost is of each object that was seen how often it has a value judged; 0 while that is looked at.
	cost map[uintptr]int
	// given are references as they were before they were made absolute. They count where ids are there twice: gateways
	// leave out what is within the second.
	given map[uintptr]string
	twice bool
	// found is what references lead to, and parts how much that is.
	found map[string][]any
	parts int
	// fetched are references to what is not in the schema.
	fetched []string
}

func newSchemaGraph(root any) *schemaGraph {
	g := &schemaGraph{
		root:  root,
		named: map[string][]any{},
		known: map[string]bool{},
		cost:  map[uintptr]int{},
		given: map[uintptr]string{},
		found: map[string][]any{},
	}
	g.name(root, &url.URL{})
	g.settle(root, &url.URL{})
	g.known[""] = true
	g.named[""] = append(g.named[""], root)
	return g
}

// name finds the ids within a part, and makes its references absolute; base is what they are relative to.
func (g *schemaGraph) name(part any, base *url.URL) {
	if part, ok := part.(map[string]any); ok {
		if own, ok := ownID(part, base); ok {
			base = own
			g.twice = g.twice || g.named[own.String()] != nil
			g.named[own.String()] = append(g.named[own.String()], part)
		}
		if ref, ok := part["$ref"].(string); ok {
			if absolute, ok := inherit(base, ref); ok {
				g.given[reflect.ValueOf(part).Pointer()] = ref
				part["$ref"] = absolute.String()
			}
		}
	}
	for _, inner := range schemas(part) {
		g.name(inner, base)
	}
}

// settle finds the ids that gateways know, whichever of several parts with an id they leave out, with all that is
// within it.
func (g *schemaGraph) settle(part any, base *url.URL) {
	if part, ok := part.(map[string]any); ok {
		if own, ok := ownID(part, base); ok {
			base = own
			g.known[own.String()] = true
			if len(g.named[own.String()]) > 1 {
				return
			}
		}
	}
	for _, inner := range schemas(part) {
		g.settle(inner, base)
	}
}

// ownID is the id of a part, where it has one.
func ownID(part map[string]any, base *url.URL) (*url.URL, bool) {
	key := "$id"
	if _, old := part["id"]; old {
		key = "id"
	}
	id, ok := part[key].(string)
	if !ok {
		return nil, false
	}
	return inherit(base, id)
}

// schemas are the parts in which gateways look for ids and references.
func schemas(part any) (out []any) {
	switch part := part.(type) {
	case map[string]any:
		for key, inner := range part {
			switch key {
			case "const", "enum": // values, not schemas
			case "properties", "dependencies", "patternProperties":
				if named, ok := inner.(map[string]any); ok {
					out = slices.AppendSeq(out, maps.Values(named))
				}
			default:
				out = append(out, inner)
			}
		}
	case []any:
		return part
	}
	return out
}

// inherit is a reference as what is relative to a base.
func inherit(base *url.URL, ref string) (*url.URL, bool) {
	child, err := url.Parse(ref)
	if err != nil {
		return nil, false
	}
	parent := *base
	parent.Fragment, parent.RawFragment = "", ""
	absolute, err := url.Parse(parent.ResolveReference(child).String())
	return absolute, err == nil
}

// tooMuch tells whether a part, or one within it, leads to itself, or nearly so. Each object is looked at once.
func (g *schemaGraph) tooMuch(part any) bool {
	switch part := part.(type) {
	case []any:
		return slices.ContainsFunc(part, g.tooMuch)
	case map[string]any:
		if g.judgements(part) > maxJudgements {
			return true
		}
		for _, inner := range part {
			if g.tooMuch(inner) {
				return true
			}
		}
	}
	return false
}

// judgements is how often a schema has the value judged that it judges; more than maxJudgements for one that leads to
// itself.
func (g *schemaGraph) judgements(schema map[string]any) int {
	id := reflect.ValueOf(schema).Pointer()
	if n, seen := g.cost[id]; seen {
		if n == 0 {
			return maxJudgements + 1
		}
		return n
	}
	g.cost[id] = 0
	n := 1
	for _, next := range g.same(schema) {
		if next, ok := next.(map[string]any); ok && n <= maxJudgements {
			n += g.judgements(next)
		}
	}
	g.cost[id] = n
	return n
}

// same are the schemas that judge the same value.
func (g *schemaGraph) same(schema map[string]any) []any {
	var out []any
	if ref, ok := schema["$ref"].(string); ok {
		out = append(out, g.resolve(ref)...)
		if given, ok := g.given[reflect.ValueOf(schema).Pointer()]; ok && g.twice {
			out = append(out, g.resolve(given)...)
		}
		return out // the rest does not count then
	}
	for _, key := range []string{"allOf", "anyOf", "oneOf"} {
		if list, ok := schema[key].([]any); ok {
			out = append(out, list...)
		}
	}
	for _, key := range []string{"not", "if", "then", "else"} {
		out = append(out, schema[key])
	}
	if dependencies, ok := schema["dependencies"].(map[string]any); ok {
		for _, d := range dependencies {
			out = append(out, d)
		}
	}
	return out
}

// resolve finds what a reference means within the schema.
func (g *schemaGraph) resolve(ref string) []any {
	found, ok := g.found[ref]
	if !ok {
		found = g.look(ref)
		g.found[ref] = found
		for _, part := range found {
			g.parts += objects(part, maxParts-g.parts)
		}
	}
	return found
}

// objects counts the objects within a part, up to a limit, and one more where there are more.
func objects(part any, limit int) int {
	n := 0
	inner := func(v any) {
		if n <= limit {
			n += objects(v, limit-n)
		}
	}
	switch part := part.(type) {
	case map[string]any:
		n = 1
		for _, v := range part {
			inner(v)
		}
	case []any:
		for _, v := range part {
			inner(v)
		}
	}
	return n
}

// look does so for the first time.
func (g *schemaGraph) look(ref string) []any {
	address, err := url.Parse(ref)
	if err != nil {
		return nil // gateways use no such schema
	}
	out := slices.Clone(g.named[address.String()])
	if g.known[address.String()] {
		return out
	}
	document := *address
	document.Fragment, document.RawFragment = "", ""
	if !g.known[document.String()] {
		g.miss(address, document.String())
	}
	for _, part := range g.named[document.String()] {
		out = append(out, point(part, address.Fragment))
	}
	return out
}

// miss notes a reference to what gateways would read from elsewhere. They have the schemas of schemas themselves.
func (g *schemaGraph) miss(address *url.URL, document string) {
	switch document {
	case "http://json-schema.org/draft-04/schema",
		"http://json-schema.org/draft-06/schema",
		"http://json-schema.org/draft-07/schema":
		return
	}
	if address.Scheme == "file" && strings.HasPrefix(address.Path, "/") ||
		address.Scheme != "file" && address.Scheme != "" && address.Host != "" {
		g.fetched = append(g.fetched, document)
	}
}

// point is the part of a schema that a pointer leads to. One that is no pointer leads to all of it.
func point(part any, pointer string) any {
	if !strings.HasPrefix(pointer, "/") {
		return part
	}
	for step := range strings.SplitSeq(pointer[1:], "/") {
		switch within := part.(type) {
		case map[string]any:
			part = within[strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(within) {
				return nil
			}
			part = within[i]
		default:
			return nil
		}
	}
	return part
}
