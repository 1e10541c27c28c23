package definition_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/definition"
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

func extended(paths string) string {
	return `{"version_data": {"versions": {"Default": {"use_extended_paths": true, "extended_paths": {` + paths + `}}}}}`
}

func validated(schema string) string {
	return extended(`"validate_json": [{"schema": ` + schema + `}]`)
}

// doubling is a schema each of whose parts has the one before it judge twice.
func doubling(n int) string {
	parts := `{"p0": {}`
	for i := range n {
		parts += fmt.Sprintf(`, "p%d": {"allOf": [{"$ref": "#/definitions/p%d"}, {"$ref": "#/definitions/p%d"}]}`, i+1, i, i)
	}
	return fmt.Sprintf(`{"definitions": %s}, "properties": {"a": {"$ref": "#/definitions/p%d"}}}`, parts, n)
}

// manyWays is a schema that refers to itself under as many names.
func manyWays(n int) string {
	var parts []string
	for i := range n {
		parts = append(parts, fmt.Sprintf(`{"items": {"$ref": "#x%d"}}`, i))
	}
	return `{"items": [` + strings.Join(parts, ", ") + `]}`
}

func template(text string) string {
	return extended(
		`"transform": [{"template_data": {"template_mode": "blob", "template_source": "` + encoded(text) + `"}}]`,
	)
}

func handler(fields string) string {
	return `{"event_handlers": {"events": {"AuthFailure": [{` + fields + `}]}}}`
}

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

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
		"a name that begins with a category":       {`{"name": "#pets"}`, `name must not begin with #`},
		"a name that is an id":                     {`{"name": "5EAD7120575961000181867E"}`, `name must not be 24 hex digits`},
		"an API that calls itself by its id":       {`{"api_id": "pets", "proxy": {"target_url": "tyk://pets/x"}}`, `proxy.target_url must not be the API itself`},
		"an API that calls itself by its other id": {`{"id": "5ead7120575961000181867e", "proxy": {"target_url": "TYK://5EAD7120575961000181867E"}}`, `proxy.target_url must not be the API itself`},
		"an API that calls itself by its name":     {`{"name": "My pets! #a", "proxy": {"target_url": "tyk://my-pets-?x"}}`, `proxy.target_url must not be the API itself`},
		"a version that is the API itself": {`{"api_id": "pets", "definition": {"enabled": true, "name": "v1", "versions": {"v1": "pets", "v2": "pets"}}}`,
			`definition.versions must name the API itself by definition.name, "v1", and not as "v2"`},
		"a loop without an end": {extended(`"url_rewrites": [{"rewrite_to": "tyk://self/x?a=b&loop_limit=101"}]`), `url_rewrites[0].rewrite_to must set loop_limit to at most 100`},
		"a loop without an end in a trigger": {extended(`"url_rewrites": [{"triggers": [{"rewrite_to": "tyk://self/x?loop_limit=9999999"}]}]`),
			`url_rewrites[0].triggers[0].rewrite_to must set loop_limit to at most 100`},
		"a limit whose name has an escape":                {extended(`"url_rewrites": [{"rewrite_to": "tyk://self/x?loop%5Flimit=100000000"}]`), `rewrite_to must set loop_limit to at most 100`},
		"a limit that has escapes":                        {extended(`"url_rewrites": [{"rewrite_to": "tyk://self/x?loop_limit=%31%30%31"}]`), `rewrite_to must set loop_limit to at most 100`},
		"a limit with a sign":                             {extended(`"url_rewrites": [{"rewrite_to": "tyk://self/x?loop_limit=%2B999"}]`), `rewrite_to must set loop_limit to at most 100`},
		"a limit from the request":                        {extended(`"url_rewrites": [{"rewrite_to": "tyk://self/x?loop_limit=$1"}]`), `rewrite_to must set loop_limit to at most 100`},
		"a certificate that is the name of a fingerprint": {`{"certificates": ["a", "pub-a"], "pinned_public_keys": {"*": "a"}}`, `certificates must not hold a name that begins with pub-`},
		"one for an upstream that is":                     {`{"Upstream_Certificates": {"*": "pub-a"}}`, `upstream_certificates must not hold a name that begins with pub-`},
		"one that signs requests that is":                 {`{"request_signing": {"certificate_id": "pub-a"}}`, `request_signing.certificate_id must not begin with pub-`},
		"a listen path with groups":                       {`{"proxy": {"listen_path": "/a/{id:(x)}/"}}`, `proxy.listen_path must not have groups that capture`},
		"one without a slash at the front":                {`{"proxy": {"Listen_Path": "{id:(x)}/"}}`, `proxy.listen_path must not have groups that capture`},
		"a domain with groups":                            {`{"domain": "{a:(b)}.x.test"}`, `domain must not have groups that capture`},
		"an id with groups":                               {`{"api_id": "{a:(b)}"}`, `api_id must not have groups that capture`},
		"a playground with groups":                        {`{"graphql": {"playground": {"enabled": true, "path": "/{a:(b)}"}}}`, `graphql.playground.path must not have groups that capture`},
		"patterns that repeat without an end":             {extended(`"white_list": [{"path": "/a"}, {"path": "/r/` + strings.Repeat("(?:x{1000})", 150) + `\\}"}]`), `white_list[1].path must not repeat so much`},
		"such patterns one by one":                        {extended(`"url_rewrites": [{"match_pattern": "` + strings.Repeat("(?:x{1000})", 60) + `"}, {"triggers": [{"options": {"header_matches": {"A": {"match_rx": "` + strings.Repeat("((a{10}){10}){10}", 60) + `"}}}}]}]`), `match_rx must not repeat so much`},
		"a pattern behind classes of many runes":          {extended(`"white_list": [{"path": "` + strings.Repeat(`\\pL`, 1000) + strings.Repeat("(?:x{1000})", 150) + `"}]`), `white_list[0].path must not repeat so much`},
		"a pattern that is too long to look into":         {extended(`"url_rewrites": [{"match_pattern": "` + strings.Repeat("a", 70_000) + `x{2}"}]`), `match_pattern must not be longer than 65536 bytes`},
		"a path in a list that is":                        {`{"version_data": {"versions": {"Default": {"paths": {"ignored": ["` + strings.Repeat("a", 70_000) + `x{2}"]}}}}}`, `must not be longer than 65536 bytes`},
		"a domain with long expressions":                  {`{"domain": "{a:` + strings.Repeat("b", 5000) + `}"}`, `domain must not be longer than 4096 bytes`},
		"a log handler without a prefix":                  {handler(`"handler_name": "eh_log_handler", "handler_meta": {}`), `events.AuthFailure[0].handler_meta.prefix must be a string`},
		"a script handler without a path":                 {handler(`"handler_name": "eh_dynamic_handler", "handler_meta": {"name": "f", "Path": "p"}`), `handler_meta.path must be a string`},
		"a script handler without settings":               {handler(`"handler_name": "eh_dynamic_handler"`), `handler_meta.name must be a string`},
		"a plugin handler whose name is none":             {handler(`"handler_name": "cp_dynamic_handler", "handler_meta": {"name": 5}`), `handler_meta.name must be a string`},
		"checks that are discovered with a port": {`{"uptime_tests": {"config": {"service_discovery": {"use_discovery_service": true, "port_data_path": "port"}}}}`,
			`uptime_tests.config.service_discovery.port_data_path must be empty`},
		"a template that is nested too deep": {extended(`"transform": [{"template_data": {"template_mode": "blob", "template_source": "` + encoded("{{"+strings.Repeat("(", 600)) + `"}}]`),
			`template_data.template_source must not nest its brackets more than 500 levels deep`},
		"a script that is nested too deep": {extended(`"virtual": [{"function_source_type": "blob", "function_source_uri": "` + encoded(strings.Repeat("[", 600)) + `"}]`),
			`virtual[0].function_source_uri must not nest`},
		"a schema that is itself":                              {validated(`{"$ref": "#"}`), `validate_json[0].schema must not lead to itself`},
		"a schema that holds itself":                           {validated(`{"allOf": [{"$ref": "#"}]}`), `validate_json[0].schema must not lead to itself`},
		"schemas that lead to each other":                      {validated(`{"definitions": {"a": {"$ref": "#/definitions/b"}, "b": {"anyOf": [{}, {"not": {"$ref": "#/definitions/a"}}]}}}`), `schema must not lead to itself`},
		"a schema that leads to itself by id":                  {validated(`{"properties": {"a": {"$id": "#x", "oneOf": [{"$ref": "#x"}]}}}`), `schema must not lead to itself`},
		"a schema that leads to itself by its base":            {validated(`{"$id": "http://x.example/root", "type": "object", "allOf": [{"$ref": "root"}]}`), `schema must not lead to itself`},
		"one by the base of a part":                            {validated(`{"id": "http://x.example/", "properties": {"a": {"id": "b/c#x", "not": {"$ref": "../b/c#x"}}}}`), `schema must not lead to itself`},
		"one by a pointer with escapes":                        {validated(`{"definitions": {"a": {"allOf": [{"$ref": "#/definitions/%61"}]}}, "$ref": "#/definitions/a"}`), `schema must not lead to itself`},
		"one by what is no pointer, and so all of it":          {validated(`{"allOf": [{"$ref": "#nowhere"}]}`), `schema must not lead to itself`},
		"one by a value":                                       {validated(`{"$id": "http://x.example/a", "const": {"allOf": [{"$ref": "#/const"}]}, "properties": {"b": {"$ref": "#/const"}}}`), `schema must not lead to itself`},
		"one by an id that is there twice":                     {validated(`{"$id": "http://h/r", "allOf": [{"$id": "x"}, {"$id": "x", "allOf": [{"$ref": "#/allOf/1"}]}]}`), `schema must not lead to itself`},
		"a schema that doubles itself":                         {validated(doubling(40)), `nor judge one value more than 100000 times`},
		"a schema that refers in many ways to all of it":       {validated(manyWays(1000)), `schema must not refer in so many ways to so much`},
		"a template that is nested too deep, without brackets": {template(strings.Repeat("{{if .}}", 80_000)), `template_data.template_source must not have more than 10000 actions`},
		"a template that is nested too deep by its else":       {template("{{if .}}" + strings.Repeat("{{else if .}}", 11_000)), `template_source must not have more than 10000 actions`},
		"a template that is too long":                          {template(strings.Repeat("a", 1<<20+10)), `template_source must not be longer than 1048576 bytes`},
		"names in other capitals":                              {source(`"KIND": "rest", ` + config), `kind must be one of REST`},
		"a mode that there is not":                             {`{"graphql": {"enabled": true, "version": "2", "execution_mode": "engine"}}`, `graphql.execution_mode must be one of proxyOnly`},
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

func TestCheckRefusesVersionsInOtherCapitals(t *testing.T) {
	for doc, want := range map[string]string{
		`{"definition": {"enabled": true, "Versions": {"v2": "theirs"}}}`:                  `definition.Versions must be spelled "versions"`,
		`{"definition": {"Enabled": true, "versions": {"v2": "theirs"}}}`:                  `definition.Enabled must be spelled "enabled"`,
		`{"api_definition": {"Definition": {"enabled": true, "versions": {"v": "them"}}}}`: `api_definition.Definition must be spelled "definition"`,
	} {
		_, err := rules.CheckApi(core.Document(doc))
		require.Error(t, err, doc)
		assert.Contains(t, err.Error(), want)
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
		"a schema of trees":                 validated(`{"definitions": {"t": {"properties": {"l": {"$ref": "#/definitions/t"}, "r": {"$ref": "#"}}}}, "$ref": "#/definitions/t"}`),
		"a schema with two refs":            validated(`{"definitions": {"s": {"type": "string"}}, "allOf": [{"$ref": "#/definitions/s"}, {"$ref": "#/definitions/s"}, {"$ref": "#/nowhere"}]}`),
		"a schema with an id and references": validated(`{"$schema": "http://json-schema.org/draft-07/schema#", "$id": "http://x.example/root.json", "definitions": {"s": {"type": "string"}, "a b": {"$id": "ab"}},
			"properties": {"a": {"$ref": "#/definitions/s"}, "b": {"$ref": "root.json#/definitions/a%20b"}, "c": {"$ref": "ab"}, "d": {"$ref": "#"}, "id": {"type": "string"}}, "examples": [{"id": "1"}, {"id": "1"}]}`),
		"a schema of schemas":             validated(`{"properties": {"schema": {"$ref": "http://json-schema.org/draft-07/schema#"}}}`),
		"a schema on the disk":            validated(`{"$ref": "file:///etc/schema.json"}`),
		"a template with branches":        template(`{{range .a}}{{if .b}}{{.}}{{else if .c}}{{end}}{{end}}`),
		"a loop to another API":           `{"api_id": "a", "name": "A", "proxy": {"target_url": "tyk://b"}}`,
		"a base and its versions":         `{"api_id": "a", "definition": {"enabled": true, "name": "v1", "versions": {"v1": "a", "v2": "b"}}}`,
		"a loop with a limit":             extended(`"url_rewrites": [{"rewrite_to": "tyk://self/$1?loop_limit=100"}]`),
		"a loop with a limit and a place": extended(`"url_rewrites": [{"rewrite_to": "tyk://self/$1?loop_limit=100#loop_limit=101"}]`),
		"handlers with settings":          handler(`"handler_name": "eh_log_handler", "handler_meta": {"prefix": ""}}, {"handler_name": "eh_web_hook_handler"`),
		"a name with a category":          `{"name": "Pets #a"}`,
		"a proxy":                         `{"graphql": {"enabled": true, "version": "2", "execution_mode": "proxyOnly", "schema": "type Query { a: String }"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := rules.CheckApi(core.Document(doc))
			require.NoError(t, err)
		})
	}
}

func TestCheckWarnsOfASchemaThatGatewaysCannotRead(t *testing.T) {
	warnings, err := rules.CheckApi(
		core.Document(
			`{"graphql": {"enabled": true, "version": "2", "execution_mode": "executionEngine", "schema": "type Query {\n 1 }"}}`,
		),
	)
	require.NoError(t, err)
	assert.Equal(
		t,
		[]string{
			"gateways cannot read the schema of the graph (Expected Name, found Int in line 2, column 2), and answer 500 for it: graphql",
		},
		warnings,
	)
}

func TestCheckIsForTheOldestGatewayAndNewerOnes(t *testing.T) {
	noPrefix := core.Document(handler(`"handler_name": "eh_log_handler"`))
	for release, want := range map[string]bool{"5.5": false, "5.7": false, "5.8": true, "5.15": true} {
		oldest, err := definition.ParseRelease(release)
		require.NoError(t, err)
		assert.Equal(t, want, definition.New(oldest).Fault(noPrefix) == "", release)
	}
	for _, wrong := range []string{"", "5", "5.x", "five", "5.100", "-1.5"} {
		_, err := definition.ParseRelease(wrong)
		assert.Error(t, err, wrong)
	}
}
