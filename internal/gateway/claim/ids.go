package claim

import (
	"context"
	"errors"
	"slices"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// Gateways judge access rights by the public id of an API alone, and a key by the organisation of the policy that now
// has the id which the key names. So an id belongs to the organisation that was the first to use it, for an API, a
// policy, or in the rights of a policy or a key, and it stays hers when these go: rights left somewhere would open what
// another organisation has under it.

// Policy is a policy that is about to be written, with the one that it replaces; nil for a new one.
type Policy struct{ Next, Old *core.Policy }

var errPolicyID = core.Errorf(core.CodeConflict, "another policy has the same ID, or had it: give another id").
	In("id")

// reserveIDs returns the writes that make the ids of new APIs those of their organisations.
func (c *Claims) reserveIDs(ctx context.Context, apis []Api) ([]store.Change, error) {
	var writes []store.Change
	ids := map[string][]string{}
	for _, w := range apis {
		if w.Old == nil || w.Old.ApiID != w.Next.ApiID {
			ids[w.Next.OrgID] = append(ids[w.Next.OrgID], w.Next.ApiID)
		}
	}
	for org, ids := range ids {
		reserved, foreign, err := c.store.ReservingIDs(ctx, org, store.Ids{Apis: ids})
		if err != nil {
			return nil, err
		}
		taken := len(foreign.Apis) > 0
		if !taken && len(reserved) > 0 {
			// Rights from before ids were reserved.
			taken, err = c.namedElsewhere(ctx, org, store.Ids{Apis: ids})
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

// WritePolicies makes writes, and with them the ids of policies, and those of the APIs that they name, their
// organisation's. It refuses a policy that has an id of another organisation. One that names an API of another
// organisation is kept, as one that names an API which nobody has: who asks does not learn more. That id stays the
// other's, and gateways are not told of the right (see confine.Policy).
func (c *Claims) WritePolicies(ctx context.Context, policies []Policy, writes ...store.Change) error {
	owned := map[string][]Policy{}
	for _, p := range policies {
		owned[p.Next.OrgID] = append(owned[p.Next.OrgID], p)
	}
	for try := 1; ; try++ {
		all := slices.Clone(writes)
		for org, policies := range owned {
			reserved, err := c.CheckPolicies(ctx, org, policies...)
			if err != nil {
				return err
			}
			all = append(all, reserved...)
		}
		err := c.store.Apply(ctx, all...)
		var taken *store.ConflictError
		if !errors.As(err, &taken) || taken.Collection != core.SettingKind.Collection || try == reservations {
			return err
		}
		// Somebody used one of the ids meanwhile: an API comes while policies that name it do.
	}
}

// reservations is how often ids are reserved anew that others reserved meanwhile.
const reservations = 50

// CheckPolicies is what WritePolicies judges; it returns the writes that reserve ids.
func (c *Claims) CheckPolicies(ctx context.Context, org string, policies ...Policy) ([]store.Change, error) {
	var ids, fresh store.Ids
	for _, w := range policies {
		ids.Apis = append(ids.Apis, core.NamedApis(w.Next.Document)...)
		if w.Old == nil || w.Old.PolicyID != w.Next.PolicyID {
			fresh.Policies = append(fresh.Policies, w.Next.ID, w.Next.PolicyID)
		}
	}
	ids.Policies = fresh.Policies
	writes, foreign, err := c.store.ReservingIDs(ctx, org, ids)
	if err != nil {
		return nil, err
	}
	taken := len(foreign.Policies) > 0
	if !taken && len(fresh.Policies) > 0 && len(writes) > 0 {
		// Keys from before ids were reserved.
		taken, err = c.namedElsewhere(ctx, org, fresh)
	}
	if err == nil && taken {
		err = errPolicyID
	}
	return writes, err
}

// ReserveForKey makes the ids of APIs that a session names those of its organisation, before the key is written:
// sessions live elsewhere. It refuses one that names an id of another organisation which before, the session that it
// replaces, does not name; nil for a new one.
func (c *Claims) ReserveForKey(ctx context.Context, org string, session, before core.Document) error {
	named := core.NamedApis(session)
	if len(named) == 0 {
		return nil
	}
	writes, foreign, err := c.store.ReservingIDs(ctx, org, store.Ids{Apis: named})
	if err == nil {
		err = core.MissingApis(core.Added(foreign.Apis, core.NamedApis(before)))
	}
	if err != nil || len(writes) == 0 {
		return err
	}
	return c.store.Apply(ctx, writes...)
}

// namedElsewhere tells whether policies, keys or OAuth clients of other organisations name one of ids.
func (c *Claims) namedElsewhere(ctx context.Context, org string, ids store.Ids) (bool, error) {
	query := func(named store.Cond) store.Query {
		return store.Query{
			Tenant:  store.AllTenants(),
			Limit:   1,
			Sort:    "id",
			IDsOnly: true,
			Where:   []store.Cond{named, store.NoneOf(store.In("org_id", org))},
		}
	}
	for part := range slices.Chunk(ids.Apis, labelsAtOnce) {
		policies, err := c.store.Policies.List(ctx, query(store.HasLabel("api", part...)))
		if err != nil || len(policies.Objects) > 0 {
			return err == nil, err
		}
		keys, err := c.store.Keys.List(ctx, query(store.HasLabel("api", part...)))
		if err != nil || len(keys.Objects) > 0 {
			return err == nil, err
		}
	}
	for part := range slices.Chunk(ids.Policies, labelsAtOnce) {
		keys, err := c.store.Keys.List(ctx, query(store.HasLabel("policy", part...)))
		if err != nil || len(keys.Objects) > 0 {
			return err == nil, err
		}
		clients, err := c.store.OauthClients.List(ctx, query(store.In("policy_id", part...)))
		if err != nil || len(clients.Objects) > 0 {
			return err == nil, err
		}
	}
	return false, nil
}
