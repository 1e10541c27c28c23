package oauth

import (
	"context"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// Api finds the API whose clients a request is about, by either id and past the read cache.
func (s *Clients) Api(ctx context.Context, t store.Tenant, id string) (*core.Api, error) {
	for _, unique := range []string{"id", "api_id"} {
		if id == "" {
			break
		}
		found, err := s.o.Store.Apis.FindMany(ctx, t, unique, []string{id})
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			return found[0], nil
		}
	}
	return nil, core.Errorf(core.CodeInvalid, "API reference not found.")
}

// Find finds a client by its id alone, past the read cache.
func (s *Clients) Find(ctx context.Context, t store.Tenant, clientID string) (*core.OauthClient, error) {
	if clientID == "" {
		return nil, core.NotFound(core.OauthClientKind)
	}
	found, err := s.o.Store.OauthClients.FindMany(ctx, t, "client_id", []string{clientID})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, core.NotFound(core.OauthClientKind)
	}
	return found[0], nil
}

// FindOf finds a client of an API, with the API; both past the read cache.
func (s *Clients) FindOf(
	ctx context.Context,
	t store.Tenant,
	apiID, clientID string,
) (*core.Api, *core.OauthClient, error) {
	a, err := s.Api(ctx, t, apiID)
	if err != nil {
		return nil, nil, err
	}
	c, err := s.Find(ctx, store.Org(a.OrgID), clientID)
	if err != nil {
		return nil, nil, err
	}
	if c.ApiID != a.ApiID {
		return nil, nil, core.NotFound(core.OauthClientKind)
	}
	return a, c, nil
}
