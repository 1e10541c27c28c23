package resolvers

import (
	"context"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/definition"
	"gatehouse/store"
)

// permitted refuses a definition by which an organisation that shares gateways would have them do what it may not. What the API had
// already may stay. Those who are bound to no organisation may have them do everything.
func (r *Resolver) permitted(ctx context.Context, doc core.Document, old *core.Api) error {
	if len(r.settings.Denied) == 0 || r.settings.Shared == "never" || authz.From(ctx).CrossesOrganisations() || authz.From(ctx).Admin {
		return nil
	}
	var before core.Document
	if old != nil {
		before = old.Definition
	}
	added := definition.NewAccess(doc, before, r.settings.Denied)
	if len(added) == 0 {
		return nil
	}
	if r.settings.Shared != "always" {
		organisations, err := r.store.Organisations.Count(ctx, store.AllTenants())
		if err != nil || organisations < 2 {
			return err
		}
	}
	return added[0].Refusal()
}
