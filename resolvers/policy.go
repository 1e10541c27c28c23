package resolvers

import (
	"context"

	"gatehouse/graph/model"
	"gatehouse/internal/access"
	"gatehouse/internal/core"
	"gatehouse/internal/edit"
	"gatehouse/internal/gateway/claim"
	"gatehouse/internal/gateway/policy"
	"gatehouse/internal/input"
	"gatehouse/resolvers/connection"
	"gatehouse/store"
)

// findPolicy reads a policy by either id, past the read cache.
func (r *Resolver) findPolicy(ctx context.Context, id string) (*core.Policy, error) {
	return edit.One(
		ctx,
		core.PolicyKind,
		r.store.Policies.FindMany,
		tenant(ctx),
		[2]string{"id", id},
		[2]string{"policy_id", id},
	)
}

// policyDocument is the document that an input means, started from the stored one where there is one.
func policyDocument(in model.PolicyInput, stored core.Document) (core.Document, error) {
	doc, err := input.Base(in.Document, stored, policy.Blank)
	if err != nil {
		return nil, err
	}
	f := input.Fields{Doc: doc}
	f.Text("name", in.Name)
	f.Text("id", in.PolicyID)
	f.Truth("active", in.Active)
	f.Text("state", in.State)
	f.Number("rate", in.Rate)
	f.Number("per", in.Per)
	f.Integer("quota_max", in.QuotaMax)
	f.Integer("quota_renewal_rate", in.QuotaRenewalRate)
	f.Integer("key_expires_in", in.KeyExpiresIn)
	f.Texts("tags", in.Tags)
	f.Truth("is_inactive", in.Inactive)
	if p := in.Partitions; p != nil {
		f.Truth("partitions.quota", &p.Quota)
		f.Truth("partitions.rate_limit", &p.RateLimit)
		f.Truth("partitions.acl", &p.ACL)
		f.Truth("partitions.complexity", &p.Complexity)
		f.Truth("partitions.per_api", &p.PerAPI)
	}
	if err := f.Object("meta_data", in.MetaData); err != nil {
		return nil, err
	}
	return access.Write(f.Doc, in.APIIds, in.AccessRights)
}

// importedPolicy makes a policy of a document of an import: over the one with the same id, or new with the ids it
// carries.
func (r *Resolver) importedPolicy(ctx context.Context, raw core.Document) (*policy.Made, error) {
	doc, err := core.ParseDocument(raw)
	if err != nil {
		return nil, err
	}
	doc = core.NamedByID(doc)
	org := doc.Text("org_id")
	if org == "" {
		return nil, core.InField("org_id", "is required: it says into which organisation the policy goes")
	}
	if err := r.organisationExists(ctx, org); err != nil {
		return nil, err
	}
	old, err := r.policies.Replaced(ctx, org, doc)
	if err != nil {
		return nil, err
	}
	return r.policies.Import(ctx, org, doc, old)
}

// editPolicy changes a policy to the document that change makes of the old one.
func (r *Resolver) editPolicy(
	ctx context.Context,
	id string,
	revision *int,
	change func(old *core.Policy) (core.Document, error),
) (*core.Policy, error) {
	var made *policy.Made
	find := func() (*core.Policy, error) { return r.findPolicy(ctx, id) }
	write := func(ctx context.Context, next *core.Policy) error {
		replacing := []claim.Policy{{Next: next, Old: made.Old}}
		err := r.claims.WritePolicies(ctx, replacing, r.store.Policies.Updating(next))
		if err == nil {
			r.policies.NoteDangling(ctx, made)
		}
		return err
	}
	return edit.Change(ctx, r.editor, core.PolicyKind, write, revision, find, func(old *core.Policy) (*core.Policy, error) {
		doc, err := edit.Judged(ctx)(change(old))
		if err != nil {
			return nil, err
		}
		made, err = r.policies.Change(ctx, doc, old)
		if err != nil || made.Same() {
			return nil, err
		}
		return made.Policy, nil
	})
}

func (r *Resolver) listPolicies(
	ctx context.Context,
	t store.Tenant,
	first *int,
	after *string,
	filter *model.PolicyFilter,
	sort *model.PolicySort,
) (*model.PolicyConnection, error) {
	by := connection.Sorted(sort, nil, model.PolicySortCreatedAt)
	c, err := connection.Listed(ctx, r.settings.Pages, r.store.Policies, t, first, after, by, func() ([]store.Cond, error) {
		return r.policies.Conditions(ctx, t, (*policy.Filter)(filter))
	})
	return (*model.PolicyConnection)(c), err
}
