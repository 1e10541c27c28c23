package nodes_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/changes"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/definition"
	"gatehouse/internal/gateway/nodes"
	"gatehouse/store"
)

func TestAGatewayRegistersBeatsLoadsAndLeaves(t *testing.T) {
	t.Parallel()
	s := newServer(t, openEngine(t))
	g := newGateway(s)
	g.register(t)
	g.beat(t)
	g.load(t)
	require.Equal(t, "[]", g.must(t, "GET", "/system/clientidps", "").get("Message").Raw)
	require.Equal(t, "OK", g.must(t, "POST", "/system/key/quota_trigger", `{"org_id":"o","key":"k"}`).get("Status").Str)
	n := s.one(t)
	require.Equal(t, []string{g.id, "gw.example", "192.0.2.1"}, []string{n.ID, n.Hostname, n.Address})
	require.Equal(t, nodes.Active, s.State(n))

	g.must(t, "DELETE", "/system/node", "")
	g.refused(t, "No node ID Found")
	all, err := s.List(t.Context())
	require.NoError(t, err)
	require.Empty(t, all)

	was := g.id
	g.register(t) // the session of before makes no node come back
	require.NotEqual(t, was, g.id)
}

func TestAProcessThatRegistersAgainKeepsItsNode(t *testing.T) {
	t.Parallel()
	s := newServer(t, openEngine(t))
	g := newGateway(s)
	g.register(t)
	id := g.id
	for range 5 {
		g.hostname = "renamed.example"
		g.register(t)
		require.Equal(t, id, g.id)
		g.beat(t)
	}
	require.Equal(t, "renamed.example", s.one(t).Hostname)
	other := newGateway(s)
	other.register(t)
	require.NotEqual(t, id, other.id)
	other.beat(t)
	g.beat(t)
}

func TestNonces(t *testing.T) {
	t.Parallel()
	s := newServer(t, openEngine(t))
	other := newGateway(s)
	other.register(t)
	for _, tc := range []struct {
		name string
		// pick returns what is presented, of the nonces that were given, oldest first; all but the last were presented.
		pick func(given []string) string
		good bool
	}{
		{"the next one is good", func(n []string) string { return n[len(n)-1] }, true},
		{"the one presented last is good: a probe overlaps the heartbeat", func(n []string) string { return n[len(n)-2] }, true},
		{"two behind it is good", func(n []string) string { return n[len(n)-4] }, true},
		{"three behind it is replayed", func(n []string) string { return n[len(n)-5] }, false},
		{"an old one is replayed", func(n []string) string { return n[1] }, false},
		{"that of another node is not", func([]string) string { return other.nonce }, false},
		{"a changed one is not", func(n []string) string { return "B" + n[len(n)-1][1:] }, false},
		{"a cut one is not", func(n []string) string { return n[len(n)-1][:20] }, false},
		{"none is not", func([]string) string { return "" }, false},
		{"noise is not", func([]string) string { return strings.Repeat("\xff{", 500) }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := newGateway(s)
			g.register(t)
			given := []string{g.nonce}
			for range 10 {
				g.beat(t)
				given = append(given, g.nonce)
			}
			g.nonce = tc.pick(given)
			if tc.good {
				g.beat(t)
				return
			}
			g.refused(t, "Nonce failed")
			g.register(t) // which helps
			g.beat(t)
		})
	}
}

func TestHeartbeatsGoOnWhileAGatewayWorksThroughAFeed(t *testing.T) {
	t.Parallel()
	s := newServer(t, openEngine(t))
	g := newGateway(s)
	g.register(t)
	g.beat(t)
	feed := g.ask(t, "GET", "/system/apis", "").nonce
	for range 50 {
		g.beat(t)
	}
	beat := g.nonce
	g.nonce = feed
	g.beat(t) // what the feed ended with is taken up late
	g.nonce = feed
	g.beat(t) // by the probe, too
	for range 5 {
		g.beat(t)
	}
	g.nonce = feed
	g.refused(t, "Nonce failed")
	g.nonce = beat
	g.refused(t, "Nonce failed")
}

func TestWhoMayNotSpeak(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, ours, theirs, says string
	}{
		{"a wrong secret is refused", secret, "a guess at the secret", "shared_node_secret"},
		{"no secret is refused", secret, "", "shared_node_secret"},
		{"nobody passes where no secret is configured", "", "", "set shared_node_secret"},
		{"not even with one", "", secret, "set shared_node_secret"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			log, at := &logs{}, newClock()
			r := nodes.New(
				nodes.Options{
					Rules:  definition.New(definition.Oldest),
					Store:  store.New(openEngine(t), store.WithClock(at.Now)),
					Secret: tc.ours,
					Broker: changes.NewBroker(),
					Log:    slog.New(slog.NewTextHandler(log, nil)),
				},
			)
			g := newGateway(r)
			g.secret, g.id, g.nonce = tc.theirs, core.NewID(at.Now()), "x"
			for _, call := range [][2]string{{"GET", "/register/node"}, {"GET", "/register/ping"}, {"GET", "/system/apis"}, {"GET", "/system/policies"},
				{"DELETE", "/system/node"}, {"POST", "/system/key/quota_trigger"}, {"GET", "/system/clientidps"}} {
				answer := g.ask(t, call[0], call[1], "{}")
				require.Equal(t, http.StatusForbidden, answer.status)
				require.Contains(t, answer.get("Message").Str, tc.says)
				require.NotContains(t, strings.ToLower(answer.body), "nonce", "newest gateways would register again")
			}
			require.Equal(t, 1, strings.Count(log.String(), "refused"), "a flood fills no log")
			at.advance(time.Minute)
			g.ask(t, "GET", "/register/ping", "")
			require.Equal(t, 2, strings.Count(log.String(), "refused"))
			if tc.theirs != "" {
				require.NotContains(t, log.String(), tc.theirs)
			}
			require.NotContains(t, log.String(), secret)
		})
	}
}

func TestRefusalsFromManyAddressesFillNoLog(t *testing.T) {
	t.Parallel()
	s := newServer(t, openEngine(t), store.WithClock(newClock().Now))
	for i := range 1000 {
		req := httptest.NewRequestWithContext(t.Context(), "GET", "/register/node", nil)
		req.RemoteAddr = "198.51." + string(rune('0'+i%10)) + "." + string(rune('0'+i/100)) + ":" + string(rune('1'+i/10%10))
		s.ServeHTTP(httptest.NewRecorder(), req)
	}
	require.LessOrEqual(t, strings.Count(s.log.String(), "refused"), 100)
}

func TestWhatAGatewaySaysAboutItselfIsBounded(t *testing.T) {
	t.Parallel()
	s := newServer(t, openEngine(t))
	g := newGateway(s)
	g.hostname = strings.Repeat("ö", 500)
	g.register(t)
	require.LessOrEqual(t, len(s.one(t).Hostname), 255)

	g.session = strings.Repeat("s", 256)
	require.Equal(t, http.StatusBadRequest, g.ask(t, "GET", "/register/node", "").status)

	require.Equal(
		t,
		http.StatusRequestEntityTooLarge,
		g.ask(t, "POST", "/system/key/quota_trigger", `{"key":"`+strings.Repeat("k", 70_000)+`"}`).status,
	)
	require.Equal(t, http.StatusBadRequest, g.ask(t, "POST", "/system/key/quota_trigger", `[1`).status)
	require.Equal(t, http.StatusNotFound, g.ask(t, "GET", "/system/everything", "").status)
}

func TestAGatewayWithoutASessionRegistersEachTimeAnew(t *testing.T) {
	t.Parallel()
	s := newServer(t, openEngine(t))
	g := newGateway(s)
	g.session = ""
	g.register(t)
	was := g.id
	g.register(t)
	require.NotEqual(t, was, g.id)
	g.beat(t)
}

func TestAQuotaEventIsLoggedWithoutTheKeyAndTheRequest(t *testing.T) {
	t.Parallel()
	s := newServer(t, openEngine(t))
	g := newGateway(s)
	g.register(t)
	g.must(
		t,
		"POST",
		"/system/key/quota_trigger",
		`{"Message":"Quota trigger reached","OriginatingRequest":"R0VUIC8=","org_id":"the-org","key":"the-token","usage_percentage":80}`,
	)
	require.Contains(t, s.log.String(), "the-org")
	require.Contains(t, s.log.String(), "usage_percentage=80")
	require.NotContains(t, s.log.String(), "the-token")
	require.NotContains(t, s.log.String(), "R0VUIC8=")
}

func TestStates(t *testing.T) {
	t.Parallel()
	at := newClock()
	s := newServer(t, openEngine(t), store.WithClock(at.Now))
	g := newGateway(s)
	g.register(t)
	for _, tc := range []struct {
		after time.Duration
		want  nodes.State
	}{{0, nodes.Active}, {9 * time.Second, nodes.Active}, {time.Second, nodes.Stale}, {49 * time.Second, nodes.Stale}, {time.Second, nodes.Away}, {23 * time.Hour, nodes.Away}} {
		at.advance(tc.after)
		require.NoError(t, s.Forget(t.Context()))
		require.Equal(t, tc.want, s.State(s.one(t)))
	}
	g.beat(t) // away is not gone
	require.Equal(t, nodes.Active, s.State(s.one(t)))
	at.advance(24*time.Hour + time.Second)
	require.NoError(t, s.Forget(t.Context()))
	all, err := s.List(t.Context())
	require.NoError(t, err)
	require.Empty(t, all)
	g.refused(t, "No node ID Found")
}

func TestTheNumberOfGatewaysIsBounded(t *testing.T) {
	t.Parallel()
	at := newClock()
	s := newServer(t, openEngine(t), store.WithClock(at.Now))
	var writes []store.Change
	for range nodes.MaxNodes {
		id := core.NewID(at.Now())
		writes = append(
			writes,
			s.store.Nodes.Creating(
				&core.Node{Meta: core.Meta{ID: id}, NodeState: core.NodeState{Session: id, LastSeen: at.Now()}},
			),
		)
	}
	require.NoError(t, s.store.Apply(t.Context(), writes...))
	g := newGateway(s)
	answer := g.ask(t, "GET", "/register/node", "")
	require.Equal(t, http.StatusServiceUnavailable, answer.status, answer.body)
	at.advance(2 * time.Minute)
	g.register(t) // in the place of one that is away
	g.beat(t)
	n, err := s.store.Nodes.Count(t.Context(), store.Org(""))
	require.NoError(t, err)
	require.Equal(t, nodes.MaxNodes, n)
}

func TestAGatewayMayRegisterAtManyServersAtOnce(t *testing.T) {
	t.Parallel()
	e := openEngine(t)
	servers := []*server{newServer(t, e), newServer(t, e), newServer(t, e)}
	session := core.NewHex()
	var group sync.WaitGroup
	ids := make([]string, 12)
	for i := range ids {
		group.Go(func() {
			g := newGateway(servers[i%len(servers)])
			g.session = session
			ids[i] = g.ask(t, "GET", "/register/node", "").get("Message.NodeID").Str
		})
	}
	group.Wait()
	for _, id := range ids {
		require.Equal(t, ids[0], id)
	}
	servers[0].one(t)
}
