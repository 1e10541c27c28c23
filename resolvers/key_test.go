package resolvers_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"gatehouse/internal/apptest"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/token"
	"gatehouse/store"
)

const (
	makeKey = `mutation($in: KeyInput!) { it: createKey(input: $in) { token key { id keyHash alias expires revision basicAuth session policyIds } } }`
	findKey = `query($id: ID!, $by: KeyIdentifier) { it: key(id: $id, by: $by) { id keyHash alias basicAuth session revision } }`
	setKey  = `mutation($id: ID!, $by: KeyIdentifier, $in: KeyInput!) { it: updateKey(id: $id, by: $by, input: $in) { id alias revision session } }`
	dropKey = `mutation($id: ID!, $by: KeyIdentifier) { it: deleteKey(id: $id, by: $by) { id } }`
)

// keeper is a program with one API and a policy for it.
type keeper struct {
	*apptest.Server
	api, policy string
}

func newKeeper(t *testing.T, opts ...apptest.Option) keeper {
	t.Helper()
	// GATEHOUSE_TEST_KEYS=redis runs the tests of keys with keys in the gateways' Redis.
	if os.Getenv("GATEHOUSE_TEST_KEYS") == "redis" {
		opts = append([]apptest.Option{apptest.WithRedis(miniredis.RunT(t).Addr())}, opts...)
	}
	s := apptest.New(t, opts...)
	api := createApi(t, s, `{"name":"Weather"}`)
	policy := must(
		t,
		s.GraphQL(
			t,
			`mutation($api: ID!) { it: createPolicy(input: {name: "Gold", apiIds: [$api]}) { id } }`,
			map[string]any{"api": api},
		),
	).Get(
		"data.it.id",
	).Str
	return keeper{s, api, policy}
}

// input is a KeyInput that applies the policy.
func (k keeper) input(more map[string]any) map[string]any {
	in := map[string]any{"policyIds": []string{k.policy}}
	for name, v := range more {
		in[name] = v
	}
	return in
}

func (k keeper) create(t *testing.T, more map[string]any) apptest.Reply {
	t.Helper()
	return must(t, k.GraphQL(t, makeKey, map[string]any{"in": k.input(more)}))
}

// stored is the session as it lies in the store.
func (k keeper) stored(t *testing.T, id string) *core.Key {
	t.Helper()
	k.GraphQL(t, findKey, map[string]any{"id": id, "by": "HASH"}) // what is made is indexed before it is read
	found, err := k.Store.Keys.FindMany(t.Context(), store.Org(k.OrgID), "id", []string{id})
	require.NoError(t, err)
	require.Len(t, found, 1)
	return found[0]
}

func TestAHashedKeyShowsItsTokenOnceAndKeepsItNowhere(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	r := k.create(t, map[string]any{"alias": "Jo"})
	tok, id := r.Get("data.it.token").Str, r.Get("data.it.key.id").Str
	assert.Equal(t, token.Hash(tok), id)
	assert.Equal(t, id, r.Get("data.it.key.keyHash").Str)
	stored := k.stored(t, id)
	assert.NotContains(t, string(stored.Session), tok)
	for by, given := range map[string]string{"TOKEN": tok, "HASH": id, "AUTO": tok} {
		found := must(t, k.GraphQL(t, findKey, map[string]any{"id": given, "by": by}))
		assert.Equal(t, "Jo", found.Get("data.it.alias").Str, by)
		assert.NotContains(t, string(found.Body), tok)
	}
	assert.JSONEq(
		t,
		`{"data":{"it":null}}`,
		string(k.GraphQL(t, findKey, map[string]any{"id": id, "by": "TOKEN"}).Body),
		"a hash is no token",
	)
	_, other := k.Organisation(t, "other")
	assert.JSONEq(
		t,
		`{"data":{"it":null}}`,
		string(k.GraphQL(t, findKey, map[string]any{"id": tok}, "Authorization: "+other).Body),
	)
}

func TestAnUnhashedKeyIsKeptByItsTokenAndFoundByItsHash(t *testing.T) {
	t.Parallel()
	k := newKeeper(t, apptest.WithEnv("TYK_DB_HASHKEYS=false"))
	r := k.create(t, map[string]any{"alias": "Jo"})
	tok := r.Get("data.it.token").Str
	assert.Equal(t, tok, r.Get("data.it.key.id").Str)
	assert.Equal(t, token.Hash(tok), r.Get("data.it.key.keyHash").Str)
	for _, c := range [][2]string{{"TOKEN", tok}, {"HASH", token.Hash(tok)}, {"AUTO", tok}, {"AUTO", token.Hash(tok)}} {
		found := must(t, k.GraphQL(t, findKey, map[string]any{"by": c[0], "id": c[1]}))
		assert.Equal(t, "Jo", found.Get("data.it.alias").Str, "%v", c)
	}
}

func TestACustomKeyIsReplacedByTheNextOfItsName(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	first := k.create(t, map[string]any{"customId": "my-key", "alias": "First"})
	second := k.create(t, map[string]any{"customId": "my-key", "alias": "Second"})
	assert.Equal(t, first.Get("data.it.token").Str, second.Get("data.it.token").Str)
	assert.Equal(t, int64(2), second.Get("data.it.key.revision").Int())
	r := must(t, k.GraphQL(t, `{ keys { totalCount nodes { alias } } }`, nil))
	assert.JSONEq(t, `{"totalCount":1,"nodes":[{"alias":"Second"}]}`, r.Get("data.keys").Raw)
	for _, name := range []string{"my-key", k.OrgID + "my-key", first.Get("data.it.token").Str} {
		assert.Equal(t, "Second", must(t, k.GraphQL(t, findKey, map[string]any{"id": name})).Get("data.it.alias").Str, name)
	}
	for _, bad := range []string{"", "with space", `with"quote`, "ü"} {
		refused(
			t,
			k.GraphQL(t, makeKey, map[string]any{"in": k.input(map[string]any{"customId": bad})}),
			"INVALID",
			"customId must be",
		)
	}
}

func TestAKeyMustOpenSomethingThatExists(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	for name, c := range map[string]struct {
		in   map[string]any
		says []string
	}{
		"neither APIs nor policies": {map[string]any{"alias": "x"}, []string{"neither apiIds nor policyIds", "enable_master_keys"}},
		"an unknown API":            {map[string]any{"apiIds": []string{"nothing"}}, []string{"apiIds name APIs", "nothing"}},
		"an unknown policy":         {map[string]any{"policyIds": []string{k.policy, "nothing"}}, []string{"policyIds names policies", "nothing"}},
		"a session of wrong types":  {map[string]any{"session": `{"expires":"soon"}`}, []string{"expires must be a number"}},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, k.GraphQL(t, makeKey, map[string]any{"in": c.in}), "INVALID", c.says...)
		})
	}
	assert.Equal(t, int64(0), k.GraphQL(t, `{ keys { totalCount } }`, nil).Get("data.keys.totalCount").Int())
}

func TestAMasterKeyIsMadeWhereTheConfigurationAllowsIt(t *testing.T) {
	t.Parallel()
	s := apptest.New(t, apptest.WithEnv("TYK_DB_ENABLEMASTERKEYS=true"))
	must(t, s.GraphQL(t, makeKey, map[string]any{"in": map[string]any{"alias": "master"}}))
}

func TestAKeyExpiresWithTheShortestOfItsPolicies(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	k := newKeeper(t, apptest.WithStore(store.WithClock(func() time.Time { return now })))
	policy := func(name string, life int) string {
		return must(
			t,
			k.GraphQL(
				t,
				`mutation($name: String!, $life: Int64, $api: ID!) { it: createPolicy(input: {name: $name, keyExpiresIn: $life, apiIds: [$api]}) { id } }`,
				map[string]any{"name": name, "life": life, "api": k.api},
			),
		).Get(
			"data.it.id",
		).Str
	}
	hour, day := policy("Hour", 3600), policy("Day", 86400)
	at := func(d time.Duration) string { return `"` + now.Add(d).Format(time.RFC3339) + `"` }
	for name, c := range map[string]struct {
		in   map[string]any
		want string
	}{
		"the shortest":              {map[string]any{"policyIds": []string{day, hour}}, at(time.Hour)},
		"those without an end none": {map[string]any{"policyIds": []string{k.policy, day}}, at(24 * time.Hour)},
		"never without any":         {map[string]any{"policyIds": []string{k.policy}}, "null"},
		"its own end first":         {map[string]any{"policyIds": []string{hour}, "expires": now.Add(48 * time.Hour)}, at(48 * time.Hour)},
		"its own never, too":        {map[string]any{"session": fmt.Sprintf(`{"apply_policies":[%q],"expires":-1}`, hour)}, "null"},
	} {
		t.Run(name, func(t *testing.T) {
			r := must(t, k.GraphQL(t, makeKey, map[string]any{"in": c.in}))
			assert.Equal(t, c.want, r.Get("data.it.key.expires").Raw)
		})
	}
}

func TestThePasswordOfABasicAuthUserIsHashedAndKept(t *testing.T) {
	t.Parallel()
	const create = `mutation($name: String!, $password: String, $in: KeyInput!) { it: createBasicAuthUser(username: $name, password: $password, input: $in) { key { id basicAuth session } } }`
	k := newKeeper(t)
	r := must(t, k.GraphQL(t, create, map[string]any{"name": "jo", "password": "a basic password", "in": k.input(nil)}))
	id := r.Get("data.it.key.id").Str
	assert.True(t, r.Get("data.it.key.basicAuth").Bool())
	assert.Equal(t, "", r.Get("data.it.key.session.basic_auth_data.password").Str)
	hash := func() string { return k.stored(t, id).Session.Text("basic_auth_data.password") }
	first := hash()
	require.NoError(t, bcrypt.CompareHashAndPassword([]byte(first), []byte("a basic password")))
	assert.Equal(t, "bcrypt", k.stored(t, id).Session.Text("basic_auth_data.hash_type"))

	set := func(session string) {
		t.Helper()
		must(
			t,
			k.GraphQL(
				t,
				setKey,
				map[string]any{"id": "jo", "by": "USERNAME", "in": k.input(map[string]any{"session": session})},
			),
		)
	}
	set(r.Get("data.it.key.session").Raw)
	assert.Equal(t, first, hash(), "the empty password that answers show keeps it")
	set(`{"alias":"without"}`)
	assert.Equal(t, first, hash(), "so does a session that says nothing of it")
	set(`{"basic_auth_data":{"password":"` + first + `"}}`)
	assert.Equal(t, first, hash(), "so does the hash itself")
	set(`{"basic_auth_data":{"password":"another password"}}`)
	require.NoError(t, bcrypt.CompareHashAndPassword([]byte(hash()), []byte("another password")))

	refused(t, k.GraphQL(t, create, map[string]any{"name": "jo", "in": k.input(nil)}), "INVALID", "password is required")
	refused(
		t,
		k.GraphQL(t, create, map[string]any{"name": "jo:jo", "password": "x", "in": k.input(nil)}),
		"INVALID",
		"user name",
	)
	must(t, k.GraphQL(t, create, map[string]any{"name": "jo", "password": "a third one", "in": k.input(nil)}))
	require.NoError(
		t,
		bcrypt.CompareHashAndPassword([]byte(hash()), []byte("a third one")),
		"the next of the name replaces it",
	)
}

func TestTheConfigurationForbidsWhatItForbids(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env, query string
		by         string // "" for a query without a key
		says       string
	}{
		"listing hashes":   {"TYK_DB_ENABLEHASHEDKEYSLISTING=false", `{ it: keys { totalCount } }`, "", "enable_hashed_keys_listing"},
		"update by hash":   {"TYK_DB_ENABLEUPDATEKEYBYHASH=false", setKey, "HASH", "enable_update_key_by_hash"},
		"delete by hash":   {"TYK_DB_ENABLEDELETEKEYBYHASH=false", dropKey, "HASH", "enable_delete_key_by_hash"},
		"finding by name":  {"TYK_DB_DISABLEKEYACTIONSBYUSERNAME=true", findKey, "USERNAME", "disable_key_actions_by_username"},
		"deletion by name": {"TYK_DB_DISABLEKEYACTIONSBYUSERNAME=true", dropKey, "USERNAME", "disable_key_actions_by_username"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, forbidden := range []bool{true, false} {
				var opts []apptest.Option
				if forbidden {
					opts = append(opts, apptest.WithEnv(c.env))
				}
				k := newKeeper(t, opts...)
				made := k.create(t, map[string]any{"customId": "jo"})
				id := map[string]string{"HASH": made.Get("data.it.key.id").Str, "USERNAME": "jo", "": "jo"}[c.by]
				variables := map[string]any{"id": id, "in": k.input(map[string]any{"alias": "changed"})}
				if c.by != "" {
					variables["by"] = c.by
				}
				r := k.GraphQL(t, c.query, variables)
				if forbidden {
					refused(t, r, "FORBIDDEN", c.says)
					assert.Equal(t, int64(1), k.stored(t, made.Get("data.it.key.id").Str).Revision, "nothing changed")
				} else {
					must(t, r)
				}
			}
		})
	}
}

func TestAPreviewChecksAndKeepsNothing(t *testing.T) {
	t.Parallel()
	const preview = `query($in: KeyInput!) { it: previewKey(input: $in) { alias session } }`
	k := newKeeper(t)
	r := must(t, k.GraphQL(t, preview, map[string]any{"in": k.input(map[string]any{"alias": "maybe"})}))
	assert.Equal(t, "maybe", r.Get("data.it.alias").Str)
	assert.Equal(t, k.OrgID, r.Get("data.it.session.org_id").Str)
	refused(
		t,
		k.GraphQL(t, preview, map[string]any{"in": map[string]any{"policyIds": []string{"nothing"}}}),
		"INVALID",
		"nothing",
	)
	assert.Equal(t, int64(0), k.GraphQL(t, `{ keys { totalCount } }`, nil).Get("data.keys.totalCount").Int())
}

func TestKeysAreFoundByWhatTheyHave(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	now := time.Now().UTC()
	other := createApi(t, k.Server, `{"name":"Rain"}`)
	k.create(t, map[string]any{"alias": "Policy key", "tags": []string{"gold"}})
	k.create(
		t,
		map[string]any{
			"alias":     "Own rights",
			"apiIds":    []string{other},
			"policyIds": []string{},
			"expires":   now.Add(time.Hour),
		},
	)
	k.create(t, map[string]any{"alias": "Off", "inactive": true, "expires": now.Add(48 * time.Hour)})
	must(
		t,
		k.GraphQL(
			t,
			`mutation($in: KeyInput!) { createBasicAuthUser(username: "jo", password: "password", input: $in) { token } }`,
			map[string]any{"in": k.input(map[string]any{"alias": "Basic"})},
		),
	)
	for filter, want := range map[string]string{
		`{alias: "KEY"}`:                      `["Policy key"]`,
		`{tag: "gold"}`:                       `["Policy key"]`,
		`{policyId: "` + k.policy + `"}`:      `["Basic","Off","Policy key"]`,
		`{apiId: "` + k.api + `"}`:            `["Basic","Off","Policy key"]`,
		`{apiId: "` + other + `"}`:            `["Own rights"]`,
		`{inactive: true}`:                    `["Off"]`,
		`{basicAuth: true}`:                   `["Basic"]`,
		`{basicAuth: false, inactive: false}`: `["Own rights","Policy key"]`,
		`{expiresBefore: "` + now.Add(24*time.Hour).Format(time.RFC3339) + `"}`: `["Own rights"]`,
		`{expiresAfter: "` + now.Add(24*time.Hour).Format(time.RFC3339) + `"}`:  `["Off"]`,
		`{q: "nothing has this"}`: `[]`,
	} {
		r := must(t, k.GraphQL(t, `{ keys(filter: `+filter+`) { nodes { alias } } }`, nil))
		assert.Equal(t, want, r.Get("data.keys.nodes.#.alias").Raw, filter)
	}
}

func TestAKeyIsFoundByEitherIdOfItsPolicy(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	r := must(
		t,
		k.GraphQL(
			t,
			`mutation($apis: [ID!]) { it: createPolicy(input: {policyId: "platinum", name: "Platinum", apiIds: $apis}) { id } }`,
			map[string]any{"apis": []string{k.api}},
		),
	)
	k.create(t, map[string]any{"alias": "by database id", "policyIds": []string{r.Get("data.it.id").Str}})
	k.create(t, map[string]any{"alias": "by explicit id", "policyIds": []string{"platinum"}})
	const both = `["by explicit id","by database id"]`
	r = must(
		t,
		k.GraphQL(
			t,
			`{ policy(id: "platinum") { keys { totalCount nodes { alias } } } keys(filter: {policyId: "platinum"}) { nodes { alias } } }`,
			nil,
		),
	)
	assert.Equal(t, both, r.Get("data.policy.keys.nodes.#.alias").Raw)
	assert.Equal(t, int64(2), r.Get("data.policy.keys.totalCount").Int())
	assert.Equal(t, both, r.Get("data.keys.nodes.#.alias").Raw)
}
