package resolvers

import (
	"context"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/internal/edit"
	"gatehouse/internal/gateway/oauth"
	"gatehouse/resolvers/connection"
	"gatehouse/store"
)

// editOauthClient changes a client of an API, here and at the gateway, to what the input means that change makes of the
// stored one.
func (r *Resolver) editOauthClient(
	ctx context.Context,
	apiID, clientID string,
	revision *int,
	change func(old *core.OauthClient) (oauth.Input, error),
) (*core.OauthClient, error) {
	if err := r.gateway.Require(); err != nil {
		return nil, err
	}
	var api *core.Api
	var was *core.OauthClient
	find := func() (c *core.OauthClient, err error) {
		api, c, err = r.oauth.FindOf(ctx, tenant(ctx), apiID, clientID)
		return c, err
	}
	c, err := edit.Change(ctx, r.editor, core.OauthClientKind, r.store.OauthClients.Update, revision, find,
		func(old *core.OauthClient) (*core.OauthClient, error) {
			was = old
			in, err := change(old)
			if err != nil {
				return nil, err
			}
			return r.oauth.Change(ctx, api, in, old)
		})
	if err != nil {
		return nil, err
	}
	undone, err := r.oauth.PushChange(ctx, was, c)
	if undone != nil {
		r.editor.Changed(ctx, core.ChangeUpdated, core.OauthClientKind, &undone.Meta)
	}
	return c, err
}

func (r *Resolver) listOauthClients(
	ctx context.Context,
	a *core.Api,
	first *int,
	after *string,
	sort *model.OauthClientSort,
) (*model.OauthClientConnection, error) {
	by := connection.Sorted(sort, nil, model.OauthClientSortCreatedAtDesc)
	c, err := connection.Listed(ctx, r.settings.Pages, r.store.OauthClients, tenant(ctx).Narrow(a.OrgID), first, after, by, func() ([]store.Cond, error) {
		return []store.Cond{store.HasLabel("api", a.ApiID)}, nil
	})
	return (*model.OauthClientConnection)(c), err
}
