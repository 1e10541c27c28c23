package nodes_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/gateway/nodes"
	"gatehouse/store"
)

func TestANonceHoldsAfterARestart(t *testing.T) {
	t.Parallel()
	e := openEngine(t)
	s := newServer(t, e)
	g := newGateway(s)
	g.register(t)
	for range 5 {
		g.beat(t)
	}
	old := g.nonce
	for range 5 {
		g.beat(t)
	}
	require.NoError(t, s.Flush(t.Context()))
	for range 5 {
		g.beat(t) // lost with the process
	}
	g.handler = newServer(t, e)
	id := g.id
	g.beat(t)
	require.Equal(t, id, g.id)
	g.nonce = old
	g.refused(t, "Nonce failed")
}

func TestAGatewaySpeaksToAnotherServerWithEachCall(t *testing.T) {
	t.Parallel()
	e, at := openEngine(t), newClock()
	servers := []*server{newServer(t, e, store.WithClock(at.Now)), newServer(t, e, store.WithClock(at.Now))}
	g := newGateway(servers[0])
	g.register(t)
	for i := range 200 {
		g.handler = servers[i%2]
		g.beat(t)
		if i%10 == 9 {
			g.load(t)
		}
		if i%7 == 6 {
			at.advance(time.Second)
			require.NoError(t, servers[i/7%2].Flush(t.Context())) // each finds the row written by the other
		}
		if i == 100 {
			g.register(t)
		}
	}
	for _, s := range servers {
		require.NoError(t, s.Flush(t.Context()))
	}
	for _, s := range servers {
		n := s.one(t)
		require.Equal(t, g.id, n.ID)
		require.Equal(t, at.Now(), n.LastSeen)
		require.NotNil(t, n.ApisLoadedAt)
		require.NotNil(t, n.PoliciesLoadedAt)
		require.Equal(t, nodes.Active, s.State(n))
	}
	require.NotContains(t, servers[0].log.String()+servers[1].log.String(), "level=WARN")
}

func TestARegistrationIsAheadOfWhatOtherServersKnow(t *testing.T) {
	t.Parallel()
	e := openEngine(t)
	a, b := newServer(t, e), newServer(t, e)
	g := newGateway(a)
	g.register(t)
	for range 100 {
		g.beat(t)
	}
	g.handler = b
	g.register(t) // b has read the row, which has none of the beats
	g.handler = a
	g.beat(t)
}

func TestANodeThatLeftAnotherServerIsUnknownHereToo(t *testing.T) {
	t.Parallel()
	e := openEngine(t)
	a, b := newServer(t, e), newServer(t, e)
	stays, leaves := newGateway(a), newGateway(a)
	stays.register(t)
	leaves.register(t)
	leaves.handler = b
	leaves.must(t, "DELETE", "/system/node", "")
	stays.beat(t)
	require.NoError(t, a.Flush(t.Context()))
	require.Equal(t, stays.id, b.one(t).ID)
	require.Equal(t, a.one(t).LastSeen, b.one(t).LastSeen, "the flush that met the gap wrote the rest")
	leaves.handler = a
	leaves.refused(t, "No node ID Found")
	stays.beat(t)
}

func TestOneServerAloneIsActive(t *testing.T) {
	t.Parallel()
	at := newClock()
	s := newServer(t, openEngine(t), store.WithClock(at.Now))
	only := func() string {
		t.Helper()
		at.advance(time.Second)
		id, err := s.OnlyActive(t.Context())
		require.NoError(t, err)
		return id
	}
	require.Empty(t, only())
	g, second := newGateway(s), newGateway(s)
	g.register(t)
	require.Equal(t, g.id, only())
	second.register(t)
	require.Empty(t, only())
	at.advance(15 * time.Second)
	second.beat(t)
	require.Equal(t, second.id, only())
}
