package definition

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"gatehouse/internal/sdl"
)

// graphQL looks at what the engine makes of a configuration when the API is loaded. An engine that cannot be made is
// left behind as a pointer to none: gateways of 5.9 panic on each request to it, and end when they let go of it at the
// next reload.
func (c *checker) graphQL(fields map[string]gjson.Result) error {
	if !fields["enabled"].Bool() {
		return nil
	}
	mode, version := fields["execution_mode"].Str, fields["version"].Str
	if version == "2" && !slices.Contains(executionModes(), mode) && !deferred(mode) {
		return c.hazard("execution_mode", "must be one of %s", strings.Join(executionModes(), ", "))
	}
	text := fields["schema"].Str
	if deferred(text) {
		return nil
	}
	schema, err := sdl.Read(text)
	switch {
	case errors.Is(err, sdl.ErrTooMuch):
		return c.hazard("schema", "%s", err)
	case err != nil && mode != "supergraph":
		// Gateways answer 500 to every request of this API, and serve the others.
		c.warn(fmt.Sprintf("gateways cannot read the schema of the graph (%s), and answer 500 for it: ", err))
	case mode == "executionEngine":
		return c.dataGraph(fields["engine"], schema)
	}
	if mode == "supergraph" {
		return c.supergraph(fields["supergraph"])
	}
	return nil
}

func executionModes() []string {
	return []string{"proxyOnly", "executionEngine", "subgraph", "supergraph"}
}

// dataGraph looks for sources of fields that the schema does not have.
func (c *checker) dataGraph(engine gjson.Result, schema *sdl.Schema) (err error) {
	at(engine, "data_sources").ForEach(func(i, source gjson.Result) bool {
		at(source, "root_fields").ForEach(func(j, root gjson.Result) bool {
			typeName := at(root, "type").Str
			place := "engine.data_sources[" + i.String() + "].root_fields[" + j.String() + "]"
			if !schema.HasType(typeName) {
				err = c.hazard(place+".type", "is %q, and the schema has no such type", clip(typeName))
				return false
			}
			at(root, "fields").ForEach(func(_, field gjson.Result) bool {
				if !schema.HasField(typeName, field.Str) {
					err = c.hazard(
						place+".fields",
						"names %q, and the type %s of the schema has no such field",
						clip(field.Str),
						clip(typeName),
					)
				}
				return err == nil
			})
			return err == nil
		})
		return err == nil
	})
	return err
}

// supergraph looks at the schemas that the engine joins.
func (c *checker) supergraph(config gjson.Result) error {
	if merged := at(config, "merged_sdl").Str; !deferred(merged) {
		if _, err := sdl.Read(merged); err != nil {
			return c.hazard("supergraph.merged_sdl", "is no GraphQL schema: %s", err)
		}
	}
	var fault error
	at(config, "subgraphs").ForEach(func(i, subgraph gjson.Result) bool {
		if text := at(subgraph, "sdl").Str; text != "" && !deferred(text) {
			if _, err := sdl.Read(text); err != nil {
				fault = c.hazard("supergraph.subgraphs["+i.String()+"].sdl", "is no GraphQL schema: %s", err)
			}
		}
		return fault == nil
	})
	return fault
}

// dataSource looks at how the engine reads the config of a source: by its kind, into types of its own.
func (c *checker) dataSource(fields map[string]gjson.Result) error {
	kinds := []string{"REST", "GraphQL", "Kafka"}
	name := fields["kind"].Str
	if deferred(name) {
		return nil
	}
	if !slices.Contains(kinds, name) {
		return c.hazard("kind", "must be one of %s, spelled so", strings.Join(kinds, ", "))
	}
	config := fields["config"]
	if !config.IsObject() {
		return c.hazard("config", "must be an object that says how to reach the %s source", name)
	}
	inner := checker{
		oldest: c.oldest,
		effect: "it would take down gateways, those of every organisation",
		path:   append(slices.Clone(c.path), step{name: "config"}),
	}
	if _, err := inner.check("DataSourceConfig"+name, config); err != nil {
		return err
	}
	address := at(config, "url").Str
	if name == "Kafka" || deferred(address) {
		return nil
	}
	if _, query, ok := strings.Cut(address, "?"); ok {
		if _, err := url.ParseQuery(query); err != nil {
			return c.hazard("config.url", "must be a URL, and its query cannot be read: %s", clip(err.Error()))
		}
	}
	return nil
}
