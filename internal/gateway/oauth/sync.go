package oauth

import (
	"context"
	"net/http"
	"time"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway"
	"gatehouse/store"
)

const (
	// syncEvery is how long a gateway that lost its OAuth clients can be without them, unless somebody asks about
	// one.
	syncEvery = time.Minute
	// syncRetry is the same after a failure.
	syncRetry = 5 * time.Second
)

// Run makes the OAuth clients of the gateway the same as ours at the start and every minute, until ctx ends: a
// gateway may lose its Redis, and we may be stopped between our write and the gateway's. What the gateway has besides
// stays.
func (s *Clients) Run(ctx context.Context) {
	if !s.o.Gateway.Configured() {
		return
	}
	for failing := false; ; {
		pushed, err := s.Sync(ctx)
		if ctx.Err() != nil {
			return
		}
		if pushed > 0 {
			s.o.Log.InfoContext(ctx, "the gateway got OAuth clients that it lacked", "clients", pushed)
		}
		if err != nil && !failing {
			s.o.Log.WarnContext(ctx, "the OAuth clients of the gateway could not be compared; it is tried again", "error", err)
		}
		failing = err != nil
		wait := syncEvery
		if failing {
			wait = syncRetry
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// Sync compares every client with the gateway's, a list for each API, and gives the gateway what differs.
// It returns how many clients those were. One that the gateway refuses keeps the others from nothing; the error is that
// of a gateway that does not answer.
func (s *Clients) Sync(ctx context.Context) (pushed int, err error) {
	for l, err := range s.o.Store.OauthClients.Pages(ctx, store.Query{Tenant: store.AllTenants(), Sort: "api_id"}) {
		if err != nil {
			return pushed, err
		}
		byApi := map[string][]*core.OauthClient{}
		for _, c := range l.Objects {
			byApi[c.ApiID] = append(byApi[c.ApiID], c)
		}
		for apiID, clients := range byApi {
			n, err := s.syncApi(ctx, apiID, clients)
			if pushed += n; err != nil {
				return pushed, err
			}
		}
	}
	return pushed, nil
}

func (s *Clients) syncApi(
	ctx context.Context,
	apiID string,
	clients []*core.OauthClient,
) (pushed int, err error) {
	list, err := s.o.Gateway.OauthClients(ctx, apiID)
	if err != nil {
		if gateway.IsStatus(err, http.StatusNotFound) {
			err = nil // the gateway does not serve the API, or not yet
		}
		return 0, err
	}
	there := make(map[string]gateway.OauthClient, len(list))
	for _, have := range list {
		there[have.ClientID] = have
	}
	owners, err := s.ownersFor(ctx, clients...)
	if err != nil {
		return 0, err
	}
	for _, c := range clients {
		secret := s.Secret(ctx, c)
		if secret == nil || there[c.ClientID].Same(s.atGateway(c, *secret, owners)) {
			continue
		}
		changed, err := s.Push(ctx, c, 0)
		if err != nil && core.CodeOf(err) != core.CodeInvalid {
			return pushed, err
		}
		if changed && err == nil {
			pushed++
		}
	}
	return pushed, ctx.Err()
}
