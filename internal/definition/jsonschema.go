package definition

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// validation looks for a JSON schema that leads to itself without going into the value that it judges: gateways follow it until
// their stack is used up, which ends them.
func (c *checker) validation(fields map[string]gjson.Result) error {
	schema := fields["schema"]
	if !strings.Contains(schema.Raw, "ref") && !strings.Contains(schema.Raw, `\u`) {
		return nil
	}
	var root any
	if json.Unmarshal([]byte(schema.Raw), &root) != nil {
		return nil // it was refused before
	}
	g := schemaGraph{root: root, named: map[string]any{}, state: map[uintptr]bool{}}
	g.name(root)
	if g.circular(root) {
		return c.hazard("schema", "must not lead to itself ($ref) without going deeper into the value")
	}
	return nil
}

// schemaGraph is a schema as what its parts lead to.
type schemaGraph struct {
	root any
	// named are the parts with an id of their own, by that.
	named map[string]any
	// state tells of each object that was seen whether all that it leads to was; it is false while that is looked at.
	state map[uintptr]bool
}

// name finds the ids.
func (g *schemaGraph) name(part any) {
	switch part := part.(type) {
	case map[string]any:
		for _, key := range []string{"$id", "id"} {
			if id, ok := part[key].(string); ok {
				g.named[id] = part
			}
		}
		for _, inner := range part {
			g.name(inner)
		}
	case []any:
		for _, inner := range part {
			g.name(inner)
		}
	}
}

// circular tells whether a part, or one within it, leads to itself. Each object is looked at once.
func (g *schemaGraph) circular(part any) bool {
	switch part := part.(type) {
	case []any:
		for _, inner := range part {
			if g.circular(inner) {
				return true
			}
		}
	case map[string]any:
		if g.leadsToItself(part) {
			return true
		}
		for _, inner := range part {
			if g.circular(inner) {
				return true
			}
		}
	}
	return false
}

// leadsToItself follows what judges the same value as a schema does.
func (g *schemaGraph) leadsToItself(schema map[string]any) bool {
	id := reflect.ValueOf(schema).Pointer()
	if done, seen := g.state[id]; seen {
		return !done
	}
	g.state[id] = false
	for _, next := range g.same(schema) {
		if next, ok := next.(map[string]any); ok && g.leadsToItself(next) {
			return true
		}
	}
	g.state[id] = true
	return false
}

// same are the schemas that judge the same value.
func (g *schemaGraph) same(schema map[string]any) []any {
	var out []any
	if ref, ok := schema["$ref"].(string); ok {
		return []any{g.resolve(ref)} // the rest does not count then
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
func (g *schemaGraph) resolve(ref string) any {
	if found, ok := g.named[ref]; ok {
		return found
	}
	base, pointer, _ := strings.Cut(ref, "#")
	part := g.root
	if base != "" {
		if part = g.named[base]; part == nil {
			part = g.named[base+"#"]
		}
	}
	for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if step == "" && pointer == "" {
			break
		}
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		switch within := part.(type) {
		case map[string]any:
			part = within[step]
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
