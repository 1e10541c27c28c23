package resolvers

import (
	"context"
	"net/http"
	"time"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway"
	"gatehouse/store"
)

const (
	// oauthSyncEvery is how long a gateway that lost its OAuth clients can be without them, unless somebody asks about
	// one.
	oauthSyncEvery = time.Minute
	// oauthSyncRetry is the same after a failure.
	oauthSyncRetry = 5 * time.Second
)

// RunOauthSync makes the OAuth clients of the gateway the same as ours at the start and every minute, until ctx ends: a
// gateway may lose its Redis, and we may be stopped between our write and the gateway's. What the gateway has besides
// stays.
func (r *Resolver) RunOauthSync(ctx context.Context) {
	if !r.gateway.Configured() {
		return
	}
	for failing := false; ; {
		pushed, err := r.SyncOauthClients(ctx)
		if ctx.Err() != nil {
			return
		}
		if pushed > 0 {
			r.log.InfoContext(ctx, "the gateway got OAuth clients that it lacked", "clients", pushed)
		}
		if err != nil && !failing {
			r.log.WarnContext(ctx, "the OAuth clients of the gateway could not be compared; it is tried again", "error", err)
		}
		failing = err != nil
		wait := oauthSyncEvery
		if failing {
			wait = oauthSyncRetry
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// SyncOauthClients compares every client with the gateway's, a list for each API, and gives the gateway what differs.
// It returns how many clients those were. One that the gateway refuses keeps the others from nothing; the error is that
// of a gateway that does not answer.
func (r *Resolver) SyncOauthClients(ctx context.Context) (pushed int, err error) {
	for l, err := range r.store.OauthClients.Pages(ctx, store.Query{Tenant: store.AllTenants(), Sort: "api_id"}) {
		if err != nil {
			return pushed, err
		}
		byApi := map[string][]*core.OauthClient{}
		for _, c := range l.Objects {
			byApi[c.ApiID] = append(byApi[c.ApiID], c)
		}
		for apiID, clients := range byApi {
			n, err := r.syncOauthClientsOf(ctx, apiID, clients)
			if pushed += n; err != nil {
				return pushed, err
			}
		}
	}
	return pushed, nil
}

func (r *Resolver) syncOauthClientsOf(
	ctx context.Context,
	apiID string,
	clients []*core.OauthClient,
) (pushed int, err error) {
	list, err := r.gateway.OauthClients(ctx, apiID)
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
	owners, err := r.ownersForOauth(ctx, clients...)
	if err != nil {
		return 0, err
	}
	for _, c := range clients {
		secret := r.oauthSecret(ctx, c)
		if secret == nil || there[c.ClientID].Same(r.atGateway(c, *secret, owners)) {
			continue
		}
		changed, err := r.pushOauthClient(ctx, c, 0)
		if err != nil && core.CodeOf(err) != core.CodeInvalid {
			return pushed, err
		}
		if changed && err == nil {
			pushed++
		}
	}
	return pushed, ctx.Err()
}
