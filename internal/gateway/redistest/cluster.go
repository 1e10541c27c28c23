package redistest

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Slots is how many slots a cluster has.
const Slots = 16384

// Cluster is a Redis Cluster of a test's own, whose nodes may be killed, stopped and promoted.
type Cluster struct {
	Nodes []*Server
}

// StartCluster runs a cluster with as many masters, each with a replica, and returns when all of it is served and
// copied. A master that is dead for a second is replaced.
func StartCluster(t testing.TB, masters int) *Cluster {
	t.Helper()
	c := &Cluster{}
	for range 2 * masters {
		bus := FreeAddress(t)
		_, port, err := net.SplitHostPort(bus)
		require.NoError(t, err)
		c.Nodes = append(
			c.Nodes,
			Start(t, "--cluster-enabled", "yes", "--cluster-port", port, "--cluster-node-timeout", "1000",
				"--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1", "--cluster-replica-validity-factor", "0"),
		)
	}
	ctx := t.Context()
	for i, n := range c.Nodes {
		node := n.Client(t)
		if i < masters {
			require.NoError(t, node.ClusterAddSlotsRange(ctx, i*Slots/masters, (i+1)*Slots/masters-1).Err())
		}
		if i > 0 {
			host, port, err := net.SplitHostPort(c.Nodes[0].Addr)
			require.NoError(t, err)
			_, bus, err := net.SplitHostPort(c.Nodes[0].bus())
			require.NoError(t, err)
			require.NoError(t, node.Do(ctx, "CLUSTER", "MEET", host, port, bus).Err())
		}
	}
	for i := range masters {
		id, err := c.Nodes[i].Client(t).ClusterMyID(ctx).Result()
		require.NoError(t, err)
		replica := c.Nodes[masters+i].Client(t)
		settle(t, func(a *assert.CollectT) { assert.NoError(a, replica.ClusterReplicate(ctx, id).Err()) })
	}
	settle(t, func(a *assert.CollectT) {
		for i, n := range c.Nodes {
			info := n.Client(t).ClusterInfo(ctx).Val()
			assert.Contains(a, info, "cluster_state:ok")
			assert.Contains(a, info, "cluster_known_nodes:"+strconv.Itoa(len(c.Nodes)))
			if i >= masters {
				assert.Contains(a, n.Client(t).Info(ctx, "replication").Val(), "master_link_status:up")
			}
			assert.Equal(a, masters, strings.Count(n.Client(t).ClusterNodes(ctx).Val(), "slave "))
		}
	})
	return c
}

func settle(t testing.TB, what func(*assert.CollectT)) {
	t.Helper()
	require.EventuallyWithT(t, what, 30*time.Second, 20*time.Millisecond)
}

// Addrs are the addresses of all nodes.
func (c *Cluster) Addrs() []string {
	out := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		out[i] = n.Addr
	}
	return out
}

// Master is the node that serves a key. Dead nodes are not asked.
func (c *Cluster) Master(t testing.TB, key string) *Server {
	t.Helper()
	for _, n := range c.Nodes {
		if n.Client(t).Exists(t.Context(), key).Err() == nil {
			return n
		}
	}
	t.Fatal("no node serves ", key)
	return nil
}

// Replica is the node that copies a master.
func (c *Cluster) Replica(t testing.TB, master *Server) *Server {
	t.Helper()
	_, port, err := net.SplitHostPort(master.Addr)
	require.NoError(t, err)
	for _, n := range c.Nodes {
		info := n.Client(t).Info(t.Context(), "replication").Val()
		if strings.Contains(info, "role:slave") && strings.Contains(info, "master_port:"+port+"\r") {
			return n
		}
	}
	t.Fatal("no node copies ", master.Addr)
	return nil
}

// CutOff keeps a replica from copying any more of its master: from here on it lags behind.
func CutOff(t testing.TB, replica, master *Server) {
	t.Helper()
	require.NoError(t, replica.Client(t).ConfigSet(t.Context(), "masteruser", "nobody").Err())
	require.NoError(t, replica.Client(t).ConfigSet(t.Context(), "masterauth", "nothing").Err())
	require.NoError(t, master.Client(t).ClientKillByFilter(t.Context(), "TYPE", "replica").Err())
	settle(t, func(a *assert.CollectT) {
		assert.Contains(a, replica.Client(t).Info(t.Context(), "replication").Val(), "master_link_status:down")
	})
}

// Client is one of this server alone. It ends with the test.
func (s *Server) Client(t testing.TB) *redis.Client {
	t.Helper()
	if s.client == nil {
		s.client = redis.NewClient(
			&redis.Options{
				Addr:          s.Addr,
				MaxRetries:    -1,
				DialerRetries: 1,
				DialTimeout:   time.Second,
				ReadTimeout:   5 * time.Second,
			},
		)
		t.Cleanup(func() { _ = s.client.Close() })
	}
	return s.client
}

func (s *Server) bus() string {
	for i, a := range s.args {
		if a == "--cluster-port" {
			return net.JoinHostPort("127.0.0.1", s.args[i+1])
		}
	}
	return ""
}

// Freeze stops the server as if its machine hung; Thaw lets it go on.
func (s *Server) Freeze(t testing.TB) {
	t.Helper()
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGSTOP))
}

// Thaw ends a Freeze.
func (s *Server) Thaw(t testing.TB) {
	t.Helper()
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGCONT))
}

// Sentinels are a master with replicas, and three sentinels that watch them under the name "main".
type Sentinels struct {
	Master, Replica *Server
	Sentinels       []*Server
}

// StartSentinels runs them, and returns when a failover is possible.
func StartSentinels(t testing.TB) *Sentinels {
	t.Helper()
	s := &Sentinels{Master: Start(t, "--repl-diskless-sync-delay", "0")}
	host, port, err := net.SplitHostPort(s.Master.Addr)
	require.NoError(t, err)
	s.Replica = Start(t, "--replicaof", host+" "+port, "--repl-ping-replica-period", "1")
	for range 3 {
		addr := FreeAddress(t)
		_, own, err := net.SplitHostPort(addr)
		require.NoError(t, err)
		file := filepath.Join(t.TempDir(), "sentinel.conf")
		require.NoError(
			t,
			os.WriteFile(file, []byte("sentinel monitor main "+host+" "+port+" 2\nsentinel down-after-milliseconds main 500\n"+
				"sentinel failover-timeout main 2000\n"), 0o600),
		)
		s.Sentinels = append(s.Sentinels, StartAt(t, addr, file, "--sentinel", "--port", own))
	}
	settle(t, func(a *assert.CollectT) {
		assert.Contains(a, s.Replica.Client(t).Info(context.Background(), "replication").Val(), "master_link_status:up")
		for _, n := range s.Sentinels {
			main := n.Client(t).Do(context.Background(), "SENTINEL", "CKQUORUM", "main")
			assert.NoError(a, main.Err())
			info := n.Client(t).Info(context.Background(), "sentinel").Val()
			assert.Contains(a, info, "slaves=1,sentinels=3")
		}
	})
	return s
}

// Addrs are the addresses of the sentinels.
func (s *Sentinels) Addrs() []string {
	out := make([]string, len(s.Sentinels))
	for i, n := range s.Sentinels {
		out[i] = n.Addr
	}
	return out
}
