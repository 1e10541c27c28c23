package notify

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/redisdb"
)

// parting is the time for what is left to be sent when the program ends.
const parting = time.Second

// Run sends what Reload and FlushKeys ask for, and reloads after what the broker tells, until ctx ends; what waits then
// is sent within a second, or not at all. At the start, and when Redis was away, gateways are told to reload, since a
// notification may have been lost; and once more a while later, since gateways that lost Redis are deaf for ten
// seconds.
func (n *Notifier) Run(ctx context.Context) {
	if n == nil {
		return
	}
	if n.o.Broker != nil {
		defer n.o.Broker.Watch(n.heed)()
	}
	n.mu.Lock()
	n.lost = time.Now()
	n.mu.Unlock()
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { n.lane(ctx, n.wakeReload, n.pace.reload, n.sendReload) })
	running.Go(func() { n.lane(ctx, n.wakeKeys, n.pace.keys, n.sendKeys) })
	if n.o.Dashboard != "" {
		running.Go(func() { n.announce(ctx) })
	}
	// Hearing what gateways hear is how we know when they hear nothing.
	var again *time.Timer
	redisdb.Listen(ctx, n.o.Redis, Channel, redisdb.Listener{
		Down: func(err error) { n.found(time.Now(), err) },
		Up: func() {
			n.found(time.Now(), nil)
			n.reloadUnlessSince()
			if again != nil {
				again.Stop()
			}
			again = time.AfterFunc(n.pace.again, func() { n.Reload(GroupReload) })
		},
	})
	if again != nil {
		again.Stop()
	}
}

// heed takes a change that this server made; others tell of theirs.
func (n *Notifier) heed(c *core.Change) {
	if c.Remote {
		return
	}
	switch told := core.KindNamed(c.Object).Feeds(c.Kind); {
	case told.Apis:
		n.Reload(ApiUpdated)
	case told.Policies:
		n.Reload(PolicyChanged)
	case told.Certificates:
		n.Reload(GroupReload)
	}
}

// reloadUnlessSince has gateways reload when no reload was sent since Redis was lost, waits, or is being sent.
func (n *Notifier) reloadUnlessSince() {
	n.mu.Lock()
	done := n.reloaded.After(n.lost) || n.reload != "" || n.reloading
	n.mu.Unlock()
	if !done {
		n.Reload(GroupReload)
	}
}

// lane sends what gathers: the first at once, then at most one notification in an interval. What fails is tried again
// until it succeeds. send reports that there was nothing to send as no error.
func (n *Notifier) lane(
	ctx context.Context,
	wakes <-chan struct{},
	interval time.Duration,
	send func(context.Context) error,
) {
	for {
		select {
		case <-ctx.Done():
			n.part(ctx, send)
			return
		case <-wakes:
		}
		for pause := n.pace.retryMin; send(ctx) != nil; pause = min(2*pause, n.pace.retryMax) {
			if !redisdb.Pause(ctx, pause) {
				n.part(ctx, send)
				return
			}
		}
		if !redisdb.Pause(ctx, interval) {
			n.part(ctx, send)
			return
		}
	}
}

// part makes one more attempt.
func (n *Notifier) part(ctx context.Context, send func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), parting)
	defer cancel()
	_ = send(ctx) // at the next start, gateways are told to reload
}

func (n *Notifier) sendReload(ctx context.Context) error {
	n.mu.Lock()
	cmd := n.reload
	n.reload, n.reloading = "", cmd != ""
	n.mu.Unlock()
	if cmd == "" {
		return nil
	}
	start := time.Now()
	err := n.publish(ctx, cmd, "")
	n.mu.Lock()
	defer n.mu.Unlock()
	n.reloading = false
	switch {
	case err == nil:
		n.reloaded = start
	case n.reload == "":
		n.reload = cmd
	}
	return err
}

func (n *Notifier) sendKeys(ctx context.Context) error {
	n.mu.Lock()
	keys := n.keys.take(maxBatch)
	more := len(n.keys.order) > 0
	n.mu.Unlock()
	if len(keys) == 0 {
		return nil
	}
	err := n.publish(ctx, KeySpaceUpdated, strings.Join(keys, ","))
	if err == nil {
		if more {
			wake(n.wakeKeys)
		}
		return nil
	}
	n.mu.Lock()
	lost := n.keys.putBack(keys)
	n.mu.Unlock()
	if lost > 0 {
		n.o.Log.Warn("too many keys wait to be told to gateways; the oldest are given up", "keys", lost, "limit", maxNames)
	}
	return err
}

// announce tells gateways where this server is.
func (n *Notifier) announce(ctx context.Context) {
	type dashboard struct {
		Hostname string
		Port     int
		UseTLS   bool
	}
	u, err := url.Parse(n.o.Dashboard)
	if err != nil {
		n.o.Log.Error("gateways are not told where this server is: the address cannot be read", "address", n.o.Dashboard)
		return
	}
	d := dashboard{Hostname: u.Hostname(), UseTLS: u.Scheme == "https"}
	if strings.Contains(d.Hostname, ":") {
		d.Hostname = "[" + d.Hostname + "]" // gateways put the port behind it
	}
	d.Port, _ = strconv.Atoi(u.Port()) // 0, that is the scheme's own, when there is none
	for {
		payload, err := json.Marshal(struct {
			DashboardConfig dashboard
			TimeStamp       int64
		}{d, time.Now().Unix()})
		if err == nil {
			_ = n.publish(ctx, ZeroConf, string(payload)) // found says that it failed; the next one follows
		}
		if !redisdb.Pause(ctx, n.pace.announce) {
			return
		}
	}
}
