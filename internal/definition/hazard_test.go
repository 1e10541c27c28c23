package definition_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
)

// The killers that were seen: each took down a stock gateway, at the latest at the reload after the one that loaded it.
const (
	rest   = `"kind": "REST", "root_fields": [{"type": "Query", "fields": ["a"]}]`
	config = `"config": {"url": "http://up.test", "method": "GET", "headers": {}, "query": [], "body": ""}`
)

func graph(fields string) string {
	return `{"graphql": {"enabled": true, "version": "2", "execution_mode": "executionEngine", "schema": "type Query { a: String }", ` + fields + `}}`
}

func source(fields string) string { return graph(`"engine": {"data_sources": [{` + fields + `}]}`) }

func TestCheckRefusesWhatTakesGatewaysDown(t *testing.T) {
	for name, c := range map[string]struct{ doc, want string }{
		"a kind in lower case":                          {source(`"kind": "rest", ` + config), `graphql.engine.data_sources[0].kind must be one of REST, GraphQL, Kafka, spelled so`},
		"a kind that is empty":                          {source(`"kind": "", ` + config), `graphql.engine.data_sources[0].kind must be one of REST`},
		"no kind":                                       {source(config), `graphql.engine.data_sources[0].kind must be one of REST`},
		"a config that is a string":                     {source(rest + `, "config": "x"`), `graphql.engine.data_sources[0].config must be an object`},
		"no config":                                     {source(rest), `graphql.engine.data_sources[0].config must be an object`},
		"headers that are a list":                       {source(rest + `, "config": {"headers": []}`), `graphql.engine.data_sources[0].config.headers must be an object, not a list`},
		"a body that is an object":                      {source(rest + `, "config": {"body": {}}`), `config.body must be a string, not an object`},
		"a query that is an object":                     {source(rest + `, "config": {"query": {}}`), `config.query must be a list, not an object`},
		"a bad escape in the URL":                       {source(rest + `, "config": {"url": "http://up.test?a=%zz"}`), `config.url must be a URL, and its query cannot be read: invalid URL escape "%zz"`},
		"brokers that are a string":                     {source(`"kind": "Kafka", "config": {"broker_addresses": "x"}`), `config.broker_addresses must be a list, not a string`},
		"a GraphQL source with headers that are a list": {source(`"kind": "GraphQL", "config": {"headers": []}`), `config.headers must be an object, not a list`},
		"a field that the schema lacks": {source(`"kind": "REST", "root_fields": [{"type": "Query", "fields": ["a", "b"]}], ` + config),
			`graphql.engine.data_sources[0].root_fields[0].fields names "b", and the type Query of the schema has no such field`},
		"a type that the schema lacks": {source(`"kind": "REST", "root_fields": [{"type": "Mutation", "fields": ["a"]}], ` + config),
			`graphql.engine.data_sources[0].root_fields[0].type is "Mutation", and the schema has no such type`},
		"names in other capitals":    {source(`"KIND": "rest", ` + config), `kind must be one of REST`},
		"a kind that is there twice": {source(`"kind": "REST", "Kind": "rest", ` + config), `Kind is there twice, in other capitals`},
		"a mode that there is not":   {`{"graphql": {"enabled": true, "version": "2", "execution_mode": "engine"}}`, `graphql.execution_mode must be one of proxyOnly`},
		"a supergraph whose schema is none": {`{"graphql": {"enabled": true, "version": "2", "execution_mode": "supergraph", "supergraph": {"merged_sdl": "type { 1"}}}`,
			`graphql.supergraph.merged_sdl is no GraphQL schema: Expected Name, found { in line 1`},
		"a schema that is nested too deep": {`{"graphql": {"enabled": true, "version": "2", "execution_mode": "proxyOnly", "schema": "type Query { a: ` + strings.Repeat("[", 1000) + `"}}`,
			`graphql.schema is too much for one schema: it nests its brackets more than 200 levels deep`},
		"a subgraph whose schema is none": {`{"graphql": {"enabled": true, "version": "2", "execution_mode": "supergraph",
			"supergraph": {"merged_sdl": "type Query { a: String }", "subgraphs": [{"sdl": "type { 1"}]}}}`, `graphql.supergraph.subgraphs[0].sdl is no GraphQL schema`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := rules.CheckApi(core.Document(c.doc))
			require.Error(t, err)
			assert.Equal(t, core.CodeInvalid, core.CodeOf(err))
			assert.Contains(t, core.AsError(err).Message, c.want)
			assert.Contains(t, core.AsError(err).Message, ": it would take down gateways, those of every organisation")
		})
	}
}

func TestCheckTakesGraphsThatGatewaysServe(t *testing.T) {
	for name, doc := range map[string]string{
		"a REST source":                     source(rest + ", " + config),
		"a template":                        source(rest + `, "config": {"url": "http://up.test/{{.arguments.id}}?a={{.arguments.a}}", "headers": {"X": "y"}}`),
		"a GraphQL source":                  source(`"kind": "GraphQL", "root_fields": [{"type": "Query", "fields": ["a"]}], "config": {"url": "http://up.test", "has_operation": true, "operation": "{a}", "variables": {"a": [1]}}`),
		"a Kafka source":                    source(`"kind": "Kafka", "root_fields": [], "config": {"broker_addresses": ["k:9092"], "topics": ["t"], "group_id": "g", "client_id": "c", "sasl": {"enable": false}}`),
		"a URL that the gateway puts in":    source(rest + `, "config": {"url": "env://URL?%zz"}`),
		"a schema that the gateway puts in": `{"graphql": {"enabled": true, "version": "2", "execution_mode": "executionEngine", "schema": "vault://schema"}}`,
		"a graph that is switched off":      `{"graphql": {"enabled": false, "execution_mode": "", "schema": "type {"}}`,
		"a proxy":                           `{"graphql": {"enabled": true, "version": "2", "execution_mode": "proxyOnly", "schema": "type Query { a: String }"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := rules.CheckApi(core.Document(doc))
			require.NoError(t, err)
		})
	}
}

func TestCheckWarnsOfASchemaThatGatewaysCannotRead(t *testing.T) {
	warnings, err := rules.CheckApi(core.Document(`{"graphql": {"enabled": true, "version": "2", "execution_mode": "executionEngine", "schema": "type Query {\n 1 }"}}`))
	require.NoError(t, err)
	assert.Equal(t, []string{"gateways cannot read the schema of the graph (Expected Name, found Int in line 2, column 2), and answer 500 for it: graphql"}, warnings)
}
