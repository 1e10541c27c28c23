package store_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/store"
)

func TestTheCacheAnswersRepeatedReads(t *testing.T) {
	for _, tc := range []struct {
		name  string
		ttl   time.Duration
		more  string
		id    int
		finds int64
	}{
		{"an object is read once", time.Hour, "", 1, 1},
		{"so is its absence", time.Hour, "", 2, 1},
		{"a TTL of 0 turns the cache off", 0, "", 1, 10},
		{"a document over 64 KB is not remembered", time.Hour, `,"big":"` + strings.Repeat("x", 64<<10) + `"`, 1, 10},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, engine := newStore(t, store.WithCacheTTL(tc.ttl))
			require.NoError(t, s.Policies.Create(t.Context(), policy(1, orgA, "gold", tc.more)))
			for range 10 {
				_, _ = s.Policies.Find(t.Context(), store.Org(orgA), policy(tc.id, orgA, "", "").ID)
			}
			require.Equal(t, tc.finds, engine.Reads())
		})
	}
}

func TestTheCacheForgetsWithEveryWrite(t *testing.T) {
	s, _ := newStore(t, store.WithCacheTTL(time.Hour))
	p := policy(1, orgA, "gold", "")
	find := func() (*core.Policy, error) { return s.Policies.Find(t.Context(), store.Org(orgA), p.ID) }
	_, err := find()
	require.ErrorIs(t, err, store.ErrNotFound)
	require.NoError(t, s.Policies.Create(t.Context(), p))
	got, err := find()
	require.NoError(t, err, "absence was remembered past the creation")
	require.Equal(t, "gold", got.Name)

	changed := policy(1, orgA, "silver", "")
	changed.Meta = p.Meta
	require.NoError(t, s.Policies.Update(t.Context(), changed))
	got, err = find()
	require.NoError(t, err)
	require.Equal(t, "silver", got.Name)

	require.NoError(t, s.Policies.Delete(t.Context(), changed))
	_, err = find()
	require.ErrorIs(t, err, store.ErrNotFound)
}

func TestWritesOfAnotherServerShowWithinTheTTL(t *testing.T) {
	const ttl = 50 * time.Millisecond
	s, engine := newStore(t, store.WithCacheTTL(ttl))
	other := store.New(engine)
	p := policy(1, orgA, "gold", "")
	require.NoError(t, s.Policies.Create(t.Context(), p))
	_, err := s.Policies.Find(t.Context(), store.Org(orgA), p.ID)
	require.NoError(t, err)
	changed := policy(1, orgA, "silver", "")
	changed.Meta = p.Meta
	require.NoError(t, other.Policies.Update(t.Context(), changed))
	time.Sleep(ttl)
	got, err := s.Policies.Find(t.Context(), store.Org(orgA), p.ID)
	require.NoError(t, err)
	require.Equal(t, "silver", got.Name)
}

func TestNoReaderSeesWhatWasTrueBeforeAnAcknowledgedWrite(t *testing.T) {
	s, _ := newStore(t, store.WithCacheTTL(time.Hour))
	p := policy(1, orgA, "gold", "")
	require.NoError(t, s.Policies.Create(t.Context(), p))
	id := p.ID
	var acknowledged atomic.Int64
	acknowledged.Store(1)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				atLeast := acknowledged.Load()
				got, err := s.Policies.Find(t.Context(), store.Org(orgA), id)
				if err != nil || got.Revision < atLeast || got.Document.Get("n").Int() != got.Revision-1 {
					t.Errorf("read %+v, %v after revision %d was acknowledged", got, err, atLeast)
					return
				}
			}
		})
	}
	for n := 1; n <= 300; n++ {
		next := core.NewPolicy(p.Meta, p.Document.Set("n", n))
		if err := s.Policies.Update(t.Context(), next); err != nil {
			t.Error(err)
			break
		}
		p = next
		acknowledged.Store(p.Revision)
	}
	close(stop)
	wg.Wait()
	require.EqualValues(t, 301, p.Revision)
}
