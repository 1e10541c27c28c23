package definition_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/definition"
)

// rewrite is a definition that rewrites what matches a pattern to a target.
func rewrite(pattern, target string) string {
	return extended(`"url_rewrites": [{"match_pattern": "` + pattern + `", "rewrite_to": "` + target + `"}]`)
}

func TestAccessIsFoundWhereverADefinitionHasIt(t *testing.T) {
	for name, c := range map[string]struct{ doc, subject, path string }{
		"a bundle":                                 {`{"custom_middleware_bundle": "b.zip"}`, "code", "custom_middleware_bundle"},
		"a plugin":                                 {`{"custom_middleware": {"pre": [{"name": "F"}]}}`, "code", "custom_middleware.pre[0].name"},
		"a plugin in other letters":                {`{"Custom_Middleware": {"AUTH_CHECK": {"Path": "/p.so"}}}`, "code", "Custom_Middleware.AUTH_CHECK.Path"},
		"a script":                                 {extended(`"virtual": [{"function_source_uri": "eA=="}]`), "code", "version_data.versions.Default.extended_paths.virtual[0].function_source_uri"},
		"a Go plugin":                              {extended(`"go_plugin": [{"plugin_path": "/p.so"}]`), "code", "version_data.versions.Default.extended_paths.go_plugin[0].plugin_path"},
		"a plugin of analytics":                    {`{"analytics_plugin": {"plugin_path": "/p.so"}}`, "code", "analytics_plugin.plugin_path"},
		"a script for events":                      {handler(`"handler_name": "eh_dynamic_handler", "handler_meta": {"name": "f", "path": "p"}`), "code", "event_handlers.events.AuthFailure[0].handler_name"},
		"a template on the disk":                   {extended(`"transform": [{"template_data": {"template_mode": "file", "template_source": "/etc/passwd"}}]`), "files", "version_data.versions.Default.extended_paths.transform[0].template_data.template_source"},
		"a template for a webhook":                 {handler(`"handler_name": "eh_web_hook_handler", "handler_meta": {"template_path": "/etc/passwd"}`), "files", "event_handlers.events.AuthFailure[0].handler_meta.template_path"},
		"a schema on the disk":                     {validated(`{"properties": {"a": {"$ref": "file:///etc/passwd"}}}`), "files", `version_data.versions.Default.extended_paths.validate_json[0].schema.properties.a.$ref`},
		"a schema on the disk by its base":         {validated(`{"$id": "FILE:/etc/", "items": {"$ref": "passwd"}}`), "files", "version_data.versions.Default.extended_paths.validate_json[0].schema.$id"},
		"a variable in a header":                   {`{"version_data": {"versions": {"Default": {"global_headers": {"X": "a env://HOME"}}}}}`, "secrets", "version_data.versions.Default.global_headers.X"},
		"a secret in config_data":                  {`{"config_data": {"a": [{"b": "secrets://x"}]}}`, "secrets", "config_data.a[0].b"},
		"a secret in a source":                     {source(rest + `, "config": {"headers": {"A": "$secret_vault.x"}}`), "secrets", "graphql.engine.data_sources[0].config.headers.A"},
		"a secret in a text":                       {`{"tags": ["a $kv{b}"]}`, "secrets", "tags[0]"},
		"a secret in a list":                       {`{"tags": ["vault://x"]}`, "secrets", "tags[0]"},
		"the store of another":                     {`{"auth_provider": {"storage_engine": "rpc"}}`, "storage", "auth_provider.storage_engine"},
		"checks from a service":                    {`{"uptime_tests": {"config": {"service_discovery": {"use_discovery_service": true}}}}`, "discovery", "uptime_tests.config.service_discovery"},
		"a loop by the request":                    {extended(`"url_rewrites": [{"rewrite_to": "tyk://$tyk_context.headers_X/"}]`), "loops", "version_data.versions.Default.extended_paths.url_rewrites[0].rewrite_to"},
		"a rewrite by the request":                 {extended(`"url_rewrites": [{"triggers": [{"rewrite_to": "$1"}]}]`), "loops", "version_data.versions.Default.extended_paths.url_rewrites[0].triggers[0].rewrite_to"},
		"a loop with a query":                      {extended(`"url_rewrites": [{"match_pattern": "/a/(.*)", "rewrite_to": "tyk://self/b/$1"}]`), "loops", "version_data.versions.Default.extended_paths.url_rewrites[0].rewrite_to"},
		"a loop with a header":                     {extended(`"url_rewrites": [{"match_pattern": "/a", "rewrite_to": "tyk://self/$tyk_context.headers_X"}]`), "loops", "version_data.versions.Default.extended_paths.url_rewrites[0].rewrite_to"},
		"a template in other letters":              {handler(`"handler_name": "eh_web_hook_handler", "handler_meta": {"Template_Path": "/etc/passwd"}`), "files", `event_handlers.events.AuthFailure[0].handler_meta.Template_Path`},
		"a schema on the disk, in capitals":        {validated(`{"properties": {"a": {"$ref": "FILE:///etc/passwd"}}}`), "files", `version_data.versions.Default.extended_paths.validate_json[0].schema.properties.a.$ref`},
		"a schema on the disk, without a host":     {validated(`{"$ref": "file:/etc/passwd"}`), "files", `version_data.versions.Default.extended_paths.validate_json[0].schema.$ref`},
		"a rewrite in other letters":               {extended(`"url_rewrites": [{"Rewrite_To": "$1"}]`), "loops", `version_data.versions.Default.extended_paths.url_rewrites[0].Rewrite_To`},
		"a rewrite with letters that fold":         {extended(`"url_rewrites": [{"triggers": [{"RewRite_to": "$1"}]}]`), "loops", `version_data.versions.Default.extended_paths.url_rewrites[0].triggers[0].RewRite_to`},
		"a variable in a field that nobody knows":  {`{"proxy": {"x_unknown": {"a": ["env://NAME"]}}}`, "secrets", `proxy.x_unknown.a[0]`},
		"a variable in a name":                     {`{"version_data": {"versions": {"Default": {"global_headers": {"X-env://TYK_MY_SECRET": "1"}}}}}`, "secrets", `version_data.versions.Default.global_headers."X-env://TYK_MY_SECRET"`},
		"a variable in the name of no field":       {`{"env://A": 1}`, "secrets", `"env://A"`},
		"a variable beside the definition":         {`{"api_definition": {}, "hook_references": [{"a": "env://A"}]}`, "secrets", `hook_references[0].a`},
		"a variable in escapes":                    {`{"slug": "\u0065nv:\/\/A"}`, "secrets", `slug`},
		"a variable as it is spelled only":         {`{"slug": "\u000env://A"}`, "secrets", `slug`},
		"a label that the request ends":            {rewrite("/a", "http://up.test/$secret_$1"), "secrets", `version_data.versions.Default.extended_paths.url_rewrites[0].rewrite_to`},
		"a label that the request completes":       {rewrite("/a", "http://up.test/$secre$1"), "secrets", `version_data.versions.Default.extended_paths.url_rewrites[0].rewrite_to`},
		"a label of which only the sign is there":  {rewrite("/a", "/x/$$1"), "secrets", `version_data.versions.Default.extended_paths.url_rewrites[0].rewrite_to`},
		"a scheme with a part of the request":      {rewrite("u=(.)", "t$1k://b-int/x"), "loops", `version_data.versions.Default.extended_paths.url_rewrites[0].rewrite_to`},
		"a scheme that the request ends":           {rewrite("u=(.*)", "t$1"), "loops", `version_data.versions.Default.extended_paths.url_rewrites[0].rewrite_to`},
		"a scheme with a header":                   {rewrite("/a", "ty$tyk_context.headers_X_U://b-int/x"), "loops", `version_data.versions.Default.extended_paths.url_rewrites[0].rewrite_to`},
		"a scheme that is a label":                 {rewrite("/a", "tyk:$tyk_meta.x"), "loops", `version_data.versions.Default.extended_paths.url_rewrites[0].rewrite_to`},
		"the name of an API by the request":        {rewrite("/a/([a-z]+)", "tyk://b-$1/x"), "loops", `version_data.versions.Default.extended_paths.url_rewrites[0].rewrite_to`},
		"a name that a question mark does not end": {rewrite("/a/([a-z]+)", "tyk://b?$1/x"), "loops", `version_data.versions.Default.extended_paths.url_rewrites[0].rewrite_to`},
		"a host by the request":                    {rewrite("/a/([a-z]+)", "http://$1/x"), "loops", `version_data.versions.Default.extended_paths.url_rewrites[0].rewrite_to`},
		"a host that the request ends":             {rewrite("/a/([a-z]+)", "http://up.test$1"), "loops", `version_data.versions.Default.extended_paths.url_rewrites[0].rewrite_to`},
		"a source by an argument":                  {source(rest + `, "config": {"url": "{{.arguments.u}}"}`), "loops", `graphql.engine.data_sources[0].config.url`},
		"a loop that adds a setting":               {rewrite("/a/([^?]*)", "tyk://self/b?x=$1"), "loops", `version_data.versions.Default.extended_paths.url_rewrites[0].rewrite_to`},
		"a loop whose limit is put in":             {rewrite("/a/([0-9]+)", "tyk://self/b?x=1&loop%5Flimit=1$1"), "loops", `version_data.versions.Default.extended_paths.url_rewrites[0].rewrite_to`},
		"a loop whose setting is named":            {rewrite("/a/([a-z]+)", "tyk://self/b?loop_$1=99"), "loops", `version_data.versions.Default.extended_paths.url_rewrites[0].rewrite_to`},
		"a loop with two numbers in one":           {rewrite("/a/(.*)", "tyk://self/b/$12"), "loops", `version_data.versions.Default.extended_paths.url_rewrites[0].rewrite_to`},
		"a schema somewhere else":                  {validated(`{"properties": {"a": {"$ref": "http://up.test/s.json#/a"}}}`), "discovery", "version_data.versions.Default.extended_paths.validate_json[0].schema"},
		"one in other capitals":                    {validated(`{"items": {"$ref": "HTTPS://up.test/s.json"}}`), "discovery", "version_data.versions.Default.extended_paths.validate_json[0].schema"},
		"one relative to somewhere else":           {validated(`{"$id": "http://up.test/a", "items": {"$ref": "b"}}`), "discovery", "version_data.versions.Default.extended_paths.validate_json[0].schema"},
		"one by an id that a gateway may not see":  {validated(`{"not": {"$id": "x", "not": {"$id": "http://up.test/a"}}, "items": {"$id": "x", "items": {"$id": "http://up.test/a"}}, "contains": {"$ref": "http://up.test/a"}}`), "discovery", "version_data.versions.Default.extended_paths.validate_json[0].schema"},
		"a proxy":                  {`{"proxy": {"transport": {"proxy_url": "http://p"}}}`, "proxy", "proxy.transport.proxy_url"},
		"no check of certificates": {`{"proxy": {"transport": {"ssl_insecure_skip_verify": true}}}`, "trust", "proxy.transport.ssl_insecure_skip_verify"},
		"batches":                  {`{"enable_batch_request_support": true}`, "batch", "enable_batch_request_support"},
		"recordings":               {`{"enable_detailed_recording": true}`, "recording", "enable_detailed_recording"},
	} {
		t.Run(name, func(t *testing.T) {
			found := definition.NewAccess(core.Document(c.doc), nil, definition.Subjects())
			require.NotEmpty(t, found)
			assert.Equal(t, [2]string{c.subject, c.path}, [2]string{found[0].Subject, found[0].Path})
			assert.Contains(t, core.AsError(found[0].Refusal()).Message, c.path+" has the gateways ")
			assert.Empty(
				t,
				definition.NewAccess(core.Document(c.doc), core.Document(c.doc), definition.Subjects()),
				"what is there may stay",
			)
			assert.Empty(t, definition.NewAccess(core.Document(c.doc), nil, nil), "nobody asks")
		})
	}
}

func TestARewriteThatCopiesAPathOnlyGivesNoAccess(t *testing.T) {
	for target, patterns := range map[string][]string{
		"tyk://self/b/$1?loop_limit=2":   {`/a/([^?]*)`, `/a/(\\w+)/(.*)`, `/users/([0-9]+)`, `(`},
		"tyk://self/b?id=$1&name=$2":     {`/a/([0-9]+)/([^?&]*)`},
		"tyk://self/b":                   {`/a/(.*)`},
		"/b/$1":                          {`/a/(.*)`},
		"b/$1?x=$tyk_context.headers_X":  {`/a/(.*)`},
		"?x=$1":                          {`/a/(.*)`},
		"http://up.test/$1":              {`/a/(.*)`},
		"HTTPS://up.test:8443?x=$1":      {`/a/(.*)`},
		"http://up.test/$tyk_meta.x/b":   {`/a`},
		"http://up.test/price_in_$/$1/x": {`/a/(.*)`},
	} {
		for _, pattern := range patterns {
			assert.Empty(
				t,
				definition.NewAccess(core.Document(rewrite(pattern, target)), nil, definition.Subjects()),
				"%s to %s",
				pattern,
				target,
			)
		}
	}
}

// many is an object of the fields name0, name1 and so on, with one value.
func many(n int, name, value string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"%s%d":%s`, name, i, value)
	}
	return "{" + b.String()[1:] + "}"
}

func TestNothingHidesBehindWhatIsAllowed(t *testing.T) {
	doc := core.Document(`{"config_data": ` + many(10_001, "a", `"env://A"`) + `, "custom_middleware_bundle": "b.zip"}`)
	found := definition.NewAccess(doc, nil, []string{"code"})
	require.Len(t, found, 1, "what nobody asks for does not count")
	assert.Equal(t, "custom_middleware_bundle", found[0].Path)

	for _, old := range []core.Document{nil, doc} {
		found = definition.NewAccess(doc, old, []string{"code", "secrets"})
		require.Len(t, found, 1, "a definition with more than is looked at is refused, whatever it replaces")
		assert.Contains(t, found[0].Refusal().Error(), "there is more such than Gatehouse looks at in one definition")
	}
}

func TestLookingIntoARewriteCostsWhatItIsLong(t *testing.T) {
	pattern := strings.Repeat("([a-z]x)", 2000)
	work := func(references int) float64 {
		doc := core.Document(rewrite(pattern, "tyk://self/"+strings.Repeat("$1", references)))
		return testing.AllocsPerRun(1, func() {
			assert.Empty(t, definition.NewAccess(doc, nil, []string{"loops"}))
		})
	}
	assert.Less(t, work(1000), 2*work(1), "the pattern is read once, however often it is referred to")

	long := core.Document(rewrite(strings.Repeat("(a)", 40_000), "tyk://self/$1"))
	assert.NotEmpty(
		t,
		definition.NewAccess(long, nil, []string{"loops"}),
		"a pattern that is too long to look into may copy anything",
	)
}

func TestWhatMovesInItsListIsNotNew(t *testing.T) {
	plugins := func(paths ...string) core.Document {
		var list []string
		for _, path := range paths {
			list = append(list, `{"plugin_path": "`+path+`"}`)
		}
		return core.Document(extended(`"go_plugin": [` + strings.Join(list, ",") + `]`))
	}
	assert.Empty(t, definition.NewAccess(plugins("/b.so"), plugins("/a.so", "/b.so"), definition.Subjects()))
	found := definition.NewAccess(plugins("/b.so", "/b.so"), plugins("/a.so", "/b.so"), definition.Subjects())
	require.Len(t, found, 1, "the second of the same is")
	assert.Contains(t, found[0].Path, "go_plugin[1]")
}

func TestAnEmptyValueGivesNoAccess(t *testing.T) {
	doc := `{"custom_middleware_bundle": "", "custom_middleware": {"pre": [], "auth_check": {"name": "", "path": "", "require_session": false}, "driver": ""},
		"auth_provider": {"storage_engine": "redis"}, "uptime_tests": {"config": {"service_discovery": {"use_discovery_service": false, "cache_timeout": 60}}},
		"event_handlers": {"events": {"E": [{"handler_name": "eh_log_handler", "handler_meta": {"prefix": "p"}}]}}, "proxy": {"target_url": "http://up.test", "transport": {}},
		"analytics_plugin": {}}`
	assert.Empty(t, definition.NewAccess(core.Document(doc), nil, definition.Subjects()))
}

func TestSamplesAreServable(t *testing.T) {
	for _, path := range samples(t, "apis/*.json") {
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		doc, err := core.ParseDocument(raw)
		require.NoError(t, err)
		assert.Empty(t, rules.Fault(doc), path)
	}
}

// BenchmarkNewAccess looks for what definitions have that cost the square of their length before: a field in many
// capitals, and a rewrite with many references to a pattern of many groups.
func BenchmarkNewAccess(b *testing.B) {
	var capitals strings.Builder
	for i := range 1 << 12 {
		name := []byte("auth_provider")
		for bit, at := range []int{0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12} {
			if i>>bit&1 == 1 {
				name[at] -= 'a' - 'A'
			}
		}
		fmt.Fprintf(&capitals, `,"%s":{"storage_engine":"rpc"}`, name)
	}
	for name, doc := range map[string]string{
		"capitals":   many(50_000, "a", "1")[:1] + capitals.String()[1:] + "," + many(50_000, "a", "1")[1:],
		"references": rewrite(strings.Repeat("([^?]x)", 5000), "tyk://self/"+strings.Repeat("$1", 1000)),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			for b.Loop() {
				definition.NewAccess(core.Document(doc), nil, definition.Subjects())
			}
		})
	}
}
