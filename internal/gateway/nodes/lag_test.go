package nodes_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// publish tells of a change, as resolvers do.
func (s *server) publish(t testing.TB, kind core.ChangeKind, object string, at time.Time) {
	t.Helper()
	s.broker.Publish(&core.Change{Kind: kind, Object: object, OrgID: org, ID: core.NewID(at), At: at})
}

func TestLag(t *testing.T) {
	t.Parallel()
	at := newClock()
	s := newServer(t, openEngine(t), store.WithClock(at.Now))
	s.api(t, `{"name":"n","active":true,"proxy":{"target_url":"http://up.test"}}`)
	s.run(t)
	g := newGateway(s)
	g.register(t)
	eventually := func(want time.Duration, why string) {
		t.Helper()
		require.Eventually(t, func() bool { return s.Lag(s.one(t)) == want }, 10*time.Second, time.Millisecond, why)
	}
	at.advance(3 * time.Second)
	eventually(3*time.Second, "a gateway that has loaded nothing lags since it registered")
	g.load(t)
	eventually(0, "it has loaded everything")

	at.advance(time.Second)
	s.publish(t, core.ChangeUpdated, "Api", at.Now())
	at.advance(2 * time.Second)
	eventually(2*time.Second, "an API was changed")
	s.publish(t, core.ChangeDeleted, "Policy", at.Now())
	at.advance(time.Second)
	eventually(3*time.Second, "the oldest change counts")
	g.must(t, "GET", "/system/apis", "")
	eventually(time.Second, "the policy waits still")
	g.load(t)
	eventually(0, "it has loaded both")

	at.advance(time.Second)
	s.publish(t, core.ChangeUpdated, "Key", at.Now())
	s.publish(t, core.ChangeUpdated, "Webhook", at.Now())
	s.publish(t, core.ChangeCreated, "Organisation", at.Now())
	at.advance(time.Second)
	s.publish(t, core.ChangeCreated, "Policy", at.Now())
	at.advance(5 * time.Second)
	eventually(5*time.Second, "what gateways do not load makes no lag")
	id, err := s.Lagging(t.Context())
	require.NoError(t, err)
	require.Empty(t, id, "so little is no reason to tell them again")
	at.advance(6 * time.Second)
	id, err = s.Lagging(t.Context())
	require.NoError(t, err)
	require.Empty(t, id, "one that is silent cannot be told")
	g.beat(t)
	id, err = s.Lagging(t.Context())
	require.NoError(t, err)
	require.Equal(t, g.id, id)

	other := newServer(t, openEngine(t), store.WithClock(at.Now))
	require.Zero(t, other.Lag(s.one(t)), "nothing is there to be loaded")
}

func TestTheClockOfAnotherServerMayBeAhead(t *testing.T) {
	t.Parallel()
	at := newClock()
	s := newServer(t, openEngine(t), store.WithClock(at.Now))
	s.run(t)
	g := newGateway(s)
	g.register(t)
	g.load(t)
	require.Eventually(t, func() bool {
		s.publish(t, core.ChangeUpdated, "Api", at.Now().Add(time.Hour))
		at.advance(time.Second)
		return s.Lag(s.one(t)) > 0
	}, 10*time.Second, time.Millisecond)
	g.load(t)
	at.advance(2 * time.Hour)
	require.Zero(t, s.Lag(s.one(t)))
}

func TestAGatewayThatHasItsPoliciesFromElsewhereDoesNotLag(t *testing.T) {
	t.Parallel()
	at := newClock()
	s := newServer(t, openEngine(t), store.WithClock(at.Now))
	s.run(t)
	g := newGateway(s)
	g.register(t)
	require.Eventually(t, func() bool {
		s.publish(t, core.ChangeCreated, "Policy", at.Now())
		at.advance(time.Second)
		return s.Lag(s.one(t)) > 0
	}, 10*time.Second, time.Millisecond)
	g.must(t, "GET", "/system/apis", "")
	require.Zero(t, s.Lag(s.one(t)))
}

func TestWhatAnotherServerServedIsNoLag(t *testing.T) {
	t.Parallel()
	e, at := openEngine(t), newClock()
	a, b := newServer(t, e, store.WithClock(at.Now)), newServer(t, e, store.WithClock(at.Now))
	a.api(t, `{"name":"n","active":true,"proxy":{"target_url":"http://up.test"}}`)
	a.run(t)
	g := newGateway(a)
	g.register(t)
	at.advance(20 * time.Second)
	g.beat(t)
	require.Eventually(t, func() bool { return a.Lag(a.one(t)) == 20*time.Second }, 10*time.Second, time.Millisecond)
	id, err := a.Lagging(t.Context())
	require.NoError(t, err)
	require.Equal(t, g.id, id)
	g.handler = b
	g.load(t)
	require.NoError(t, b.Flush(t.Context()))
	id, err = a.Lagging(t.Context())
	require.NoError(t, err)
	require.Empty(t, id)
}

func TestAWebhookThatChangedBeforeAnybodyListenedIsAChangeOfItsApi(t *testing.T) {
	t.Parallel()
	at := newClock()
	s := newServer(t, openEngine(t), store.WithClock(at.Now))
	create := func(name string) *core.Webhook {
		doc := core.Document(`{"name":"` + name + `","method":"POST","target_path":"http://hook.test"}`)
		w := core.NewWebhook(core.Meta{ID: core.NewID(at.Now()), OrgID: org}, doc)
		require.NoError(t, s.store.Webhooks.Create(t.Context(), w))
		return w
	}
	used := create("used")
	doc := core.Document(`{"api_definition":{"name":"n","api_id":"n","slug":"n","active":true,"proxy":{"listen_path":"/n/"}},` +
		`"hook_references":[{"event_name":"QuotaExceeded","hook":{"id":"` + used.ID + `"}}]}`)
	a := core.NewApi(core.Meta{ID: core.NewID(at.Now()), OrgID: org}, doc)
	require.NoError(t, s.store.Apis.Create(t.Context(), a))
	g := newGateway(s)
	g.register(t)
	at.advance(time.Second)
	g.load(t)
	at.advance(time.Second)
	require.NoError(t, s.store.Webhooks.Update(t.Context(), used))
	at.advance(time.Second)
	create("unused")
	require.Zero(t, s.Lag(s.one(t)))
	s.run(t)
	require.Eventually(t, func() bool { return s.Lag(s.one(t)) == time.Second }, 10*time.Second, time.Millisecond)
}
