package keyspace_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/redisdb"
	"gatehouse/internal/gateway/redistest"
	"gatehouse/store"
)

// lacking is how many of these keys Redis lacks, and how many the index lacks.
func (w *world) lacking(ctx context.Context, ids []string) (sessions, rows int, err error) {
	for len(ids) > 0 {
		part := ids[:min(500, len(ids))]
		ids = ids[len(part):]
		there, err := w.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, id := range part {
				p.Exists(ctx, "apikey-"+id)
			}
			return nil
		})
		if err != nil {
			return 0, 0, err
		}
		for _, c := range there {
			sessions += 1 - int(c.(*redis.IntCmd).Val()) //nolint:forcetypeassert // what EXISTS is
		}
		found, err := w.store.Keys.FindMany(ctx, store.AllTenants(), "id", part)
		if err != nil {
			return 0, 0, err
		}
		rows += len(part) - len(found)
	}
	return sessions, rows, nil
}

// keeps says that no acknowledged key is missing in the end, in Redis or in the index, and that a scan takes none away.
func (w *world) keeps(t *testing.T, ids []string) {
	t.Helper()
	require.NotEmpty(t, ids)
	var before time.Time
	for range 2 {
		eventually(t, func(c *assert.CollectT) {
			sessions, rows, err := w.lacking(context.Background(), ids)
			assert.NoError(c, err)
			assert.Zero(c, sessions, "of %d sessions in Redis", len(ids))
			assert.Zero(c, rows, "of %d rows in the index", len(ids))
		})
		w.Rebuild()
		eventually(t, func(c *assert.CollectT) {
			status, err := w.Status(context.Background())
			assert.NoError(c, err)
			assert.False(c, status.Scanning)
			assert.True(c, status.CompletedAt.After(before), "a scan ended")
		})
		status, err := w.Status(context.Background())
		require.NoError(t, err)
		before = status.CompletedAt
	}
	sessions, rows, err := w.lacking(context.Background(), ids)
	require.NoError(t, err)
	require.Zero(t, sessions)
	require.Zero(t, rows)
}

// awaitMaster waits until another node serves a name, by its own words.
func awaitMaster(t *testing.T, c *redistest.Cluster, dead *redistest.Server, name string) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, n := range c.Nodes {
			if n != dead {
				if n.Client(t).Exists(context.Background(), name).Err() == nil {
					return true
				}
			}
		}
		return false
	}, 20*time.Second, 5*time.Millisecond)
}

func TestNoAcknowledgedKeyIsLostWhenAMasterOfAClusterIsKilled(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, 3)
	w := startOn(t, database(t), configured(t, c.Addrs(), "TYK_DB_ENABLECLUSTER=true")).anchored(t)
	stop := w.hammer(t, 0)
	time.Sleep(500 * time.Millisecond)
	const marker = "gatehouse-index-dirty" // each creation writes there
	master := c.Master(t, marker)
	master.Kill()
	warned := time.Now()
	require.Eventually(
		t,
		func() bool { return redisdb.Check(context.Background(), w.redis) != nil },
		5*time.Second,
		time.Millisecond,
		"health tells",
	)
	awaitMaster(t, c, master, marker)
	at := time.Now()
	require.Eventually(
		t,
		func() bool { return w.Create(context.Background(), key(1_000_000)) == nil },
		20*time.Second,
		time.Millisecond,
	)
	took := time.Since(at)
	time.Sleep(500 * time.Millisecond)
	ids := append(stop(), id(1_000_000))
	w.keeps(t, ids)
	t.Logf(
		"%d keys acknowledged, none lost; keys are made again %s after Redis recovered, which took %s",
		len(ids),
		took,
		at.Sub(warned),
	)
	assert.Less(t, took, 2*time.Second)
	require.Eventually(
		t,
		func() bool { return redisdb.Check(context.Background(), w.redis) == nil },
		10*time.Second,
		20*time.Millisecond,
	)
}

// TestNoAcknowledgedKeyIsLostWhenAShardFailsOverToAReplicaThatLagged has a replica that copied nothing for six seconds
// take over, while the other masters are well and their markers go on.
func TestNoAcknowledgedKeyIsLostWhenAShardFailsOverToAReplicaThatLagged(t *testing.T) {
	t.Parallel()
	c := redistest.StartCluster(t, 3)
	s := database(t)
	w := startOn(t, s, configured(t, c.Addrs(), "TYK_DB_ENABLECLUSTER=true")).anchored(t)
	marks := c.Master(t, "gatehouse-index-dirty")
	legacy := c.Master(t, "gatehouse-keyspace")
	var master *redistest.Server
	for _, n := range c.Nodes[:3] {
		if n != legacy && n != marks {
			master = n
		}
	}
	replica := c.Replica(t, master)
	stop := w.hammer(t, 0)
	time.Sleep(300 * time.Millisecond)
	redistest.CutOff(t, replica, master)
	time.Sleep(300 * time.Millisecond)
	ids := stop()
	// What was written by now is older than the margin when the replica takes over.
	for deadline := time.Now().Add(6 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		n := 2_000_000 + len(ids)
		if err := w.Create(t.Context(), key(n)); err != nil {
			require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
			continue
		}
		ids = append(ids, id(n))
	}
	behind, had := replica.Client(t).DBSize(t.Context()).Val(), master.Client(t).DBSize(t.Context()).Val()
	require.Less(t, behind, had, "the replica lacks keys")
	require.NoError(t, replica.Client(t).Do(t.Context(), "CLUSTER", "FAILOVER", "TAKEOVER").Err())
	w.keeps(t, ids)
	t.Logf(
		"%d keys acknowledged, none lost; the replica lacked %d of the %d names of its master",
		len(ids),
		had-behind,
		had,
	)
}

func TestNoAcknowledgedKeyIsLostWhenSentinelsFailOver(t *testing.T) {
	t.Parallel()
	s := redistest.StartSentinels(t)
	w := startOn(t, database(t), configured(t, s.Addrs(), "TYK_DB_REDISMASTERNAME=main")).anchored(t)
	stop := w.hammer(t, 0)
	time.Sleep(300 * time.Millisecond)
	s.Master.Kill()
	require.Eventually(
		t,
		func() bool { return s.Replica.Client(t).Set(t.Context(), "k", "w", 0).Err() == nil },
		20*time.Second,
		5*time.Millisecond,
	)
	at := time.Now()
	require.Eventually(
		t,
		func() bool { return w.Create(context.Background(), key(1_000_000)) == nil },
		20*time.Second,
		time.Millisecond,
	)
	took := time.Since(at)
	time.Sleep(300 * time.Millisecond)
	ids := append(stop(), id(1_000_000))
	w.keeps(t, ids)
	t.Logf("%d keys acknowledged, none lost; keys are made again %s after Redis recovered", len(ids), took)
	assert.Less(t, took, 2*time.Second)
}
