// Package notify tells gateways, over the Redis channel that they all listen to, what changed here.
package notify

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/redis/go-redis/v9"

	"gatehouse/internal/changes"
	"gatehouse/internal/core"
)

// Channel is the Redis channel that gateways listen to.
const Channel = "tyk.cluster.notifications"

// Command is what a notification asks gateways to do.
type Command string

// The commands that we send.
const (
	// ApiUpdated, PolicyChanged and GroupReload make gateways load everything again; they differ in name only.
	ApiUpdated    Command = "ApiUpdated"
	PolicyChanged Command = "PolicyChanged"
	GroupReload   Command = "GroupReload"
	// KeySpaceUpdated makes them forget the sessions that they cached for the keys in the payload.
	KeySpaceUpdated Command = "KeySpaceUpdateNotification"
	// DeleteAPICache and InvalidateJWKSCache make them forget cached answers and key sets of the API in the payload.
	DeleteAPICache      Command = "DeleteAPICache"
	InvalidateJWKSCache Command = "InvalidateJWKSCacheForAPI"
	// PurgeOAuthTokens makes them drop OAuth tokens that ended.
	PurgeOAuthTokens Command = "OAuthPurgeLapsedTokens" //nolint:gosec // the name of a command, no secret
	// ZeroConf tells them where we are.
	ZeroConf Command = "NoticeDashboardZeroConf"
)

// Options configure a Notifier.
type Options struct {
	Redis redis.UniversalClient
	// Secret is the shared node secret, which signs when there is no private key.
	Secret string
	// PrivateKeyPath names a PEM file with an RSA key, which signs then.
	PrivateKeyPath string
	// Broker says what changed; APIs, policies and certificates make gateways reload. Nil leaves that to calls of Reload.
	Broker *changes.Broker
	// Dashboard is where gateways find this server, as scheme://host:port, told to them every ten seconds; "" for not
	// telling.
	Dashboard string
	Log       *slog.Logger
}

// Notifier sends notifications. A nil Notifier is one without a Redis: it keeps silent, and Send says why.
type Notifier struct {
	o    Options
	sign signer
	pace pace

	mu        sync.Mutex
	reload    Command // that waits; "" for none
	reloading bool    // one is being sent
	reloaded  time.Time
	keys      names     // that wait
	lost      time.Time // when Redis was last found to be gone; at first the start
	down      bool

	wakeReload, wakeKeys chan struct{}
}

// pace says how often things are done; tests are in a hurry.
type pace struct {
	// reload and keys are the least times between two notifications of a kind.
	reload, keys time.Duration
	// again is how long after Redis came back gateways have surely subscribed: they wait for ten seconds.
	again time.Duration
	// announce is the time between two announcements of where we are.
	announce time.Duration
	// retryMin and retryMax are the pauses between attempts to send.
	retryMin, retryMax time.Duration
}

var usual = pace{
	reload:   500 * time.Millisecond,
	keys:     50 * time.Millisecond,
	again:    12 * time.Second,
	announce: 10 * time.Second,
	retryMin: 50 * time.Millisecond,
	retryMax: time.Second,
}

// New makes a Notifier. It fails when the private key cannot be used.
func New(o Options) (*Notifier, error) {
	sign, err := newSigner(o)
	if err != nil {
		return nil, err
	}
	return &Notifier{
		o:          o,
		sign:       sign,
		pace:       usual,
		keys:       newNames(),
		wakeReload: make(chan struct{}, 1),
		wakeKeys:   make(chan struct{}, 1),
	}, nil
}

// Reload has the gateways load their APIs and policies again, soon. It never waits and never fails: what cannot be sent
// now is sent when Redis is back, and many calls become few notifications. The last one is sent after the last call.
func (n *Notifier) Reload(cmd Command) {
	if n == nil {
		return
	}
	n.mu.Lock()
	n.reload = cmd
	n.mu.Unlock()
	wake(n.wakeReload)
}

// FlushKeys has the gateways forget the sessions that they cached under these names in the key space, on the terms of
// Reload. Names that the protocol cannot carry, those with a comma or a colon, are left out: the caches of gateways
// last ten seconds.
func (n *Notifier) FlushKeys(keys ...string) {
	if n == nil {
		return
	}
	unsayable, lost := 0, 0
	n.mu.Lock()
	for _, key := range keys {
		switch {
		case key == "":
		case strings.ContainsAny(key, ",:") || !utf8.ValidString(key):
			unsayable++
		default:
			lost += n.keys.add(key)
		}
	}
	n.mu.Unlock()
	if unsayable > 0 {
		n.o.Log.Warn(
			"names of keys with a comma or a colon cannot be told to gateways, which use what they cached for some seconds more",
			"keys",
			unsayable,
		)
	}
	if lost > 0 {
		n.o.Log.Warn("too many keys wait to be told to gateways; the oldest are given up", "keys", lost, "limit", maxNames)
	}
	wake(n.wakeKeys)
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Send sends a notification now. It fails with CodeUnavailable when there is no Redis, or none that answers.
func (n *Notifier) Send(ctx context.Context, cmd Command, payload string) error {
	if n == nil {
		return core.Errorf(core.CodeUnavailable, "no Redis is configured, over which gateways are told: set redis_host")
	}
	if err := n.publish(ctx, cmd, payload); err != nil {
		return core.Wrap(core.CodeUnavailable, err, "the gateways were not told: Redis does not answer; try again")
	}
	return nil
}

// notification is what gateways read.
type notification struct {
	Command   Command `json:"command"`
	Payload   string  `json:"payload"`
	Signature string  `json:"signature"`
	Algorithm uint    `json:"algorithm"`
}

// publish sends a signed notification. That nobody listens is no error: gateways may all be away.
func (n *Notifier) publish(ctx context.Context, cmd Command, payload string) error {
	m := notification{Command: cmd, Payload: payload}
	if err := n.sign(&m); err != nil {
		return err
	}
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	start := time.Now()
	receivers, err := n.o.Redis.Publish(ctx, Channel, text).Result()
	if ctx.Err() == nil {
		n.found(start, err)
	}
	if err == nil {
		n.o.Log.Debug("gateways are told", "command", cmd, "receivers", receivers)
	}
	return err
}

// found takes down whether Redis is there, as an attempt found that began at start. What it logs, it logs once.
func (n *Notifier) found(start time.Time, err error) {
	n.mu.Lock()
	was := n.down
	if err == nil && was && start.Before(n.lost) {
		n.mu.Unlock()
		return // an answer that was overtaken by the loss
	}
	n.down = err != nil
	if n.down && !was {
		n.lost = time.Now()
	}
	n.mu.Unlock()
	switch {
	case err != nil && !was:
		n.o.Log.Warn("Redis cannot be reached; what gateways shall be told is kept", "error", err)
	case err == nil && was:
		n.o.Log.Info("Redis is reached again; gateways are told what was kept")
	}
}
