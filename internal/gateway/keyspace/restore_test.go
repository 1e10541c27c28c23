package keyspace_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/redistest"
	"gatehouse/store"
)

// allThere waits until Redis holds the sessions of all of these keys, and the index as many.
func (w *world) allThere(t testing.TB, ids []string) {
	t.Helper()
	eventually(t, func(c *assert.CollectT) {
		missing := 0
		for _, id := range ids {
			if n, err := w.redis.Exists(context.Background(), "apikey-"+id).Result(); err != nil || n == 0 {
				missing++
			}
		}
		assert.Zero(c, missing, "sessions are missing")
	})
	w.anchored(t)
	assert.Equal(t, len(ids), w.total(t))
	for _, id := range ids {
		require.NotNil(t, w.one(t, id))
	}
}

func TestKeysFromBeforeRedisWasConfiguredGetTheirSessions(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		s := database(t)
		for i := range 1200 {
			require.NoError(t, s.Keys.Create(t.Context(), key(i)))
		}
		w := start(t, s, addr).anchored(t)
		assert.Equal(t, string(key(3).Session), w.get(t, name(3)))
		assert.Equal(t, 1200, w.total(t))
	})
}

func TestARedisThatWasEmptiedGetsItsSessionsBack(t *testing.T) {
	srv := redistest.Start(t)
	w := start(t, database(t), srv.Addr).anchored(t)
	var ids []string
	for i := range 50 {
		require.NoError(t, w.Create(t.Context(), key(i)))
		ids = append(ids, id(i))
	}
	require.Equal(t, 50, w.total(t))
	require.NoError(t, w.redis.Del(t.Context(), name(0)).Err())
	assert.Nil(t, w.one(t, id(0)), "one that a gateway deleted is gone")
	require.NoError(t, w.redis.FlushAll(t.Context()).Err())
	assert.NotNil(t, w.one(t, id(1)), "those that went with all of the others are not")
	w.allThere(t, ids[1:])
	assert.Empty(t, w.get(t, name(0)), "and nothing is brought back that was deleted")
}

func TestWhatWasDeletedWhileNobodyListenedStaysDeleted(t *testing.T) {
	s, srv := database(t), redistest.Start(t)
	w := start(t, s, srv.Addr).anchored(t)
	for i := range 3 {
		require.NoError(t, w.Create(t.Context(), key(i)))
	}
	require.Equal(t, 3, w.total(t))
	w.stop()
	gateway := redis.NewClient(&redis.Options{Addr: srv.Addr})
	require.NoError(t, gateway.Del(t.Context(), name(1)).Err())
	require.NoError(t, gateway.Close())
	w = start(t, s, srv.Addr)
	eventually(t, func(c *assert.CollectT) { assert.Nil(c, w.row(t, id(1))) })
	assert.Equal(t, 2, w.total(t))
}

func TestAnotherRedisIsTheTruthFromThenOn(t *testing.T) {
	s := database(t)
	first := redistest.Start(t)
	w := start(t, s, first.Addr).anchored(t)
	require.NoError(t, w.Create(t.Context(), key(1)))
	require.Equal(t, 1, w.total(t))
	w.stop()
	second := redistest.Start(t)
	theirs := start(t, database(t), second.Addr).anchored(t)
	require.NoError(t, theirs.Create(t.Context(), key(2)))
	theirs.stop()
	w = start(t, s, second.Addr)
	eventually(t, func(c *assert.CollectT) {
		assert.Nil(c, w.row(t, id(1)))
		assert.NotNil(c, w.row(t, id(2)))
	})
	assert.Empty(t, w.get(t, name(1)), "no key of the first is valid at the second")
}

// hammer creates keys with several writers until stop, and returns those that were acknowledged.
func (w *world) hammer(t *testing.T, from int) (stop func() []string) {
	ctx, cancel := context.WithCancel(context.Background())
	var mu sync.Mutex
	var ids []string
	var wg sync.WaitGroup
	for writer := range 4 {
		wg.Go(func() {
			for i := from + writer; ctx.Err() == nil; i += 4 {
				err := w.Create(context.Background(), key(i))
				if err != nil {
					if core.CodeOf(err) != core.CodeUnavailable && !errors.Is(err, store.ErrConflict) {
						t.Error(err)
					}
					time.Sleep(time.Millisecond)
					continue
				}
				mu.Lock()
				ids = append(ids, id(i))
				mu.Unlock()
			}
		})
	}
	return func() []string { cancel(); wg.Wait(); return ids }
}

func TestNoAcknowledgedKeyIsLostWhenRedisIsKilledUnderLoad(t *testing.T) {
	for name, args := range map[string][]string{
		"that keeps nothing":                     nil,
		"that keeps everything":                  {"--appendonly", "yes"},
		"that keeps a snapshot from a while ago": {"--dbfilename", "snapshot.rdb"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := redistest.Start(t, args...)
			w := start(t, database(t), srv.Addr).anchored(t)
			stop := w.hammer(t, 0)
			time.Sleep(300 * time.Millisecond)
			if args != nil && args[0] == "--dbfilename" {
				require.NoError(t, w.redis.Save(t.Context()).Err())
				time.Sleep(300 * time.Millisecond)
			}
			srv.Kill()
			time.Sleep(100 * time.Millisecond)
			srv.Start(t)
			time.Sleep(300 * time.Millisecond)
			ids := stop()
			require.NotEmpty(t, ids)
			eventually(t, func(c *assert.CollectT) {
				missing := 0
				for _, id := range ids {
					if n, err := w.redis.Exists(context.Background(), "apikey-"+id).Result(); err != nil || n == 0 {
						missing++
					}
				}
				assert.Zero(c, missing, "of %d", len(ids))
			})
			// Those whose answer was lost may be there or not; Redis and the index agree on it.
			w.Rebuild()
			eventually(t, func(c *assert.CollectT) {
				sessions, err := w.redis.Keys(context.Background(), "apikey-*").Result()
				assert.NoError(c, err)
				assert.Len(c, sessions, w.total(t))
			})
			t.Logf("%d keys", len(ids))
		})
	}
}

func TestAnUpdateSurvivesARedisThatComesBackWithAnOlderSession(t *testing.T) {
	srv := redistest.Start(t, "--dbfilename", "snapshot.rdb")
	w := start(t, database(t), srv.Addr).anchored(t)
	require.NoError(t, w.Create(t.Context(), key(1)))
	require.NoError(t, w.Create(t.Context(), key(2)))
	require.Equal(t, 2, w.total(t))
	require.NoError(t, w.redis.Save(t.Context()).Err())
	k := *w.one(t, id(1))
	k.Session = k.Session.Set("is_inactive", true)
	require.NoError(t, w.Update(t.Context(), &k))
	srv.Kill()
	srv.Start(t)
	eventually(t, func(c *assert.CollectT) { assert.Equal(c, string(k.Session), w.get(t, name(1))) })
	assert.True(t, w.one(t, id(1)).Inactive)
}

// A server may be slow to index what it made; another deletes it meanwhile.
func TestAKeyThatAnotherServerDeletedBeforeItWasIndexedStaysDeleted(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		s := database(t)
		quick := start(t, s, addr).anchored(t)
		slow := newWorld(t, s, redis.NewClient(&redis.Options{Addr: addr}))
		require.NoError(t, slow.Create(t.Context(), key(1)))
		require.NoError(t, slow.Create(t.Context(), key(2)))
		k := *quick.one(t, id(1))
		require.NoError(t, quick.Delete(t.Context(), &k))
		require.Nil(t, quick.row(t, id(1)))
		slow.run(t)
		slow.anchored(t)
		require.Equal(t, 1, slow.total(t))
		assert.Empty(t, quick.get(t, name(1)), "the gateways would take it again")
		assert.Nil(t, quick.row(t, id(1)), "a Redis that loses its memory would get it again")
		assert.NotNil(t, quick.row(t, id(2)))
		again := key(1)
		require.NoError(t, quick.Create(t.Context(), again), "its name may be used again")
		require.Equal(t, 2, quick.total(t))
		assert.NotEmpty(t, quick.get(t, name(1)))
	})
}

// A key that is put back as it was is told from a session that a gateway wrote back, before its row is there, too.
func TestAKeyThatIsPutBackAsItWasStaysAlthoughItWasDeleted(t *testing.T) {
	onBoth(t, func(t *testing.T, addr string) {
		s := database(t)
		w := start(t, s, addr).anchored(t)
		require.NoError(t, w.Create(t.Context(), key(1)))
		require.NoError(t, w.Delete(t.Context(), w.one(t, id(1))))
		time.Sleep(2 * time.Millisecond) // marks have the time in milliseconds
		maker := newWorld(t, s, redis.NewClient(&redis.Options{Addr: addr}))
		require.NoError(t, maker.Create(t.Context(), key(1)), "this server does not come to indexing it")
		require.NotNil(t, w.one(t, id(1)), "another looks meanwhile")
		assert.NotEmpty(t, w.get(t, name(1)))
		require.NoError(t, w.Delete(t.Context(), w.one(t, id(1))))
		w.set(t, name(1), string(key(1).Session))
		late := time.Now().Add(time.Minute).UnixMilli()
		mark := w.redis.Do(t.Context(), "ZADD", "gatehouse-index-dirty", late, id(1)+" of-a-change")
		require.NoError(t, mark.Err(), "a server that changed it was slow, or its clock is ahead")
		assert.Nil(t, w.one(t, id(1)), "what nobody made comes from a gateway")
		assert.Empty(t, w.get(t, name(1)))
	})
}

// The row of a deleted key that was written without knowing of the deletion is no reason to bring the key back.
func TestARowThatADeletionOutlivedIsNotRestored(t *testing.T) {
	s, srv := database(t), redistest.Start(t)
	w := start(t, s, srv.Addr).anchored(t)
	require.NoError(t, w.Create(t.Context(), key(1)))
	require.NoError(t, w.Create(t.Context(), key(2)))
	k := *w.one(t, id(1))
	row := *w.row(t, id(1))
	require.NoError(t, w.Delete(t.Context(), &k))
	w.stop()
	require.NoError(t, s.Keys.Create(t.Context(), &row))
	require.NoError(t, s.Apply(t.Context()))
	srv.Kill()
	srv.Start(t)
	w = start(t, s, srv.Addr).anchored(t)
	eventually(t, func(c *assert.CollectT) { assert.NotEmpty(c, w.get(t, name(2))) })
	w.Rebuild()
	eventually(t, func(c *assert.CollectT) { assert.Nil(c, w.row(t, id(1))) })
	assert.Empty(t, w.get(t, name(1)))
}

func TestAServerThatDiesLeavesMarksThatAnotherSeesTo(t *testing.T) {
	s, addr := database(t), redistest.Start(t).Addr
	w := start(t, s, addr).anchored(t)
	// What a server that died wrote: a session and its mark.
	w.set(t, name(1), string(key(1).Session))
	at := time.Now().Add(-time.Minute).UnixMilli()
	require.NoError(t, w.redis.Do(t.Context(), "ZADD", "gatehouse-index-dirty", at, id(1)+" of-the-dead").Err())
	eventually(t, func(c *assert.CollectT) {
		assert.NotNil(c, w.row(t, id(1)))
		assert.Zero(c, w.marks(t))
	})
}

func TestServersThatShareAStoreAndARedisKeepOneIndex(t *testing.T) {
	s, srv := database(t), redistest.Start(t)
	servers := []*world{start(t, s, srv.Addr), start(t, s, srv.Addr), start(t, s, srv.Addr)}
	servers[0].anchored(t)
	var stops []func() []string
	for i, w := range servers {
		stops = append(stops, w.hammer(t, 1_000_000*i))
	}
	time.Sleep(300 * time.Millisecond)
	require.NoError(t, servers[0].redis.FlushAll(t.Context()).Err())
	time.Sleep(300 * time.Millisecond)
	var ids []string
	for _, stop := range stops {
		ids = append(ids, stop()...)
	}
	for _, w := range servers {
		w.total(t) // what each of them queued is indexed
	}
	servers[1].allThere(t, ids)
}
