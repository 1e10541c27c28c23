package keyspace_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/keyspace"
	"gatehouse/internal/gateway/redistest"
)

func policy(id, doc string) *core.Policy {
	return core.NewPolicy(core.Meta{ID: id, OrgID: org}, core.Document(doc))
}

// usage is what was counted for a key against all of its limits.
func usage(t *testing.T, w *world, k *core.Key, policies []*core.Policy) ([]keyspace.Counter, error) {
	t.Helper()
	return w.Usage(t.Context(), k, keyspace.Limits(k, policies))
}

func TestUsageIsCountedUnderTheScopesOfGateways(t *testing.T) {
	w := start(t, database(t), redistest.Start(t).Addr).anchored(t)
	const (
		apis   = `{"a":{"api_id":"a"},"b":{"api_id":"b"}}`
		own    = `{"a":{"api_id":"a","limit":{"rate":1,"per":2,"quota_max":3,"quota_renewal_rate":60}},"b":{"api_id":"b","limit":null},"c":{"api_id":"c","limit":{"rate":0}}}`
		global = `"rate":5,"per":10,"quota_max":50,"quota_renewal_rate":3600,"access_rights":` + apis
	)
	for name, c := range map[string]struct {
		session  core.Document
		policies []*core.Policy
		want     []keyspace.Counter
	}{
		"a key of its own": {core.Document(`{"rate":10,"per":60,"quota_max":100,"access_rights":` + apis + `}`), nil,
			[]keyspace.Counter{{"", 100, 100, time.Time{}, -1, 10, 60}}},
		"a key without a quota": {core.Document(`{"rate":10,"per":60,"quota_max":-1}`), nil,
			[]keyspace.Counter{{"", -1, -1, time.Time{}, -1, 10, 60}}},
		"an API with a limit of its own": {core.Document(`{"rate":10,"per":60,"quota_max":100,"access_rights":` + own + `}`), nil,
			[]keyspace.Counter{{"", 100, 100, time.Time{}, -1, 10, 60}, {"a", 3, 3, time.Time{}, -1, 1, 2}}},
		"one policy": {core.Document(`{"rate":10,"per":60,"quota_max":100}`), []*core.Policy{policy("p", `{`+global+`}`)},
			[]keyspace.Counter{{"", 50, 50, time.Time{}, -1, 5, 10}}},
		"a policy with limits per API": {core.Document(`{}`), []*core.Policy{policy("p", `{"partitions":{"per_api":true},"rate":5,"per":10,"quota_max":50,"access_rights":{"a":{"api_id":"a","limit":{"rate":1,"per":2,"quota_max":3}},"b":{"api_id":"b"}}}`)},
			[]keyspace.Counter{{"", -1, -1, time.Time{}, -1, 0, 0}, {"a", 3, 3, time.Time{}, -1, 1, 2}, {"p", 50, 50, time.Time{}, -1, 5, 10}}},
		"rights from two policies": {core.Document(`{}`), []*core.Policy{policy("p", `{"rate":5,"per":10,"quota_max":50,"access_rights":{"a":{}}}`), policy("q", `{"rate":50,"per":10,"quota_max":-1,"access_rights":{"b":{}}}`)},
			[]keyspace.Counter{{"", -1, -1, time.Time{}, -1, 50, 10}, {"p", -1, -1, time.Time{}, -1, 50, 10}, {"q", -1, -1, time.Time{}, -1, 50, 10}}},
		"a policy for the rate alone": {core.Document(`{"rate":10,"per":60,"quota_max":100}`), []*core.Policy{policy("p", `{"partitions":{"rate_limit":true},`+global+`}`)},
			[]keyspace.Counter{{"", 100, 100, time.Time{}, -1, 5, 10}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := usage(t, w, core.NewKey(core.Meta{ID: id(1), OrgID: org}, c.session), c.policies)
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

func TestWhatGatewaysCountedIsShownAndResetOnRequest(t *testing.T) {
	w := start(t, database(t), redistest.Start(t).Addr).anchored(t)
	k := key(
		1,
		"quota_max",
		"10",
		"access_rights",
		`{"weather":{"api_id":"weather","allowance_scope":"old","limit":{"rate":5,"per":60,"quota_max":3}}}`,
	)
	require.NoError(t, w.Create(t.Context(), k))
	counters := []string{
		"quota-" + id(1),
		"quota-weather-" + id(1),
		"quota-old-" + id(1),
		"rate-limit-" + id(1) + ".BLOCKED",
		"rate-limit-weather-" + id(1) + ".BLOCKED",
	}
	for _, name := range counters {
		require.NoError(t, w.redis.Set(t.Context(), name, 4, time.Hour).Err())
	}
	now := time.Now()
	for _, ago := range []time.Duration{time.Second, 2 * time.Second, 2 * time.Minute} {
		at := now.Add(-ago).UnixNano()
		require.NoError(
			t,
			w.redis.ZAdd(
				t.Context(),
				"rate-limit-weather-"+id(1),
				redis.Z{Score: float64(at), Member: strconv.FormatInt(at, 10)},
			).Err(),
		)
	}
	w.set(t, "rate-limit-"+id(1), "what another limiter keeps")
	got, err := usage(t, w, k, nil)
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, int64(6), got[0].QuotaRemaining)
	assert.Equal(t, int64(-1), got[0].RateUsed)
	assert.Zero(t, got[1].QuotaRemaining, "never less than none")
	assert.Equal(t, int64(2), got[1].RateUsed)
	for _, c := range got {
		assert.WithinDuration(t, now.Add(time.Hour), c.QuotaRenews, 5*time.Second)
	}

	require.NoError(t, w.ResetQuota(t.Context(), k))
	left, err := w.redis.Exists(t.Context(), counters...).Result()
	require.NoError(t, err)
	assert.Zero(t, left)
	got, err = usage(t, w, k, nil)
	require.NoError(t, err)
	assert.Equal(t, int64(10), got[0].QuotaRemaining)
	assert.True(t, got[0].QuotaRenews.IsZero())

	w.set(t, "quota-"+id(1), "4")
	require.NoError(t, w.Delete(t.Context(), w.one(t, id(1))))
	assert.Empty(t, w.get(t, "quota-"+id(1)), "the counters of a deleted key go with it")
}
