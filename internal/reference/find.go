package reference

import (
	"context"
	"errors"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// Api reads an API by either id, through the read cache.
func (n *Names) Api(ctx context.Context, t store.Tenant, id string) (*core.Api, error) {
	if core.IsID(id) {
		a, err := n.store.Apis.Find(ctx, t, id)
		if !errors.Is(err, store.ErrNotFound) {
			return a, err
		}
	}
	a, err := n.store.Apis.FindBy(ctx, t, "api_id", id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, core.NotFound(core.ApiKind)
	}
	return a, err
}

// Policy reads a policy by either id, through the read cache.
func (n *Names) Policy(ctx context.Context, t store.Tenant, id string) (*core.Policy, error) {
	p, err := n.store.Policies.FindBy(ctx, t, "policy_id", id)
	if errors.Is(err, store.ErrNotFound) {
		p, err = n.store.Policies.Find(ctx, t, id)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, core.NotFound(core.PolicyKind)
	}
	return p, err
}
