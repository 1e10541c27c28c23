package redisdb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// Who serves which keys of a cluster changes when a master dies. The library asks for it once a minute, and when a node
// says that a key moved; a node that is dead says nothing. So it is asked for each second while the cluster is used,
// and at once when a node cannot be reached.
const (
	// reloads is how old the map of a cluster may be that is in use.
	reloads = time.Second
	// reloadPause is the least time between two attempts that follow failures.
	reloadPause = 100 * time.Millisecond
	// slow is how long a node may take to answer, before it is asked again and again whether it still is the one to ask.
	// The calls that come then don't wait for a node that hangs.
	slow = 300 * time.Millisecond
	// mapTimeout is how long a node may take to tell the map, before another is asked.
	mapTimeout = 500 * time.Millisecond
)

// newClient makes the client that the options ask for, as redis.NewUniversalClient does.
func newClient(o *redis.UniversalOptions) redis.UniversalClient {
	if o.MasterName != "" || !(o.IsClusterMode || len(o.Addrs) > 1) {
		return redis.NewUniversalClient(o)
	}
	options := o.Cluster()
	options.ClusterStateReloadInterval = reloads
	client := redis.NewClusterClient(options)
	w := &watcher{reload: client.ReloadState}
	client.OnNewNode(func(node *redis.Client) { node.AddHook(w) })
	client.AddHook(w)
	return client
}

// watcher sees the failures of the nodes of a cluster, and has the map loaded again.
type watcher struct {
	reload func(context.Context)
	last   atomic.Int64 // Unix nanoseconds
}

var _ redis.Hook = (*watcher)(nil)

// DialHook sees nodes that cannot be connected to.
func (w *watcher) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := next(ctx, network, addr)
		if err != nil {
			w.failed(ctx)
		}
		return conn, err
	}
}

// ProcessHook sees connections that break, nodes that do not answer, and clusters that are down. It bounds asking for
// the map.
func (w *watcher) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "cluster" {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, mapTimeout)
			defer cancel()
			return next(ctx, cmd) // a failure is seen by who asked
		}
		defer w.impatient(ctx)()
		err := next(ctx, cmd)
		if outdated(err) {
			w.failed(ctx)
		}
		return err
	}
}

// ProcessPipelineHook is ProcessHook for pipelines.
func (w *watcher) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		defer w.impatient(ctx)()
		err := next(ctx, cmds)
		if outdated(err) {
			w.failed(ctx)
		}
		return err
	}
}

// impatient has the map loaded again, and again, while a call takes long; it returns what ends that.
func (w *watcher) impatient(ctx context.Context) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	timer := time.AfterFunc(slow, func() {
		for {
			w.failed(ctx)
			if !Pause(ctx, slow) {
				return
			}
		}
	})
	return func() { timer.Stop(); cancel() }
}

// failed has the map loaded again, unless it was a moment ago.
func (w *watcher) failed(ctx context.Context) {
	now, last := time.Now().UnixNano(), w.last.Load()
	if now-last >= int64(reloadPause) && w.last.CompareAndSwap(last, now) {
		w.reload(ctx)
	}
}

// outdated tells whether an error may mean that the map of the cluster is out of date: everything but an answer of a
// node that is in its place.
func outdated(err error) bool {
	if err == nil || errors.Is(err, redis.Nil) || errors.Is(err, context.Canceled) {
		return false
	}
	var answer redis.Error
	if !errors.As(err, &answer) {
		return true
	}
	for _, prefix := range []string{"CLUSTERDOWN", "MOVED", "READONLY", "MASTERDOWN", "LOADING"} {
		if redis.HasErrorPrefix(err, prefix) {
			return true
		}
	}
	return false
}

// Check tells whether a Redis works as a whole: it, or each master of a cluster, answers, and each says that all of the
// cluster is served.
func Check(ctx context.Context, client redis.UniversalClient) error {
	cluster, ok := client.(*redis.ClusterClient)
	if !ok {
		return client.Ping(ctx).Err()
	}
	return cluster.ForEachMaster(ctx, func(ctx context.Context, master *redis.Client) error {
		info, err := master.ClusterInfo(ctx).Result()
		if err != nil {
			return fmt.Errorf("master %s: %w", master.Options().Addr, err)
		}
		for line := range strings.Lines(info) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
			switch {
			case name == "cluster_state" && value != "ok":
				return fmt.Errorf("master %s: the state of the cluster is %s", master.Options().Addr, value)
			case (name == "cluster_slots_fail" || name == "cluster_slots_pfail") && value != "0":
				return fmt.Errorf("master %s: %s is %s", master.Options().Addr, name, value)
			}
		}
		return nil
	})
}
