package keyspace_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/gateway/redistest"
	"gatehouse/store"
)

// tell publishes what gateways tell each other when they write a session.
func (w *world) tell(t testing.TB, command, payload string) {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"command": command, "payload": payload, "signature": "", "algorithm": 5})
	require.NoError(t, err)
	// Whoever listens has subscribed by the time that somebody hears.
	eventually(t, func(c *assert.CollectT) {
		n, err := w.redis.Publish(context.Background(), "tyk.cluster.notifications", raw).Result()
		assert.NoError(c, err)
		assert.Positive(c, n)
	})
}

func TestTheIndexFollowsWhatGatewaysTellEachOther(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		w := start(t, database(t), addr).anchored(t)
		w.set(t, name(1), string(key(1).Session))
		w.set(t, name(2), string(key(2).Session))
		w.tell(t, "KeySpaceUpdateNotification", id(1)+","+id(2)+":hashed,,nothing")
		eventually(t, func(c *assert.CollectT) {
			assert.NotNil(c, w.row(t, id(1)))
			assert.NotNil(c, w.row(t, id(2)))
		})
		require.NoError(t, w.redis.Del(t.Context(), name(1)).Err())
		require.NoError(t, w.redis.Publish(t.Context(), "tyk.cluster.notifications", "no JSON").Err())
		w.tell(t, "KeySpaceUpdateNotification", id(1))
		eventually(t, func(c *assert.CollectT) { assert.Nil(c, w.row(t, id(1))) })
		assert.NotNil(t, w.row(t, id(2)))
	})
}

func TestTheIndexFollowsTheEventsOfARedisThatTellsThem(t *testing.T) {
	w := start(t, database(t), redistest.Start(t, "--notify-keyspace-events", "Egx$").Addr).anchored(t)
	eventually(t, func(c *assert.CollectT) {
		n, err := w.redis.PubSubNumPat(context.Background()).Result()
		assert.NoError(c, err)
		assert.Positive(c, n)
	})
	require.NoError(t, w.redis.Set(t.Context(), name(1), string(key(1).Session), 300*time.Millisecond).Err())
	eventually(t, func(c *assert.CollectT) { assert.NotNil(c, w.row(t, id(1))) })
	eventually(t, func(c *assert.CollectT) { assert.Nil(c, w.row(t, id(1)), "expired") })
}

func TestAScanFindsWhatNobodyTold(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		s := database(t)
		w := start(t, s, addr).anchored(t)
		for i := range 20 {
			require.NoError(t, w.Create(t.Context(), key(i)))
		}
		require.Equal(t, 20, w.total(t))
		for i := 100; i < 2600; i++ {
			w.set(t, name(i), string(key(i).Session))
		}
		w.set(t, name(0), string(key(0, "alias", `"changed"`).Session))
		require.NoError(t, w.redis.Del(t.Context(), name(1)).Err())
		w.set(t, "quota-"+id(2), "7")
		before, err := w.Status(t.Context())
		require.NoError(t, err)
		w.Rebuild()
		eventually(t, func(c *assert.CollectT) {
			now, err := w.Status(context.Background())
			assert.NoError(c, err)
			assert.True(c, now.CompletedAt.After(before.CompletedAt))
		})
		after, err := w.Status(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 19+2500, after.Scanned)
		assert.Equal(t, 2500+2, after.Corrected)
		assert.InDelta(t, 1, after.Progress, 0)
		assert.False(t, after.Scanning)
		assert.Zero(t, after.Pending)
		assert.Equal(t, 19+2500, w.total(t))
		assert.Equal(t, "changed", w.row(t, id(0)).Alias)
		assert.Nil(t, w.row(t, id(1)))
	})
}

func TestOneServerScansAtATime(t *testing.T) {
	w := start(t, database(t), redistest.Start(t).Addr).anchored(t)
	require.NoError(t, w.redis.Set(t.Context(), "gatehouse-index-lock", "another", time.Minute).Err())
	w.set(t, "gatehouse-index-status", `{"scanning":true,"progress":0.5}`)
	w.set(t, name(1), string(key(1).Session))
	status, err := w.Status(t.Context())
	require.NoError(t, err)
	assert.True(t, status.Scanning)
	assert.InDelta(t, 0.5, status.Progress, 0, "the progress is that of whoever scans")
	w.Rebuild()
	assert.Never(t, func() bool { return w.row(t, id(1)) != nil }, 300*time.Millisecond, 50*time.Millisecond)
	require.NoError(t, w.redis.Del(t.Context(), "gatehouse-index-lock").Err())
	status, err = w.Status(t.Context())
	require.NoError(t, err)
	assert.False(t, status.Scanning, "one that died scans no longer")
	w.Rebuild()
	eventually(t, func(c *assert.CollectT) { assert.NotNil(c, w.row(t, id(1))) })
}

func TestADeletedKeyThatAGatewayWritesBackIsDeletedAgain(t *testing.T) {
	w := start(t, database(t), redistest.Start(t).Addr).anchored(t)
	const created = `"2026-01-02T03:04:05Z"`
	require.NoError(t, w.Create(t.Context(), key(1, "date_created", created)))
	require.NoError(t, w.Delete(t.Context(), w.one(t, id(1))))
	// As a gateway does at the end of a request: its own spelling, with policies and counters in it.
	w.set(t, name(1), string(key(1, "date_created", created, "quota_remaining", "3", "rate", "20").Session))
	w.tell(t, "KeySpaceUpdateNotification", id(1))
	eventually(t, func(c *assert.CollectT) { assert.Empty(c, w.get(t, name(1))) })
	eventually(t, func(c *assert.CollectT) { assert.Nil(c, w.row(t, id(1))) })

	w.set(t, name(1), string(key(1, "date_created", `"2026-01-02T03:04:06.5Z"`).Session))
	w.tell(t, "KeySpaceUpdateNotification", id(1))
	eventually(t, func(c *assert.CollectT) { assert.NotNil(c, w.row(t, id(1)), "a new one of the same name stays") })
	require.NoError(t, w.Delete(t.Context(), w.one(t, id(1))))
	require.NoError(t, w.Create(t.Context(), key(1, "date_created", `"2026-01-02T03:04:06.5Z"`)))
	w.tell(t, "KeySpaceUpdateNotification", id(1))
	w.set(t, name(2), string(key(2).Session))
	w.tell(t, "KeySpaceUpdateNotification", id(2))
	eventually(t, func(c *assert.CollectT) { assert.NotNil(c, w.row(t, id(2))) })
	assert.NotNil(t, w.one(t, id(1)), "and so does one that was made here again")
}

func TestADeletedKeyThatRedisForgotToForgetIsDeletedByWhicheverServerMeetsIt(t *testing.T) {
	s, addr := database(t), redistest.Start(t).Addr
	w := start(t, s, addr).anchored(t)
	const created = `"2026-01-02T03:04:05Z"`
	for i := range 2 {
		require.NoError(t, w.Create(t.Context(), key(i, "date_created", created)))
		require.NoError(t, w.Delete(t.Context(), w.one(t, id(i))))
	}
	w.stop()
	w = start(t, s, addr).anchored(t)
	for i := range 2 { // as a Redis that was killed comes back with them
		w.set(t, name(i), string(key(i, "date_created", created).Session))
	}
	assert.Nil(t, w.one(t, id(0)), "by id")
	assert.Empty(t, w.get(t, name(0)))
	w.Rebuild()
	eventually(t, func(c *assert.CollectT) { assert.Empty(c, w.get(t, name(1)), "by a scan") })
	assert.Nil(t, w.row(t, id(1)))
}

func TestPurgedKeysAndTheirCountersAreGone(t *testing.T) {
	w := start(t, database(t), redistest.Start(t).Addr).anchored(t)
	for i := range 3 {
		require.NoError(t, w.Create(t.Context(), key(i)))
		w.set(t, "quota-"+id(i), "3")
	}
	require.Equal(t, 3, w.total(t))
	l, err := w.List(t.Context(), store.Query{Tenant: store.Org(org), Limit: 10, IDsOnly: true})
	require.NoError(t, err)
	require.NoError(t, w.Purge(t.Context(), l.Objects))
	left, err := w.redis.Keys(t.Context(), "*"+id(0)[:12]+"*").Result()
	require.NoError(t, err)
	assert.Empty(t, left)
}
