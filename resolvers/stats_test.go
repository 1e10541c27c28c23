package resolvers_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/core"
	"gatehouse/store"
)

const showStats = `query($entity: SystemStatsEntity, $from: Time, $to: Time) { it: systemStats(entity: $entity, from: $from, to: $to) { entity current active history { at total active } } }`

func TestStatsCountWhatIsThereByTheDay(t *testing.T) {
	t.Parallel()
	var now atomic.Int64
	set := func(day string) {
		at, err := time.Parse(time.DateTime, day)
		require.NoError(t, err)
		now.Store(at.UnixNano())
	}
	set("2026-03-01 12:00:00")
	s := apptest.New(t, apptest.WithStore(store.WithClock(func() time.Time { return time.Unix(0, now.Load()).UTC() })))
	make := func(name string, active bool) {
		t.Helper()
		doc := `{"name":"` + name + `","api_id":"` + name + `","active":` + strconv.FormatBool(active) + `}`
		require.Equal(t, 200, s.REST(t, "POST", "/api/apis", doc).Status)
	}
	make("first", true)
	set("2026-03-02 00:00:00")
	make("second", false)
	make("third", true)
	set("2026-03-02 23:59:59")
	make("gone", true)
	require.Equal(t, 200, s.REST(t, "DELETE", "/api/apis/gone", "").Status)
	set("2026-03-04 10:00:00")

	r := must(t, s.GraphQL(t, showStats, map[string]any{"from": "2026-02-28T15:00:00Z", "to": "2027-01-01T00:00:00Z"}))
	assert.Equal(t, "APIS", r.Get("data.it.entity").Str)
	assert.EqualValues(t, 3, r.Get("data.it.current").Int())
	assert.EqualValues(t, 2, r.Get("data.it.active").Int())
	assert.JSONEq(
		t,
		`[{"at":"2026-02-28T00:00:00Z","total":0,"active":0},{"at":"2026-03-01T00:00:00Z","total":1,"active":1},
		{"at":"2026-03-02T00:00:00Z","total":3,"active":2},{"at":"2026-03-03T00:00:00Z","total":3,"active":2},
		{"at":"2026-03-04T00:00:00Z","total":3,"active":2}]`,
		r.Get("data.it.history").Raw,
	)

	year := must(t, s.GraphQL(t, showStats, map[string]any{"entity": nil}))
	assert.Equal(
		t,
		"2025-01-01T00:00:00Z",
		year.Get("data.it.history.0.at").Str,
		"the first of the previous year is where it starts",
	)

	_, other := s.Organisation(t, "other")
	r = must(t, s.GraphQL(t, showStats, nil, "Authorization: "+other))
	assert.EqualValues(t, 0, r.Get("data.it.current").Int(), "another organisation counts its own")
	r = must(t, s.GraphQL(t, showStats, nil, "admin-auth: "+apptest.AdminSecret))
	assert.EqualValues(t, 3, r.Get("data.it.current").Int(), "the admin secret counts all")
	refused(t, s.GraphQL(t, showStats, map[string]any{"from": "0001-01-01T00:00:00Z"}), "INVALID", "3660 days")
	refused(
		t,
		s.GraphQL(t, showStats, map[string]any{"from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"}),
		"INVALID",
		"before",
	)
}

func TestStatsCountGateways(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	for i, seen := range []time.Duration{0, 0, time.Hour} {
		n := &core.Node{
			Meta:      core.Meta{ID: core.NewID(time.Now())},
			NodeState: core.NodeState{Hostname: "gw" + strconv.Itoa(i), LastSeen: time.Now().Add(-seen)},
		}
		require.NoError(t, s.Store.Nodes.Create(context.Background(), n))
	}
	for entity, want := range map[string][2]int64{"GATEWAYS": {3, 2}, "DATAPLANES": {1, 1}} {
		r := must(t, s.GraphQL(t, showStats, map[string]any{"entity": entity}))
		assert.Equal(t, want, [2]int64{r.Get("data.it.current").Int(), r.Get("data.it.active").Int()}, entity)
	}
}

func TestAnApiThatWasSavedBeforeTypesWereCheckedWarns(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	a := core.NewApi(
		core.Meta{ID: anID, OrgID: s.OrgID},
		core.Document(`{"api_definition":{"id":"`+anID+`","api_id":"old","name":"Old","proxy":{"strip_listen_path":"yes"}}}`),
	)
	require.NoError(t, s.Store.Apis.Create(context.Background(), a))
	const show = `query { it: api(id: "old") { warnings } }`
	r := must(t, s.GraphQL(t, show, nil))
	assert.Equal(
		t,
		`api_definition.proxy.strip_listen_path must be true or false, not "yes": gateways would refuse all definitions with it`,
		r.Get("data.it.warnings.0").Str,
	)
	require.Equal(
		t,
		200,
		s.REST(t, "PATCH", "/api/apis/old", `{"api_definition":{"proxy":{"strip_listen_path":true}}}`).Status,
	)
	assert.Equal(t, "[]", must(t, s.GraphQL(t, show, nil)).Get("data.it.warnings").Raw)
}
