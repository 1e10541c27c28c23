package resolvers

import (
	"context"
	"slices"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/store"
)

// Gateways judge access rights by the public id of an API alone, and a key by the organisation of the policy that now
// has the id which the key names. So an id belongs to the organisation that was the first to use it, for an API, a
// policy, or in the rights of a policy or a key, and it stays hers when these go: rights left somewhere would open what
// another organisation has under it.

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
		reserved, foreign, err := r.store.ReservingIDs(ctx, org, store.Ids{Apis: ids})
		if err != nil {
			return nil, err
		}
		taken := len(foreign.Apis) > 0
		if !taken && len(reserved) > 0 {
			// Rights from before ids were reserved.
			taken, err = r.namedElsewhere(ctx, org, store.Ids{Apis: ids})
		}
		if err != nil {
			return nil, err
		}
		if taken {
			return nil, core.Errorf(core.CodeConflict, "Found API with the same ID").In("api_definition.api_id")
		}
		writes = append(writes, reserved...)
	}
	return writes, nil
}

// namedElsewhere tells whether policies, keys or OAuth clients of other organisations name one of ids.
func (r *Resolver) namedElsewhere(ctx context.Context, org string, ids store.Ids) (bool, error) {
	query := func(named store.Cond) store.Query {
		return store.Query{
			Tenant:  store.AllTenants(),
			Limit:   1,
			Sort:    "id",
			IDsOnly: true,
			Where:   []store.Cond{named, store.NoneOf(store.In("org_id", org))},
		}
	}
	for part := range slices.Chunk(ids.Apis, clashPage) {
		policies, err := r.store.Policies.List(ctx, query(store.HasLabel("api", part...)))
		if err != nil || len(policies.Objects) > 0 {
			return err == nil, err
		}
		keys, err := r.store.Keys.List(ctx, query(store.HasLabel("api", part...)))
		if err != nil || len(keys.Objects) > 0 {
			return err == nil, err
		}
	}
	for part := range slices.Chunk(ids.Policies, clashPage) {
		keys, err := r.store.Keys.List(ctx, query(store.HasLabel("policy", part...)))
		if err != nil || len(keys.Objects) > 0 {
			return err == nil, err
		}
		clients, err := r.store.OauthClients.List(ctx, query(store.In("policy_id", part...)))
		if err != nil || len(clients.Objects) > 0 {
			return err == nil, err
		}
	}
	return false, nil
}

var errPolicyID = core.Errorf(core.CodeConflict, "another policy has the same ID, or had it: give another id")

// reservePolicies returns the writes that make the ids of policies, and those of the APIs that they name, their
// organisation's. It refuses one that has or names an id of another organisation.
func (r *Resolver) reservePolicies(ctx context.Context, org string, policies ...policyWrite) ([]store.Change, error) {
	var ids, fresh store.Ids
	for _, w := range policies {
		ids.Apis = append(ids.Apis, core.NamedApis(w.next.Document)...)
		if w.old == nil || w.old.PolicyID != w.next.PolicyID {
			fresh.Policies = append(fresh.Policies, w.next.ID, w.next.PolicyID)
		}
	}
	ids.Policies = fresh.Policies
	writes, foreign, err := r.store.ReservingIDs(ctx, org, ids)
	if err != nil {
		return nil, err
	}
	if err := missingApis(foreign.Apis); err != nil {
		return nil, err
	}
	taken := len(foreign.Policies) > 0
	if !taken && len(fresh.Policies) > 0 && len(writes) > 0 {
		// Keys from before ids were reserved.
		taken, err = r.namedElsewhere(ctx, org, fresh)
	}
	if err == nil && taken {
		err = errPolicyID
	}
	return writes, err
}

// policyWrite is a policy that is about to be written, with the one that it replaces; nil for a new one.
type policyWrite struct{ next, old *core.Policy }

// reserveForKey makes the ids that a session names those of its organisation, before the key is written: sessions live
// elsewhere. It refuses one that names an id of another organisation.
func (r *Resolver) reserveForKey(ctx context.Context, org string, session core.Document) error {
	named := core.NamedApis(session)
	if len(named) == 0 {
		return nil
	}
	writes, foreign, err := r.store.ReservingIDs(ctx, org, store.Ids{Apis: named})
	if err == nil {
		err = missingApis(foreign.Apis)
	}
	if err != nil || len(writes) == 0 {
		return err
	}
	return r.writeError(ctx, core.KeyKind, r.store.Apply(ctx, writes...))
}

// policyEdit writes a policy over an earlier one.
type policyEdit struct {
	*Resolver
	// old is the one that was read last.
	old *core.Policy
}

// Update writes the policy, and makes its ids and those that it names its organisation's.
func (w *policyEdit) Update(ctx context.Context, p *core.Policy) error {
	reserved, err := w.reservePolicies(ctx, p.OrgID, policyWrite{p, w.old})
	if err != nil {
		return err
	}
	return w.store.Apply(ctx, append([]store.Change{w.store.Policies.Updating(p)}, reserved...)...)
}

// Delete deletes the policy. Its ids stay its organisation's.
func (w *policyEdit) Delete(ctx context.Context, p *core.Policy) error {
	return w.store.Policies.Delete(ctx, p)
}

// mayOpenAll holds for a key without access rights and policies: gateways let it into the APIs of every organisation.
// old is what it replaces, nil for a new one; what is such a key already may stay one.
func (r *Resolver) mayOpenAll(ctx context.Context, old *core.Key) error {
	if !r.settings.MasterKeys {
		return core.Errorf(
			core.CodeInvalid,
			"the key has neither access_rights nor apply_policies: name at least one API or one policy (a master key for every API needs enable_master_keys)",
		).In(
			"access_rights",
		)
	}
	if authz.From(ctx).Admin || old != nil && len(old.ApiIDs)+len(old.PolicyIDs) == 0 {
		return nil
	}
	organisations, err := r.store.Organisations.Count(ctx, store.AllTenants())
	if err != nil || organisations < 2 {
		return err
	}
	return core.Errorf(
		core.CodeForbidden,
		"a key without access_rights and apply_policies opens the APIs of every organisation on the gateways: name at least one API or one policy; only the admin secret can make a key for all",
	).In(
		"access_rights",
	)
}
