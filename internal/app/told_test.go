package app_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"gatehouse/internal/apptest"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/token"
	"gatehouse/store"
	"gatehouse/store/sql"
)

// gatewayField is a field of a document that gateways read, of a kind that can hold a name of something.
type gatewayField struct {
	name, kind string
}

// gatewayTypes are the types that gateways decode, as internal/gateway/definition has them.
func gatewayTypes(t *testing.T) map[string][]gatewayField {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "gateway", "definition", "fields.txt"))
	require.NoError(t, err)
	defer f.Close()
	types, current := map[string][]gatewayField{}, ""
	for lines := bufio.NewScanner(f); lines.Scan(); {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) == 0 || words[0][0] == '#':
		case !strings.HasPrefix(lines.Text(), " "):
			current = words[0]
			types[current] = nil
		default:
			types[current] = append(types[current], gatewayField{words[0], words[1]})
		}
	}
	return types
}

// namingField is a field in a document, by a path for sjson, with what it names: see testdata/named.txt.
type namingField struct{ path, names string }

// namingFields are all of the places in a document of a type where it may name something. Each field that can hold a
// text is in named.txt, so that one which is new to gateways is decided upon: what it names, and that what is another
// organisation's is kept out of it.
func namingFields(
	t *testing.T,
	types map[string][]gatewayField,
	root string,
	named map[string]string,
	seen map[string]bool,
) []namingField {
	t.Helper()
	var out []namingField
	var walk func(name, path string, above []string)
	walk = func(name, path string, above []string) {
		for _, f := range types[name] {
			kind, at := f.kind, path+f.name
			for strings.HasPrefix(kind, "[]") || strings.HasPrefix(kind, "{}") {
				if kind[0] == '[' {
					at += ".0"
				} else {
					at += ".KEY"
				}
				kind = kind[2:]
			}
			_, inner := types[kind]
			if id := name + "." + f.name; kind == "string" || kind == "any" || kind == "raw" || kind == "id" ||
				strings.HasPrefix(f.kind, "{}") {
				what, decided := named[id]
				assert.True(t, decided, "testdata/named.txt does not say what %s names", id)
				seen[id] = true
				if what != "-" && decided {
					out = append(out, namingField{at, what})
				}
			}
			if inner && !slices.Contains(above, kind) {
				walk(kind, at+".", append(above, kind))
			}
		}
	}
	walk(root, "", []string{root})
	return out
}

// readNamed reads testdata/named.txt.
func readNamed(t *testing.T) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "named.txt"))
	require.NoError(t, err)
	out := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		if id, what, ok := strings.Cut(strings.TrimSpace(line), " "); ok && !strings.HasPrefix(line, "#") {
			out[id] = what
		}
	}
	return out
}

// badNeighbours are an organisation beside one that must not be told of.
type badNeighbours struct {
	host, visitor tenant
	// gone is an API of the host's that is deleted.
	gone string
	// theirs is how the host's things are named: by what a place names.
	theirs map[string][]string
}

// plant has the place of a document name the id: as it is spelled, and in other capitals, which gateways read as well.
func (h badNeighbours) plant(doc string, p namingField, id string) []string {
	set := func(path string) string {
		if strings.Contains(path, "KEY") && p.names == "api-key" {
			path = strings.Replace(path, "KEY", id, 1)
		}
		value := fmt.Appendf(nil, "%q", id)
		switch p.names {
		case "api-key":
			value = []byte(`{"versions":["Default"]}`)
		case "custom":
			path = strings.TrimSuffix(path, ".KEY")
			value = fmt.Appendf(nil, `{"policies":[{"id":"x","org_id":%q,"access_rights":{%q:{}}}]}`, h.host.id, id)
		}
		return string(core.Document(doc).SetRaw(path, value))
	}
	capitals := strings.Split(p.path, ".")
	capitals[0] = strings.ToUpper(capitals[0])
	return []string{set(p.path), set(strings.Join(capitals, "."))}
}

// told reads all that a gateway loads.
func told(t *testing.T, s *apptest.Server) map[string][]gjson.Result {
	t.Helper()
	node := s.Do(t, "GET", "/register/node", "", "authorization: node-secret", "x-tyk-hostname: h", "x-tyk-session-id: s")
	require.Equal(t, 200, node.Status, "%s", node.Body)
	id, nonce := node.Get("Message.NodeID").Str, node.Get("Nonce").Str
	out := map[string][]gjson.Result{}
	for _, path := range []string{"/system/policies", "/system/apis"} {
		r := s.Do(
			t,
			"GET",
			path,
			"",
			"authorization: node-secret",
			"x-tyk-session-id: s",
			"x-tyk-nodeid: "+id,
			"x-tyk-nonce: "+nonce,
		)
		require.Equal(t, 200, r.Status, "%s", r.Body)
		nonce = r.Get("Nonce").Str
		for _, element := range r.Get("Message").Array() {
			if path == "/system/apis" {
				element = element.Get("api_definition")
			}
			out[path] = append(out[path], element)
		}
	}
	return out
}

func TestNothingThatGatewaysAreToldNamesAnotherOrganisation(t *testing.T) {
	t.Parallel()
	engine, err := sql.OpenMemory(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = engine.Close() })
	options := []apptest.Option{
		apptest.WithEngine(engine),
		apptest.WithEnv(
			"TYK_DB_NODESECRET=node-secret",
			"TYK_DB_ALLOWEXPLICITPOLICYID=true",
			"TYK_DB_ENABLEDUPLICATESLUGS=true",
		),
	}
	s := apptest.New(t, options...)
	h := badNeighbours{host: furnish(t, s, marker), visitor: furnish(t, s, visitorName), gone: marker + "-gone"}
	require.Equal(t, 200, shareApi(t, s, h.host.accessKey, h.gone).Status)
	require.Equal(t, 200, s.Do(t, "DELETE", "/api/apis/"+h.gone, "", "Authorization: "+h.host.accessKey).Status)
	h.theirs = map[string][]string{
		"org":     {h.host.id},
		"api-key": {h.host.apiID, h.gone},
		"api":     {h.host.apiID, h.gone},
		"version": {h.host.apiID},
		"policy": {
			h.host.policy,
		},
		"self-api":    {h.host.apiID},
		"self-id":     {h.host.api},
		"self-policy": {h.host.policy},
		"custom":      {h.host.apiID, h.gone},
	}
	types, named, seen := gatewayTypes(t), readNamed(t), map[string]bool{}

	// Documents of the visitor, as nobody looked at them, with a name of the host's in each place that there is.
	n := 0
	var sessions []*core.Key
	each := func(root, base string, keep func(doc string)) {
		for _, p := range namingFields(t, types, root, named, seen) {
			require.NotEmpty(t, h.theirs[p.names], "%s names %q, which is nothing", p.path, p.names)
			for _, id := range h.theirs[p.names] {
				for _, doc := range h.plant(base, p, id) {
					n++
					keep(strings.ReplaceAll(doc, "N-TH", fmt.Sprint(n)))
				}
			}
		}
	}
	meta := func() core.Meta { return core.Meta{ID: core.NewID(time.Now()), OrgID: h.visitor.id} }
	each(
		"APIDefinition",
		`{"name":"hostile N-TH","active":true,"slug":"hostile-N-TH","proxy":{"listen_path":"/hostile-N-TH/"},"definition":{"enabled":true},"version_data":{"versions":{}}}`,
		func(doc string) {
			m := meta()
			if !gjson.Get(doc, "api_id").Exists() {
				doc = string(core.Document(doc).Set("api_id", fmt.Sprintf("hostile-%d", n)))
			}
			wrapped := core.Document(
				`{"api_definition":` + doc + `,"hook_references":[{"event_name":"QuotaExceeded","hook":{"id":"` + h.host.webhook + `"}}]}`,
			)
			a := core.NewApi(m, wrapped)
			if a.ApiID == h.host.apiID {
				return // the database holds that an id is there once
			}
			require.NoError(t, s.Store.Apis.Create(t.Context(), a))
		},
	)
	each("Policy", `{"name":"hostile N-TH"}`, func(doc string) {
		p := core.NewPolicy(meta(), core.Document(doc))
		if p.PolicyID == h.host.policy {
			return
		}
		require.NoError(t, s.Store.Policies.Create(t.Context(), p))
	})
	each("SessionState", fmt.Sprintf(`{"alias":"hostile N-TH","org_id":%q}`, h.visitor.id), func(doc string) {
		sessions = append(
			sessions,
			core.NewKey(
				core.Meta{ID: token.Hash(token.Generate(h.visitor.id, token.Murmur64)), OrgID: h.visitor.id},
				core.Document(doc),
			),
		)
	})
	for id := range named {
		assert.True(t, seen[id], "testdata/named.txt decides on %s, which gateways do not know", id)
	}
	for i, k := range sessions {
		if i%2 == 0 { // the index of an earlier version; the others lie in Redis
			require.NoError(t, s.Store.Keys.Create(t.Context(), k))
		}
	}

	clean := func(what string, doc gjson.Result) {
		t.Helper()
		text := doc.Raw
		for _, id := range h.host.identifiers(marker) {
			assert.NotContains(t, text, id, what)
		}
		assert.NotContains(t, text, marker, what)
		owned := false
		doc.ForEach(func(name, value gjson.Result) bool {
			if strings.EqualFold(name.Str, "org_id") {
				owned = true
				assert.Equal(t, h.visitor.id, value.String(), what)
			}
			return true
		})
		assert.True(t, owned, "%s: nobody's: %s", what, text)
	}
	feeds := told(t, s)
	counts := map[string]int{}
	for path, documents := range feeds {
		for _, doc := range documents {
			if strings.HasPrefix(doc.Get("name").Str, "hostile") {
				counts[path]++
				clean(path, doc)
			}
		}
	}
	assert.Greater(t, counts["/system/apis"], 10)
	assert.Greater(t, counts["/system/policies"], 8)

	// An empty Redis is given what the index has, and sessions in it are looked at.
	redis := miniredis.RunT(t)
	withRedis := apptest.New(t, append(options, apptest.WithRedis(redis.Addr()))...)
	require.Eventually(
		t,
		func() bool { return redis.Exists("apikey-" + sessions[0].ID) },
		20*time.Second,
		10*time.Millisecond,
	)
	for i, k := range sessions {
		if i%2 == 1 {
			require.NoError(t, redis.Set("apikey-"+k.ID, string(k.Session)))
		}
		r := withRedis.Do(t, "GET", "/api/keys/"+k.ID+"?hashed=1", "", "Authorization: "+h.visitor.accessKey)
		require.Equal(t, 200, r.Status, "%s", r.Body)
	}
	found := 0
	for _, name := range redis.Keys() {
		id, isSession := strings.CutPrefix(name, "apikey-")
		if !isSession {
			assert.True(t, strings.HasPrefix(name, "gatehouse-"), "nobody looks at %s in Redis", name)
			continue
		}
		text, err := redis.Get(name)
		require.NoError(t, err)
		if doc := gjson.Parse(text); strings.HasPrefix(doc.Get("alias").Str, "hostile") {
			found++
			clean("session "+id, doc)
			assert.False(
				t,
				core.NewKey(core.Meta{}, core.Document(text)).OpensAll() && !opensAll(sessions, id),
				"what it named is gone, and so it opens everything: %s",
				text,
			)
		}
	}
	assert.Equal(t, len(sessions), found)
}

// opensAll tells whether the key was a master key as it was made.
func opensAll(keys []*core.Key, id string) bool {
	return slices.ContainsFunc(keys, func(k *core.Key) bool { return k.ID == id && k.OpensAll() })
}

// TestEveryCollectionIsDecidedUponForGateways fails for a new collection until it is known whether gateways are told of
// it.
func TestEveryCollectionIsDecidedUponForGateways(t *testing.T) {
	t.Parallel()
	told := map[string]bool{
		// see TestNothingThatGatewaysAreToldNamesAnotherOrganisation
		"apis": true, "policies": true, "keys": true, "webhooks": true,
		"oauth_clients": true, // resolvers: TestAnOauthClientOfBeforeIsConfinedToItsOrganisationAtTheGateway
		"certificates":  true, // internal/gateway/certificate
		"organisations": false, "users": false, "user_groups": false, "nodes": false, "settings": false,
		"portal_documents": false, "audit_records": false, "sessions": false, "tickets": false,
	}
	for _, c := range store.Collections() {
		_, decided := told[c.Name]
		assert.True(t, decided, "nobody has decided whether gateways are told of %s", c.Name)
		delete(told, c.Name)
	}
	assert.Empty(t, told, "these are no collections")
}
