package changes_test

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/changes"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/redisdb"
)

func TestMain(m *testing.M) {
	redisdb.LogTo(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// peer is one of several servers.
type peer struct {
	*changes.Broker
	mu     sync.Mutex
	forgot []string
	stop   func()
}

// join runs a server with a bridge until the test ends. It hears the others when join returns.
func join(t *testing.T, address string) *peer {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: address, DialerRetries: 1, MaxRetries: -1})
	p := &peer{Broker: changes.NewBroker()}
	cut, _ := p.Subscribe(all)
	bridge := changes.NewBridge(
		changes.BridgeOptions{
			Redis:  client,
			Broker: p.Broker,
			Log:    slog.New(slog.DiscardHandler),
			Forget: func(object string) {
				p.mu.Lock()
				p.forgot = append(p.forgot, object)
				p.mu.Unlock()
			},
		},
	)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { bridge.Run(ctx) })
	p.stop = sync.OnceFunc(func() { stop(); running.Wait(); client.Close() })
	t.Cleanup(p.stop)
	for range cut { // ends when the bridge begins to hear
	}
	return p
}

func (p *peer) forgotten() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.forgot...)
}

func hear(t *testing.T, news <-chan *core.Change) *core.Change {
	t.Helper()
	select {
	case c, ok := <-news:
		require.True(t, ok, "the listener was cut off")
		return c
	case <-time.After(10 * time.Second):
		t.Fatal("nothing is heard")
		return nil
	}
}

func TestAChangeIsHeardOnEveryServerOnce(t *testing.T) {
	redisServer := miniredis.RunT(t)
	a, b := join(t, redisServer.Addr()), join(t, redisServer.Addr())
	here, _ := a.Subscribe(all)
	there, _ := b.Subscribe(all)
	sent := core.Change{Kind: core.ChangeUpdated, Object: "Api", ID: "an id", OrgID: "an organisation", Revision: 1 << 60,
		At: time.Date(2026, 1, 2, 3, 4, 5, 678000, time.UTC), ActorID: "a user"}
	change := sent
	a.Publish(&change)
	got := hear(t, there)
	require.True(t, got.Remote)
	got.Remote = false
	require.Equal(t, sent, *got)
	require.Equal(t, sent, *hear(t, here), "it is nobody else's here")
	b.Publish(&core.Change{Object: "Policy"})
	require.Equal(t, "Policy", hear(t, here).Object)
	require.Equal(t, "Policy", hear(t, there).Object)
	require.Empty(t, here)
	require.Empty(t, there)
	require.Equal(t, []string{"", "Api"}, b.forgotten(), "the cache forgets what others changed, and not what we did")
}

func TestManyChangesArriveInOrder(t *testing.T) {
	redisServer := miniredis.RunT(t)
	a, b := join(t, redisServer.Addr()), join(t, redisServer.Addr())
	const many = 5000
	got := make(chan int64, many)
	defer b.Watch(func(c *core.Change) { got <- c.Revision })()
	for i := range int64(many) {
		a.Publish(&core.Change{Revision: i})
	}
	for i := range int64(many) {
		select {
		case revision := <-got:
			require.Equal(t, i, revision)
		case <-time.After(10 * time.Second):
			t.Fatal("a change was lost")
		}
	}
}

func TestWhileRedisIsAwayServersHearThemselvesAndTheOthersAfterwards(t *testing.T) {
	redisServer := miniredis.RunT(t)
	a, b := join(t, redisServer.Addr()), join(t, redisServer.Addr())
	here, _ := a.Subscribe(all)
	there, _ := b.Subscribe(all)
	address := redisServer.Addr()
	redisServer.Close()
	a.Publish(&core.Change{ID: "meanwhile"})
	require.Equal(t, "meanwhile", hear(t, here).ID)

	back := miniredis.NewMiniRedis()
	require.NoError(t, back.StartAddr(address))
	t.Cleanup(back.Close)
	// Who may have missed something is cut off, reads anew, and hears what comes.
	for range there {
		require.Fail(t, "a change came in spite of the gap")
	}
	there, _ = b.Subscribe(all)
	a.Publish(&core.Change{ID: "afterwards"})
	for hear(t, there).ID != "afterwards" {
	}
	require.GreaterOrEqual(t, len(b.forgotten()), 2)
}

func TestWhatWaitsWhenAServerEndsIsTold(t *testing.T) {
	redisServer := miniredis.RunT(t)
	a, b := join(t, redisServer.Addr()), join(t, redisServer.Addr())
	there, _ := b.Subscribe(all)
	a.Publish(&core.Change{ID: "last words"})
	a.stop()
	require.Equal(t, "last words", hear(t, there).ID)
}

func TestMessagesThatAreNoneAreLeftAside(t *testing.T) {
	redisServer := miniredis.RunT(t)
	a := join(t, redisServer.Addr())
	here, _ := a.Subscribe(all)
	for _, text := range []string{"", "null", "x", "[]", `{"changes":[null]}`, `{"changes":{}}`, `{"server":"x","changes":[{"id":"good"}]}`} {
		redisServer.Publish(changes.Channel, text)
	}
	require.Equal(t, "good", hear(t, here).ID)
	require.Empty(t, here)
}

func TestServersThatMissedChangesOfAnotherCutTheirListenersOff(t *testing.T) {
	redisServer := miniredis.RunT(t)
	a := join(t, redisServer.Addr())
	here, _ := a.Subscribe(all)
	redisServer.Publish(changes.Channel, `{"server":"x","missed":true,"changes":[{"id":"good"}]}`)
	for range here {
		require.Fail(t, "a change came in spite of the gap")
	}
	require.Eventually(t, func() bool { return len(a.forgotten()) == 3 }, 10*time.Second, time.Millisecond)
}

func TestAWatcherMissesNothing(t *testing.T) {
	b := changes.NewBroker()
	seen := 0
	stop := b.Watch(func(*core.Change) { seen++ })
	for range 1000 {
		b.Publish(&core.Change{})
	}
	b.CutOff()
	b.Publish(&core.Change{})
	stop()
	stop() // twice is as good as once
	b.Publish(&core.Change{})
	require.Equal(t, 1001, seen)
}

func TestListenersThatAreCutOffMayComeAgain(t *testing.T) {
	b := changes.NewBroker()
	news, stop := b.Subscribe(all)
	b.CutOff()
	_, open := <-news
	require.False(t, open)
	stop()
	news, _ = b.Subscribe(all)
	b.Publish(&core.Change{ID: "x"})
	require.Equal(t, "x", (<-news).ID)
}
