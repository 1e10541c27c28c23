package keyspace_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/keyspace"
	"gatehouse/internal/gateway/redistest"
	"gatehouse/internal/gateway/token"
	"gatehouse/store"
)

func TestAKeyThatIsMadeIsInRedisAtOnceAndInTheIndexWhenItIsRead(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		w := start(t, database(t), addr).anchored(t)
		told := w.told(t)
		k := key(1)
		require.NoError(t, w.Create(t.Context(), k))
		assert.Equal(t, string(key(1).Session), w.get(t, name(1)), "byte for byte")
		assert.Equal(t, int64(1), k.Revision)
		l, err := w.List(t.Context(), store.Query{Tenant: store.Org(org), Limit: 10})
		require.NoError(t, err)
		require.Len(t, l.Objects, 1)
		assert.Equal(t, "customer 1", l.Objects[0].Alias)
		n, err := w.CountByLabel(t.Context(), store.Org(org), "api", "weather")
		require.NoError(t, err)
		assert.Equal(t, 1, n["weather"])
		eventually(t, func(c *assert.CollectT) { assert.Zero(c, w.marks(t)) })
		assert.Empty(t, told(), "who made it tells of it")

		taken := key(1)
		err = w.Create(t.Context(), taken)
		require.ErrorIs(t, err, store.ErrConflict)
		var conflict *store.ConflictError
		require.ErrorAs(t, err, &conflict)
		assert.Equal(t, "keys.id", conflict.Collection+"."+conflict.Unique)
	})
}

func TestAnUpdateReplacesTheSessionOfItsRevisionAndNoOther(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		w := start(t, database(t), addr).anchored(t)
		require.NoError(t, w.Create(t.Context(), key(1)))
		k := *w.one(t, id(1))
		k.Session = k.Session.Set("alias", "renamed")
		require.NoError(t, w.Update(t.Context(), &k))
		assert.Equal(t, int64(2), k.Revision)
		assert.Equal(t, string(k.Session), w.get(t, name(1)))
		assert.Equal(t, "renamed", w.row(t, id(1)).Alias)

		stale := k
		stale.Revision = 1
		require.ErrorIs(t, w.Update(t.Context(), &stale), store.ErrStale)
		require.ErrorIs(t, w.Delete(t.Context(), &stale), store.ErrStale)
		elsewhere := k
		elsewhere.OrgID = "another"
		require.ErrorIs(t, w.Update(t.Context(), &elsewhere), store.ErrStale)

		w.set(t, name(1), string(k.Session.Set("alias", "by a gateway")))
		require.ErrorIs(t, w.Update(t.Context(), &k), store.ErrStale, "a gateway was first")
		assert.Equal(t, "by a gateway", w.one(t, id(1)).Alias)
		assert.Equal(t, int64(3), w.one(t, id(1)).Revision)

		next := *w.one(t, id(1))
		require.NoError(t, w.Delete(t.Context(), &next))
		assert.Empty(t, w.get(t, name(1)))
		assert.Nil(t, w.row(t, id(1)))
		assert.Nil(t, w.one(t, id(1)))
		require.ErrorIs(t, w.Delete(t.Context(), &next), store.ErrStale)
		assert.Zero(t, w.marks(t))
	})
}

func TestWhatGatewaysNoteInASessionMovesNoRevision(t *testing.T) {
	w := start(t, database(t), redistest.Start(t).Addr).anchored(t)
	require.NoError(
		t,
		w.Create(
			t.Context(),
			key(
				1,
				"tags",
				`["a","b"]`,
				"quota_max",
				"5",
				"access_rights",
				`{"weather":{"api_id":"weather","limit":{"quota_max":3,"quota_remaining":3}}}`,
			),
		),
	)
	k := *w.one(t, id(1))
	noted := k.Session.Set(
		"quota_remaining",
		3,
	).Set(
		"quota_renews",
		99,
	).Set(
		"last_check",
		7,
	).Set(
		"tags",
		[]string{"b", "a"},
	).Set(
		"access_rights.weather.limit.quota_remaining",
		1,
	)
	w.set(t, name(1), string(noted))
	got := w.one(t, id(1))
	assert.Equal(t, int64(1), got.Revision)
	assert.Equal(t, int64(3), got.Session.Get("quota_remaining").Int(), "the session is the one of Redis")
	k.Session = noted.Set("alias", "renamed")
	require.NoError(t, w.Update(t.Context(), &k), "so an edit of that revision is not stale")
	assert.Equal(t, int64(2), k.Revision)
}

func TestOnlyOneOfManyEditsOfARevisionWins(t *testing.T) {
	s, addr := database(t), redistest.Start(t).Addr
	servers := []*world{start(t, s, addr).anchored(t), start(t, s, addr)}
	require.NoError(t, servers[0].Create(t.Context(), key(1)))
	old := servers[1].one(t, id(1))
	var won atomic.Int64
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			k := *old
			k.Session = k.Session.Set("alias", id(i))
			if err := servers[i%2].Update(context.Background(), &k); err == nil {
				won.Add(1)
			} else if !errors.Is(err, store.ErrStale) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 1, won.Load())
	assert.Equal(t, int64(2), servers[0].one(t, id(1)).Revision)
}

func TestAKeyMadeAtAGatewayIsFoundByItsIDAtOnceAndTold(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		w := start(t, database(t), addr).anchored(t)
		told := w.told(t)
		w.set(t, name(7), string(key(7).Session))
		got := w.one(t, id(7))
		require.NotNil(t, got)
		assert.Equal(t, "customer 7", got.Alias)
		assert.Equal(t, int64(1), got.Revision)
		assert.Equal(t, 1, w.total(t))
		assert.Equal(t, []string{"CREATED " + id(7) + " 1"}, told())

		w.set(t, name(7), string(key(7, "alias", `"changed"`).Session))
		assert.Equal(t, "changed", w.one(t, id(7)).Alias)
		require.NoError(t, w.redis.Del(t.Context(), name(7)).Err())
		assert.Nil(t, w.one(t, id(7)))
		assert.Zero(t, w.total(t))
		assert.Equal(t, []string{"UPDATED " + id(7) + " 2", "DELETED " + id(7) + " 2"}, told())
	})
}

func TestASessionOfAnotherOrganisationIsNotShown(t *testing.T) {
	w := start(t, database(t), redistest.Start(t).Addr).anchored(t)
	w.set(t, name(1), `{"org_id":"another"}`)
	assert.Nil(t, w.one(t, id(1)))
	assert.Equal(t, "another", w.row(t, id(1)).OrgID, "and is indexed under its own")
	w.set(t, name(1), string(key(1).Session))
	assert.Equal(t, int64(1), w.one(t, id(1)).Revision, "one that moved to another organisation is a new object there")
	n, err := w.Count(t.Context(), store.Org("another"))
	require.NoError(t, err)
	assert.Zero(t, n)
}

func TestWhatIsNoSessionIsLeftAlone(t *testing.T) {
	w := start(t, database(t), redistest.Start(t).Addr).anchored(t)
	for i, raw := range []string{"", "{", "[]", `"x"`, `{"org_id":"a","org_id":"b"}`, `{"org_id":"` + strings.Repeat("x", 65) + `"}`} {
		w.set(t, name(i), raw)
		assert.Nil(t, w.one(t, id(i)), raw)
	}
	w.set(t, "apikey-"+strings.Repeat("x", 300), string(key(1).Session))
	require.NoError(t, w.redis.SAdd(t.Context(), "apikey-set", "x").Err())
	assert.Nil(t, w.one(t, "set"))
	w.set(t, name(50), string(key(50).Session))
	w.Rebuild()
	eventually(t, func(c *assert.CollectT) { assert.NotNil(c, w.row(t, id(50))) })
	assert.Equal(t, 1, w.total(t))
}

func TestASessionLivesForAsLongAsItSays(t *testing.T) {
	at := time.Now().Add(time.Hour).Unix()
	w := start(t, database(t), redistest.Start(t).Addr).anchored(t)
	hour, week := time.Hour, 7*24*time.Hour
	for i, c := range []struct {
		says   string
		fields map[string]any
		want   time.Duration
	}{
		{"nothing", nil, 0},
		{"never", map[string]any{"expires": -1}, 0},
		{"an end, behind which it stays a week", map[string]any{"expires": at}, hour + week},
		{"an end that is over", map[string]any{"expires": 1000}, week},
		{"that it goes with its end", map[string]any{"expires": at, "post_expiry_action": "delete"}, hour},
		{"that it stays a while", map[string]any{"expires": at, "post_expiry_action": "retain", "post_expiry_grace_period": 60}, hour + time.Minute},
		{"that it stays for ever", map[string]any{"expires": at, "post_expiry_action": "retain", "post_expiry_grace_period": -1}, 0},
		{"a life of its own", map[string]any{"expires": at, "session_lifetime": 60}, time.Minute},
	} {
		t.Run(c.says, func(t *testing.T) {
			k := key(i)
			for field, v := range c.fields {
				k.Session = k.Session.Set(field, v)
			}
			ttl := func() time.Duration { return w.redis.TTL(t.Context(), name(i)).Val() }
			require.NoError(t, w.Create(t.Context(), k))
			assert.InDelta(t, max(c.want, -time.Nanosecond), max(ttl(), 0), float64(5*time.Second))
			next := *w.one(t, id(i))
			next.Session = next.Session.Set("alias", "again")
			require.NoError(t, w.Update(t.Context(), &next))
			assert.InDelta(t, max(c.want, -time.Nanosecond), max(ttl(), 0), float64(5*time.Second))
		})
	}
}

func TestAKeyKeptByItsTokenIsFoundByItsHash(t *testing.T) {
	w := start(t, database(t), redistest.Start(t).Addr).anchored(t)
	tok := token.Generate(org, token.SHA256)
	w.set(t, "apikey-"+tok, string(key(1).Session))
	require.NotNil(t, w.one(t, tok))
	l, err := w.List(
		t.Context(),
		store.Query{Tenant: store.Org(org), Limit: 1, Where: []store.Cond{store.HasLabel("hash", token.Hash(tok))}},
	)
	require.NoError(t, err)
	require.Len(t, l.Objects, 1)
	assert.Equal(t, tok, l.Objects[0].ID)
}

func TestWithoutRedisKeysAreReadFromTheIndexAndNothingIsWritten(t *testing.T) {
	srv := redistest.Start(t)
	w := start(t, database(t), srv.Addr).anchored(t)
	require.NoError(t, w.Create(t.Context(), key(1)))
	require.Equal(t, 1, w.total(t))
	srv.Kill()
	assert.Equal(t, "customer 1", w.one(t, id(1)).Alias)
	assert.Equal(t, 1, w.total(t))
	k := *w.one(t, id(1))
	k.Session = k.Session.Set("alias", "renamed")
	for what, err := range map[string]error{"create": w.Create(t.Context(), key(2)), "update": w.Update(t.Context(), &k), "delete": w.Delete(t.Context(), &k),
		"reset": w.ResetQuota(t.Context(), &k), "purge": w.Purge(t.Context(), []*core.Key{&k})} {
		assert.Equal(t, core.CodeUnavailable, core.CodeOf(err), "%s: %v", what, err)
	}
	_, err := w.Status(t.Context())
	assert.Equal(t, core.CodeUnavailable, core.CodeOf(err))
	assert.Equal(t, 1, w.total(t))
	assert.Equal(t, "customer 1", w.row(t, id(1)).Alias)
}

func TestGatewaysForgetAKeyUnderEveryNameThatTheyMayHaveCachedIt(t *testing.T) {
	tok := token.Custom(org, "jo", token.SHA256)
	got := keyspace.CacheNames(token.Hash(tok), tok)
	for _, sent := range []string{tok, "jo"} {
		assert.Contains(t, got, sent, "where keys are not hashed")
		assert.Contains(t, got, token.HashWith(token.Murmur64, sent), "where they are")
	}
	assert.Contains(t, got, token.Hash(tok))
	assert.Equal(
		t,
		[]string{"0123456789abcdef"},
		keyspace.CacheNames("0123456789abcdef", "0123456789abcdef"),
		"a hash is no name of a client's",
	)
}
