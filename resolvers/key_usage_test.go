package resolvers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"gatehouse/internal/apptest"
	"gatehouse/internal/gateway/keyspace"
	"gatehouse/internal/gateway/notify"
	"gatehouse/internal/gateway/token"
	"gatehouse/store"
)

// metered is a keeper whose keys live in Redis, with a clock that stands still.
type metered struct {
	keeper
	redis *miniredis.Miniredis
	now   *time.Time
}

func newMetered(t *testing.T, opts ...apptest.Option) metered {
	t.Helper()
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	r := miniredis.RunT(t)
	clock := apptest.WithStore(store.WithClock(func() time.Time { return now }))
	return metered{newKeeper(t, append(opts, apptest.WithRedis(r.Addr()), clock)...), r, &now}
}

// session is the one in Redis.
func (m metered) session(t *testing.T, id string) gjson.Result {
	t.Helper()
	raw, err := m.redis.Get("apikey-" + id)
	require.NoError(t, err)
	return gjson.Parse(raw)
}

// heard is what gateways hear from now on.
func (m metered) heard(t *testing.T) <-chan *redis.Message {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: m.redis.Addr()})
	t.Cleanup(func() { _ = client.Close() })
	channel := client.Subscribe(t.Context(), notify.Channel)
	t.Cleanup(func() { _ = channel.Close() })
	_, err := channel.Receive(t.Context())
	require.NoError(t, err)
	return channel.Channel()
}

// forgotten waits until gateways were told to forget every one of names.
func forgotten(t *testing.T, heard <-chan *redis.Message, names ...string) {
	t.Helper()
	for late := time.After(10 * time.Second); len(names) > 0; {
		select {
		case m := <-heard:
			if gjson.Get(m.Payload, "command").Str == string(notify.KeySpaceUpdated) {
				told := strings.Split(gjson.Get(m.Payload, "payload").Str, ",")
				names = slices.DeleteFunc(names, func(name string) bool { return slices.Contains(told, name) })
			}
		case <-late:
			t.Fatalf("gateways are not told to forget %q", names)
		}
	}
}

const limitsOfKey = `{"rate":10,"per":60,"quota_max":10,"quota_renewal_rate":3600,"access_rights":{%q:{"api_id":%[1]q,"limit":{"rate":1,"per":60,"quota_max":3,"quota_renewal_rate":60}}}}`

func TestUsageOfAKeyIsShownAndReset(t *testing.T) {
	t.Parallel()
	m := newMetered(t)
	r := m.REST(t, "POST", "/api/keys", fmt.Sprintf(limitsOfKey, m.api))
	require.Equal(t, 200, r.Status, string(r.Body))
	tok, id := r.Get("key_id").Str, r.Get("key_hash").Str
	const usage = `query($id: ID!) { it: key(id: $id) { usage { counters { nodes { scope quotaMax quotaRemaining rateUsed rate per } } } } }`
	shown := must(t, m.GraphQL(t, usage, map[string]any{"id": tok}))
	assert.JSONEq(t, `[{"scope":"","quotaMax":10,"quotaRemaining":10,"rateUsed":null,"rate":10,"per":60},
		{"scope":"`+m.api+`","quotaMax":3,"quotaRemaining":3,"rateUsed":null,"rate":1,"per":60}]`, shown.Get("data.it.usage.counters.nodes").Raw)

	require.NoError(t, m.redis.Set("quota-"+id, "4"))
	require.NoError(t, m.redis.Set("quota-"+m.api+"-"+id, "1"))
	m.redis.SetTTL("quota-"+id, time.Hour)
	got := m.REST(t, "GET", "/api/keys/"+tok, "")
	assert.Equal(t, int64(6), got.Get("data.quota_remaining").Int(), string(got.Body))
	assert.InDelta(t, time.Now().Add(time.Hour).Unix(), got.Get("data.quota_renews").Int(), 5)
	assert.Equal(t, int64(2), got.Get("data.access_rights."+m.api+".limit.quota_remaining").Int())
	assert.Equal(t, `"1"`, got.Header.Get("ETag"), "counting is no change")

	reset := m.REST(t, "PUT", "/api/keys/"+tok+"/reset-quota", "")
	require.Equal(t, 200, reset.Status, string(reset.Body))
	assert.False(t, m.redis.Exists("quota-"+id))
	assert.False(t, m.redis.Exists("quota-"+m.api+"-"+id))
	assert.Equal(t, `"1"`, reset.Header.Get("ETag"))
}

func TestALegacyUpdateStartsLimitsAnewUnlessItIsAskedNotTo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		query string
		fresh bool
	}{"it does": {"", true}, "it is asked not to": {"?suppress_reset=1", false}, "it is asked not to in other words, which gateways do not know": {"?suppress_reset=true", true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMetered(t)
			r := m.REST(t, "POST", "/api/keys", fmt.Sprintf(limitsOfKey, m.api))
			tok, id := r.Get("key_id").Str, r.Get("key_hash").Str
			made := m.session(t, id)
			assert.Equal(t, fmt.Sprint(m.now.Unix()), made.Get("last_updated").Str)
			assert.Equal(t, m.now.Unix()+3600, made.Get("quota_renews").Int())
			require.NoError(t, m.redis.Set("quota-"+id, "4"))
			*m.now = m.now.Add(time.Minute)
			r = m.REST(t, "PUT", "/api/keys/"+tok+c.query, `{"alias":"renamed",`+fmt.Sprintf(limitsOfKey, m.api)[1:])
			require.Equal(t, 200, r.Status, string(r.Body))
			after := m.session(t, id)
			assert.Equal(t, "renamed", after.Get("alias").Str)
			if c.fresh {
				assert.Equal(t, fmt.Sprint(m.now.Unix()), after.Get("last_updated").Str)
				assert.Equal(t, m.now.Unix()+3600, after.Get("quota_renews").Int())
				assert.False(t, m.redis.Exists("quota-"+id))
			} else {
				assert.Equal(t, made.Get("last_updated").Str, after.Get("last_updated").Str)
				assert.Equal(t, made.Get("quota_renews").Int(), after.Get("quota_renews").Int())
				assert.True(t, m.redis.Exists("quota-"+id))
			}
		})
	}
}

func TestAChangeByGraphQLLeavesTheLimitsAlone(t *testing.T) {
	t.Parallel()
	m := newMetered(t)
	r := m.create(t, nil)
	id := r.Get("data.it.key.id").Str
	made := m.session(t, id)
	require.NoError(t, m.redis.Set("quota-"+id, "4"))
	*m.now = m.now.Add(time.Minute)
	must(
		t,
		m.GraphQL(t, setKey, map[string]any{"id": r.Get("data.it.token").Str, "in": map[string]any{"alias": "renamed"}}),
	)
	assert.Equal(t, made.Get("last_updated").Raw, m.session(t, id).Get("last_updated").Raw)
	assert.True(t, m.redis.Exists("quota-"+id))
}

func TestACustomKeyThatIsReplacedBeginsAnewAtTheGatewaysToo(t *testing.T) {
	t.Parallel()
	m := newMetered(t)
	limits := fmt.Sprintf(limitsOfKey, m.api)
	r := m.REST(t, "POST", "/api/keys/my-key", limits)
	require.Equal(t, 200, r.Status, string(r.Body))
	tok, id := r.Get("key_id").Str, r.Get("key_hash").Str
	require.NoError(t, m.redis.Set("quota-"+id, "4"))
	heard := m.heard(t)
	again := m.REST(t, "POST", "/api/keys/my-key", `{"is_inactive":true,`+limits[1:])
	require.Equal(t, 200, again.Status, string(again.Body))
	require.Equal(t, tok, again.Get("key_id").Str)
	assert.False(t, m.redis.Exists("quota-"+id), "its quota, as its session says")
	forgotten(t, heard, keyspace.CacheNames(id, tok)...)
}

func TestAKeyIsFoundByBothIDsOfItsPolicyWhoeverMadeIt(t *testing.T) {
	t.Parallel()
	m := newMetered(t)
	p := must(
		t,
		m.GraphQL(
			t,
			`mutation($api: ID!) { it: createPolicy(input: {document: "{\"id\":\"gold\",\"name\":\"Explicit\",\"active\":true}", apiIds: [$api]}) { id policyId } }`,
			map[string]any{"api": m.api},
		),
	)
	db, public := p.Get("data.it.id").Str, p.Get("data.it.policyId").Str
	tok := token.Generate(m.OrgID, token.Default)
	require.NoError(t, m.redis.Set("apikey-"+token.Hash(tok), `{"org_id":"`+m.OrgID+`","apply_policies":["`+db+`"]}`))
	require.Equal(t, token.Hash(tok), must(t, m.GraphQL(t, findKey, map[string]any{"id": tok})).Get("data.it.id").Str)
	for _, id := range []string{db, public} {
		r := must(t, m.GraphQL(t, `query($p: ID!) { keys(filter: {policyId: $p}) { totalCount } }`, map[string]any{"p": id}))
		assert.Equal(t, int64(1), r.Get("data.keys.totalCount").Int(), id)
	}
}

func TestAKeyOfACertificateIsKeptUnderItsName(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	certificate := k.OrgID + "5cbd5b9f1a4e3bb1f9a9ef3ff1ce2ad4a36ec6c3fd8e7a8e7bcfdb0a8a3ab2bb"
	in := map[string]any{"in": k.input(map[string]any{"session": fmt.Sprintf(`{"certificate":%q}`, certificate)})}
	r := must(t, k.GraphQL(t, makeKey, in))
	assert.Equal(t, token.Custom(k.OrgID, certificate, token.Default), r.Get("data.it.token").Str)
	refused(t, k.GraphQL(t, makeKey, in), "CONFLICT", "another key")
}

func TestTheKeysOfADeletedOrganisationAreGoneFromRedis(t *testing.T) {
	t.Parallel()
	m := newMetered(t)
	r := m.create(t, nil)
	id := r.Get("data.it.key.id").Str
	require.NoError(t, m.redis.Set("quota-"+id, "4"))
	gone := m.REST(t, "DELETE", "/admin/organisations/"+m.OrgID+"?cascade=true", "")
	require.Equal(t, 200, gone.Status, string(gone.Body))
	assert.False(t, m.redis.Exists("apikey-"+id))
	assert.False(t, m.redis.Exists("quota-"+id))
}

func TestTheKeyIndexTellsWhereKeysLive(t *testing.T) {
	t.Parallel()
	const index = `{ it: keyIndex { inRedis progress completedAt pending } }`
	assert.JSONEq(
		t,
		`{"inRedis":false,"progress":1,"completedAt":null,"pending":0}`,
		must(t, apptest.New(t).GraphQL(t, index, nil)).Get("data.it").Raw,
	)
	m := newMetered(t)
	assert.True(t, must(t, m.GraphQL(t, index, nil)).Get("data.it.inRedis").Bool())
	asked := must(
		t,
		m.GraphQL(t, `mutation { it: rebuildKeyIndex { inRedis scanning } }`, nil, "admin-auth: "+apptest.AdminSecret),
	)
	assert.JSONEq(t, `{"inRedis":true,"scanning":true}`, asked.Get("data.it").Raw)
	m.redis.Close()
	refused(t, m.GraphQL(t, index, nil), "UNAVAILABLE", "Redis")
	refused(t, m.GraphQL(t, makeKey, map[string]any{"in": m.input(nil)}), "UNAVAILABLE", "Redis")
}
