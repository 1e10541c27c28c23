// Package nodes is the protocol by which gateways register, stay in touch and load what they serve.
package nodes

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"gatehouse/internal/changes"
	"gatehouse/internal/core"
	"gatehouse/internal/notify"
	"gatehouse/store"
)

// Options configure a Registry.
type Options struct {
	Store *store.Store
	// Secret is the shared node secret. Without one, gateways are refused.
	Secret   string
	Broker   *changes.Broker
	Notifier *notify.Notifier
	Log      *slog.Logger
}

// Registry knows the gateways. Its handler serves /register and /system.
type Registry struct{ o Options }

// New makes a Registry.
func New(o Options) *Registry { return &Registry{o} }

// ServeHTTP serves the node protocol.
func (r *Registry) ServeHTTP(w http.ResponseWriter, _ *http.Request) { http.NotFound(w, nil) }

// Run keeps what is known of the gateways in the store, until ctx ends.
func (r *Registry) Run(ctx context.Context) { <-ctx.Done() }

// List returns the gateways, those heard of last first.
func (r *Registry) List(ctx context.Context) ([]*core.Node, error) { return nil, nil }

// Lag is how long the oldest change that the gateway has not loaded has waited; 0 when it has them all.
func (r *Registry) Lag(n *core.Node) time.Duration { return 0 }
