package certificate

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// moment is a hook of the client that does something once, before or after the first command of a name is answered.
type moment struct {
	command       string
	before, after func()
}

func (m *moment) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (m *moment) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (m *moment) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if len(cmds) == 0 || cmds[0].Name() != m.command {
			return next(ctx, cmds)
		}
		once(&m.before)
		err := next(ctx, cmds)
		once(&m.after)
		return err
	}
}

func once(do *func()) {
	if f := *do; f != nil {
		*do = nil // first: it calls Redis itself
		f()
	}
}

// deleteOrganisation deletes it with all its certificates, as the application does.
func (w *world) deleteOrganisation(t testing.TB) {
	t.Helper()
	orgs, err := w.o.Store.Organisations.FindMany(t.Context(), store.AllTenants(), "id", []string{w.org})
	require.NoError(t, err)
	l, err := w.o.Store.Certificates.List(t.Context(), store.Query{Tenant: store.Org(w.org), Sort: "id", Limit: 100})
	require.NoError(t, err)
	var ids []string
	for _, c := range l.Objects {
		ids = append(ids, c.ID)
	}
	writes, err := w.Removing(t.Context(), ids...)
	require.NoError(t, err)
	for _, c := range l.Objects {
		writes = append(writes, w.o.Store.Certificates.Deleting(c))
	}
	require.NoError(t, w.o.Store.Apply(t.Context(), append(writes, w.o.Store.Organisations.Deleting(orgs[0]))...))
}

func (w *world) total(t testing.TB) int {
	t.Helper()
	n, err := w.o.Store.Certificates.Count(t.Context(), store.AllTenants())
	require.NoError(t, err)
	return n
}

// TestWhatIsDeletedWhileAPassIsUnderWayStaysDeleted has a certificate uploaded after the pass read the store, and
// deleted after it read Redis: neither is in what the pass knows.
func TestWhatIsDeletedWhileAPassIsUnderWayStaysDeleted(t *testing.T) {
	i := issue(t, "leaf.test", nil, curveKey(t))
	for name, full := range map[string]bool{"light": false, "full": true} {
		for name2, remove := range map[string]func(*world, *world, *core.Certificate){
			"with its organisation": func(w, _ *world, _ *core.Certificate) { w.deleteOrganisation(t) },
			"by itself":             func(w, _ *world, c *core.Certificate) { w.deleted(t, c) },
			"and taken out of Redis by another server that is through with it": func(w, other *world, c *core.Certificate) {
				w.deleted(t, c)
				require.NoError(t, other.pass(t.Context(), true))
			},
		} {
			t.Run(name+", "+name2, func(t *testing.T) {
				r := openRedis(t)
				w := newWorld(t, r)
				other := &world{Shelf: NewShelf(w.o), org: w.org}
				var c *core.Certificate
				r.AddHook(&moment{command: "lrange", before: func() {
					c = w.stored(t, i.pem()+i.ec())
					w.Put(t.Context(), c)
				}})
				r.AddHook(&moment{command: "getrange", after: func() { remove(w, other, c) }})
				require.NoError(t, w.pass(t.Context(), full))
				require.NotNil(t, c, "the pass looked at Redis")
				for range 2 {
					require.Zero(t, w.total(t), "the row came back")
					require.NoError(t, w.pass(t.Context(), true))
				}
				require.Empty(t, w.value(t, c.ID), "the private key is still in Redis")
			})
		}
	}
}

func TestWhatRedisBringsBackOfBeforeStaysDeleted(t *testing.T) {
	clock := now
	w := newWorld(t, openRedis(t), func(o *ShelfOptions) {
		o.Store = store.New(engineOf(t), store.WithClock(func() time.Time { return clock }))
	})
	i := issue(t, "leaf.test", nil, curveKey(t))
	c := w.stored(t, i.pem()+i.ec())
	w.Put(t.Context(), c)
	copied := w.value(t, c.ID)
	w.deleted(t, c)
	w.Remove(t.Context(), c.ID)
	restored := func() {
		require.NoError(t, w.o.Redis.Set(t.Context(), "cert-raw-"+c.ID, copied, 0).Err())
		require.NoError(t, w.pass(t.Context(), true))
	}
	for range 2 {
		restored()
		require.Zero(t, w.total(t))
		require.Empty(t, w.value(t, c.ID))
		clock = clock.Add(remembered / 2)
	}
	restored()
	require.Equal(t, 1, w.total(t), "after a while, it is one that somebody uploaded at a gateway")
	n, err := w.o.Store.Settings.Count(t.Context(), store.AllTenants())
	require.NoError(t, err)
	require.Zero(t, n, "and the note is forgotten")
}

func TestNotesOfAnEarlierVersionAreUnderstood(t *testing.T) {
	w := newWorld(t, openRedis(t))
	c := w.stored(t, issue(t, "leaf.test", nil, curveKey(t)).pem())
	w.Put(t.Context(), c)
	require.NoError(t, w.o.Store.Apply(
		t.Context(),
		w.o.Store.Certificates.Deleting(c),
		w.o.Store.Settings.Creating(
			&core.Setting{
				Meta:  core.Meta{ID: removedPrefix + core.NewID(now)},
				Value: core.Document(`{}`).Set("certificate", c.ID),
			},
		),
	))
	value := w.value(t, c.ID)
	for range 2 {
		require.NoError(t, w.pass(t.Context(), true))
		require.Empty(t, w.value(t, c.ID))
		require.Zero(t, w.total(t))
		require.NoError(t, w.o.Redis.Set(t.Context(), "cert-raw-"+c.ID, value, 0).Err())
	}
}

func TestACertificateIsDeletedAndUploadedManyTimes(t *testing.T) {
	w := newWorld(t, openRedis(t))
	text := issue(t, "leaf.test", nil, curveKey(t)).pem()
	for range 3 {
		c := w.stored(t, text)
		w.Put(t.Context(), c)
		require.NoError(t, w.pass(t.Context(), true))
		require.NotEmpty(t, w.value(t, c.ID))
		w.deleted(t, c)
		require.ErrorIs(t, w.Delete(t.Context(), c), store.ErrStale, "it is gone")
		require.NoError(t, w.pass(t.Context(), true))
		require.Empty(t, w.value(t, c.ID))
	}
}

func TestACertificateOfAnOrganisationThatIsGoneGoes(t *testing.T) {
	w := newWorld(t, openRedis(t))
	w.deleteOrganisation(t)
	c := w.stored(t, issue(t, "leaf.test", nil, curveKey(t)).pem()) // the upload was under way
	w.Put(t.Context(), c)
	require.NoError(t, w.pass(t.Context(), false))
	require.Zero(t, w.total(t))
	require.NoError(t, w.pass(t.Context(), false))
	require.Empty(t, w.value(t, c.ID))
	require.Empty(t, w.names(t))
}
