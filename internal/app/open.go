package app

import (
	"context"

	"gatehouse/internal/gateway/redisdb"
	"gatehouse/internal/secret"
	"gatehouse/store"
)

// Sources are where Open finds what Options lack.
type Sources struct {
	// Engine opens what the store is kept in.
	Engine func(ctx context.Context) (store.Engine, error)
	// Keyring finds the encryption key of a store that is open.
	Keyring func(ctx context.Context, s *store.Store) (*secret.Keyring, error)
	// Store are options of the store beside those that the configuration asks for.
	Store []store.Option
}

// Open opens the gateways' Redis and the store, has the store find what earlier versions wrote, and assembles the
// program over them with New; Store, Redis and Keyring of the options are what it opened. The caller closes the store
// after the App. Where Open fails, nothing stays open.
func Open(ctx context.Context, o Options, from Sources) (a *App, s *store.Store, err error) {
	if o.Redis, err = redisdb.Open(o.Config); err != nil {
		return nil, nil, err
	}
	defer func() {
		if err == nil {
			return
		}
		// The start has failed for another reason than what closing may say.
		if s != nil {
			_ = s.Close()
		}
		if o.Redis != nil {
			_ = o.Redis.Close()
		}
		a, s = nil, nil
	}()
	engine, err := from.Engine(ctx)
	if err != nil {
		return nil, nil, err
	}
	s = store.New(engine, append(StoreOptions(o.Config), from.Store...)...)
	if err := s.Reindex(ctx, o.Log); err != nil {
		return nil, s, err
	}
	if o.Keyring, err = from.Keyring(ctx, s); err != nil {
		return nil, s, err
	}
	o.Store = s
	a, err = New(o)
	return a, s, err
}
