package resolvers

import (
	"context"
	"slices"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/store"
)

// Gateways judge access rights by the public id of an API alone. So an id belongs to the organisation that was the first to use it, for
// an API or in the rights of a policy or a key, and it stays hers when these go: rights left somewhere would open what another
// organisation has under it.

// reserveIDs returns the writes that make the ids of new APIs those of their organisations.
func (r *Resolver) reserveIDs(ctx context.Context, apis []apiWrite) ([]store.Change, error) {
	var writes []store.Change
	ids := map[string][]string{}
	for _, w := range apis {
		if w.old == nil || w.old.ApiID != w.next.ApiID {
			ids[w.next.OrgID] = append(ids[w.next.OrgID], w.next.ApiID)
		}
	}
	for org, ids := range ids {
		reserved, foreign, err := r.store.ReservingApiIDs(ctx, org, ids)
		if err != nil {
			return nil, err
		}
		if len(foreign) == 0 && len(reserved) > 0 {
			// Rights from before ids were reserved.
			foreign, err = r.namedElsewhere(ctx, org, ids)
		}
		if err != nil {
			return nil, err
		}
		if len(foreign) > 0 {
			return nil, core.Errorf(core.CodeConflict, "Found API with the same ID")
		}
		writes = append(writes, reserved...)
	}
	return writes, nil
}

// namedElsewhere returns ids of which policies or keys of other organisations name some.
func (r *Resolver) namedElsewhere(ctx context.Context, org string, ids []string) ([]string, error) {
	for ids := range slices.Chunk(ids, clashPage) {
		q := store.Query{Tenant: store.AllTenants(), Limit: 1, Sort: "id", IDsOnly: true,
			Where: []store.Cond{store.HasLabel("api", ids...), store.NoneOf(store.In("org_id", org))}}
		policies, err := r.store.Policies.List(ctx, q)
		if err != nil {
			return nil, err
		}
		keys, err := r.store.Keys.List(ctx, q)
		if err != nil {
			return nil, err
		}
		if len(policies.Objects)+len(keys.Objects) > 0 {
			return ids, nil
		}
	}
	return nil, nil
}

// reserveNamed returns the writes that make the ids that a policy or a session names those of its organisation. It refuses one that
// names an id of another organisation.
func (r *Resolver) reserveNamed(ctx context.Context, org string, doc core.Document) ([]store.Change, error) {
	named := core.NamedApis(doc)
	if len(named) == 0 {
		return nil, nil
	}
	writes, foreign, err := r.store.ReservingApiIDs(ctx, org, named)
	if err != nil {
		return nil, err
	}
	return writes, missingApis(foreign)
}

// reserveForKey makes the ids that a session names those of its organisation, before the key is written: sessions live elsewhere.
func (r *Resolver) reserveForKey(ctx context.Context, org string, session core.Document) error {
	writes, err := r.reserveNamed(ctx, org, session)
	if err != nil || len(writes) == 0 {
		return err
	}
	return r.writeError(ctx, keyName, r.store.Apply(ctx, writes...))
}

// policyEdit writes a policy over an earlier one.
type policyEdit struct{ *Resolver }

// Update writes the policy, and makes the ids that it names its organisation's.
func (w policyEdit) Update(ctx context.Context, p *core.Policy) error {
	reserved, err := w.reserveNamed(ctx, p.OrgID, p.Document)
	if err != nil {
		return err
	}
	return w.store.Apply(ctx, append([]store.Change{w.store.Policies.Updating(p)}, reserved...)...)
}

// Delete deletes the policy.
func (w policyEdit) Delete(ctx context.Context, p *core.Policy) error {
	return w.store.Policies.Delete(ctx, p)
}

// mayOpenAll holds for a key without access rights and policies: gateways let it into the APIs of every organisation. old is what it
// replaces, nil for a new one; what is such a key already may stay one.
func (r *Resolver) mayOpenAll(ctx context.Context, old *core.Key) error {
	if !r.settings.MasterKeys {
		return core.Errorf(core.CodeInvalid, "the key has neither access_rights nor apply_policies: name at least one API or one policy (a master key for every API needs enable_master_keys)").In("access_rights")
	}
	if authz.From(ctx).Admin || old != nil && len(old.ApiIDs)+len(old.PolicyIDs) == 0 {
		return nil
	}
	organisations, err := r.store.Organisations.Count(ctx, store.AllTenants())
	if err != nil || organisations < 2 {
		return err
	}
	return core.Errorf(core.CodeForbidden, "a key without access_rights and apply_policies opens the APIs of every organisation on the gateways: name at least one API or one policy; only the admin secret can make a key for all").In("access_rights")
}

// importedIDs collects what an import of policies names, by organisation.
type importedIDs map[string][]string

func (ids importedIDs) add(org string, doc core.Document) {
	ids[org] = append(ids[org], core.NamedApis(doc)...)
}

// reserve returns the writes that make them the organisations'.
func (ids importedIDs) reserve(ctx context.Context, s *store.Store) ([]store.Change, error) {
	var out []store.Change
	for org, named := range ids {
		slices.Sort(named)
		writes, foreign, err := s.ReservingApiIDs(ctx, org, slices.Compact(named))
		if err != nil {
			return nil, err
		}
		if err := missingApis(foreign); err != nil {
			return nil, err
		}
		out = append(out, writes...)
	}
	return out, nil
}
