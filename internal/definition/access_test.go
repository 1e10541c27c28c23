package definition_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/internal/definition"
)

func TestAccessIsFoundWhereverADefinitionHasIt(t *testing.T) {
	for name, c := range map[string]struct{ doc, subject, path string }{
		"a bundle":                  {`{"custom_middleware_bundle": "b.zip"}`, "code", "custom_middleware_bundle"},
		"a plugin":                  {`{"custom_middleware": {"pre": [{"name": "F"}]}}`, "code", "custom_middleware.pre[0].name"},
		"a plugin in other letters": {`{"Custom_Middleware": {"AUTH_CHECK": {"Path": "/p.so"}}}`, "code", "Custom_Middleware.AUTH_CHECK.Path"},
		"a script":                  {extended(`"virtual": [{"function_source_uri": "eA=="}]`), "code", "version_data.versions.Default.extended_paths.virtual[0].function_source_uri"},
		"a Go plugin":               {extended(`"go_plugin": [{"plugin_path": "/p.so"}]`), "code", "version_data.versions.Default.extended_paths.go_plugin[0].plugin_path"},
		"a plugin of analytics":     {`{"analytics_plugin": {"plugin_path": "/p.so"}}`, "code", "analytics_plugin.plugin_path"},
		"a script for events":       {handler(`"handler_name": "eh_dynamic_handler", "handler_meta": {"name": "f", "path": "p"}`), "code", "event_handlers.events.AuthFailure[0].handler_name"},
		"a template on the disk":    {extended(`"transform": [{"template_data": {"template_mode": "file", "template_source": "/etc/passwd"}}]`), "files", "version_data.versions.Default.extended_paths.transform[0].template_data.template_source"},
		"a template for a webhook":  {handler(`"handler_name": "eh_web_hook_handler", "handler_meta": {"template_path": "/etc/passwd"}`), "files", "event_handlers.events.AuthFailure[0].handler_meta.template_path"},
		"one in other letters":      {handler(`"handler_name": "eh_web_hook_handler", "handler_meta": {"Template_Path": "/etc/passwd"}`), "files", "event_handlers.events.AuthFailure[0].handler_meta.Template_Path"},
		"a schema on the disk":      {validated(`{"properties": {"a": {"$ref": "file:///etc/passwd"}}}`), "files", `version_data.versions.Default.extended_paths.validate_json[0].schema.properties.a.$ref`},
		"a variable in a header":    {`{"version_data": {"versions": {"Default": {"global_headers": {"X": "a env://HOME"}}}}}`, "secrets", "version_data.versions.Default.global_headers.X"},
		"a secret in config_data":   {`{"config_data": {"a": [{"b": "secrets://x"}]}}`, "secrets", "config_data.a[0].b"},
		"a secret in a source":      {source(rest + `, "config": {"headers": {"A": "$secret_vault.x"}}`), "secrets", "graphql.engine.data_sources[0].config.headers.A"},
		"a secret in a text":        {`{"tags": ["a $kv{b}"]}`, "secrets", "tags[0]"},
		"a secret in a list":        {`{"tags": ["vault://x"]}`, "secrets", "tags[0]"},
		"the store of another":      {`{"auth_provider": {"storage_engine": "rpc"}}`, "storage", "auth_provider.storage_engine"},
		"checks from a service":     {`{"uptime_tests": {"config": {"service_discovery": {"use_discovery_service": true}}}}`, "discovery", "uptime_tests.config.service_discovery"},
		"a loop by the request":     {extended(`"url_rewrites": [{"rewrite_to": "tyk://$tyk_context.headers_X/"}]`), "loops", "version_data.versions.Default.extended_paths.url_rewrites[0].rewrite_to"},
		"a rewrite by the request":  {extended(`"url_rewrites": [{"triggers": [{"rewrite_to": "$1"}]}]`), "loops", "version_data.versions.Default.extended_paths.url_rewrites[0].triggers[0].rewrite_to"},
		"a loop with a query":       {extended(`"url_rewrites": [{"match_pattern": "/a/(.*)", "rewrite_to": "tyk://self/b/$1"}]`), "loops", "version_data.versions.Default.extended_paths.url_rewrites[0].rewrite_to"},
		"a loop with a header":      {extended(`"url_rewrites": [{"match_pattern": "/a", "rewrite_to": "tyk://self/$tyk_context.headers_X"}]`), "loops", "version_data.versions.Default.extended_paths.url_rewrites[0].rewrite_to"},
		"a proxy":                   {`{"proxy": {"transport": {"proxy_url": "http://p"}}}`, "proxy", "proxy.transport.proxy_url"},
		"no check of certificates":  {`{"proxy": {"transport": {"ssl_insecure_skip_verify": true}}}`, "trust", "proxy.transport.ssl_insecure_skip_verify"},
		"batches":                   {`{"enable_batch_request_support": true}`, "batch", "enable_batch_request_support"},
		"recordings":                {`{"enable_detailed_recording": true}`, "recording", "enable_detailed_recording"},
	} {
		t.Run(name, func(t *testing.T) {
			found := definition.NewAccess(core.Document(c.doc), nil, definition.Subjects())
			require.NotEmpty(t, found)
			assert.Equal(t, [2]string{c.subject, c.path}, [2]string{found[0].Subject, found[0].Path})
			assert.Contains(t, core.AsError(found[0].Refusal()).Message, c.path+" has the gateways ")
			assert.Empty(t, definition.NewAccess(core.Document(c.doc), core.Document(c.doc), definition.Subjects()), "what is there may stay")
			assert.Empty(t, definition.NewAccess(core.Document(c.doc), nil, nil), "nobody asks")
		})
	}
}

func TestALoopThatCopiesAPathOnlyGivesNoAccess(t *testing.T) {
	for _, pattern := range []string{`/a/([^?]*)`, `/a/(\\w+)/(.*)`, `/users/([0-9]+)`, `(`} {
		doc := extended(`"url_rewrites": [{"match_pattern": "` + pattern + `", "rewrite_to": "tyk://self/b/$1?loop_limit=2"}]`)
		assert.Empty(t, definition.NewAccess(core.Document(doc), nil, definition.Subjects()), pattern)
	}
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
