package keyspace_test

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/changes"
	"gatehouse/internal/config"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/keyspace"
	"gatehouse/internal/gateway/redisdb"
	"gatehouse/internal/gateway/redistest"
	"gatehouse/store"
	"gatehouse/store/sql"
)

const org = "5e9d9544a1dcd60001d0ed20"

// TestMain keeps the client's own complaints about servers that the tests kill out of the output.
func TestMain(m *testing.M) {
	redis.SetLogger(silent{})
	m.Run()
}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// world is a key space over a store in memory and a Redis.
type world struct {
	*keyspace.Space
	store  *store.Store
	redis  redis.UniversalClient
	broker *changes.Broker
	stop   func()
}

// database is a store in memory, which outlives a key space.
func database(t testing.TB) *store.Store {
	t.Helper()
	engine, err := sql.OpenMemory(context.Background())
	require.NoError(t, err)
	s := store.New(engine)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// start runs a key space until the test ends, or stop is called.
func start(t testing.TB, s *store.Store, addr string) *world {
	t.Helper()
	return startOn(
		t,
		s,
		redis.NewClient(&redis.Options{Addr: addr, MaxRetries: 1, DialTimeout: time.Second, DialerRetries: 1}),
	)
}

// configured is a client as the program makes it.
func configured(t testing.TB, addrs []string, env ...string) redis.UniversalClient {
	t.Helper()
	loaded, err := config.Load(config.Sources{Env: append(env, "TYK_DB_REDISADDRS="+strings.Join(addrs, ","))})
	require.NoError(t, err)
	client, err := redisdb.Open(&loaded.Config)
	require.NoError(t, err)
	return client
}

// startOn is start on a client, which it closes.
func startOn(t testing.TB, s *store.Store, client redis.UniversalClient) *world {
	t.Helper()
	w := newWorld(t, s, client)
	w.run(t)
	return w
}

// newWorld is startOn without the loops.
func newWorld(t testing.TB, s *store.Store, client redis.UniversalClient) *world {
	t.Helper()
	w := &world{store: s, redis: client, broker: changes.NewBroker()}
	w.Space = keyspace.New(
		keyspace.Options{Redis: w.redis, Store: s, Broker: w.broker, Log: slog.New(slog.DiscardHandler)},
	)
	return w
}

func (w *world) run(t testing.TB) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	w.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		_ = w.redis.Close()
	})
	t.Cleanup(w.stop)
}

// anchored waits until the key space knows its Redis.
func (w *world) anchored(t testing.TB) *world {
	t.Helper()
	eventually(t, func(c *assert.CollectT) {
		status, err := w.Status(context.Background())
		assert.NoError(c, err)
		assert.False(c, status.CompletedAt.IsZero())
		assert.False(c, status.Scanning)
	})
	return w
}

func eventually(t testing.TB, what func(c *assert.CollectT)) {
	t.Helper()
	require.EventuallyWithT(t, what, 20*time.Second, 10*time.Millisecond)
}

// onBoth runs a test on the Redis of the tests and on a real one.
func onBoth(t *testing.T, test func(t *testing.T, addr string)) {
	t.Run("in memory", func(t *testing.T) {
		t.Parallel()
		test(t, miniredis.RunT(t).Addr())
	})
	t.Run("real", func(t *testing.T) {
		t.Parallel()
		test(t, redistest.Start(t).Addr)
	})
}

// key is a new key with some fields in its session.
func key(n int, fields ...string) *core.Key {
	doc := core.Document(
		fmt.Sprintf(
			`{"org_id":%q,"alias":"customer %d","rate":10,"per":1,"quota_max":-1,"access_rights":{"weather":{"api_id":"weather"}},"our_own":1.50}`,
			org,
			n,
		),
	)
	for i := 0; i+1 < len(fields); i += 2 {
		doc = doc.SetRaw(fields[i], []byte(fields[i+1]))
	}
	return core.NewKey(core.Meta{ID: id(n), OrgID: org}, doc)
}

func id(n int) string { return fmt.Sprintf("%016x", n) }

func name(n int) string { return "apikey-" + id(n) }

// one finds a key by id; nil when there is none.
func (w *world) one(t testing.TB, id string) *core.Key {
	t.Helper()
	found, err := w.FindMany(context.Background(), store.Org(org), "id", []string{id})
	require.NoError(t, err)
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

// row is a key as the index has it; nil when it has not.
func (w *world) row(t testing.TB, id string) *core.Key {
	t.Helper()
	found, err := w.store.Keys.FindMany(context.Background(), store.AllTenants(), "id", []string{id})
	require.NoError(t, err)
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

func (w *world) get(t testing.TB, name string) string {
	t.Helper()
	v, err := w.redis.Get(context.Background(), name).Result()
	if err != nil {
		require.ErrorIs(t, err, redis.Nil)
	}
	return v
}

func (w *world) set(t testing.TB, name, value string) {
	t.Helper()
	require.NoError(t, w.redis.Set(context.Background(), name, value, 0).Err())
}

func (w *world) total(t testing.TB) int {
	t.Helper()
	n, err := w.Count(context.Background(), store.AllTenants())
	require.NoError(t, err)
	return n
}

// marks is how many writes wait to be indexed.
func (w *world) marks(t testing.TB) int64 {
	t.Helper()
	n, err := w.redis.ZCard(context.Background(), "gatehouse-index-dirty").Result()
	require.NoError(t, err)
	return n
}

// told collects what a key space announces.
func (w *world) told(t testing.TB) func() []string {
	t.Helper()
	all, stop := w.broker.Subscribe(func(*core.Change) bool { return true })
	t.Cleanup(stop)
	return func() []string {
		var out []string
		for {
			select {
			case c := <-all:
				out = append(out, string(c.Kind)+" "+c.ID+" "+strconv.FormatInt(c.Revision, 10))
			default:
				return out
			}
		}
	}
}
