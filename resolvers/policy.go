package resolvers

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/claim"
	"gatehouse/internal/page"
	"gatehouse/internal/reference"
	"gatehouse/store"
)

// findPolicy reads a policy by either id, past the read cache.
func (r *Resolver) findPolicy(ctx context.Context, id string) (*core.Policy, error) {
	return one(
		ctx,
		core.PolicyKind,
		r.store.Policies.FindMany,
		tenant(ctx),
		[2]string{"id", id},
		[2]string{"policy_id", id},
	)
}

// lookUpPolicy reads a policy by either id, through the read cache.
func (r *Resolver) lookUpPolicy(ctx context.Context, t store.Tenant, id string) (*core.Policy, error) {
	p, err := r.store.Policies.FindBy(ctx, t, "policy_id", id)
	if errors.Is(err, store.ErrNotFound) {
		p, err = r.store.Policies.Find(ctx, t, id)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, core.NotFound(core.PolicyKind)
	}
	return p, err
}

// policyDocument is the document that an input means, started from the stored one where there is one.
func policyDocument(in model.PolicyInput, stored core.Document) (core.Document, error) {
	doc, err := base(in.Document, stored, blankPolicy)
	if err != nil {
		return nil, err
	}
	f := fields{doc}
	f.text("name", in.Name)
	f.text("id", in.PolicyID)
	f.truth("active", in.Active)
	f.text("state", in.State)
	f.number("rate", in.Rate)
	f.number("per", in.Per)
	f.integer("quota_max", in.QuotaMax)
	f.integer("quota_renewal_rate", in.QuotaRenewalRate)
	f.integer("key_expires_in", in.KeyExpiresIn)
	f.texts("tags", in.Tags)
	f.truth("is_inactive", in.Inactive)
	if p := in.Partitions; p != nil {
		f.truth("partitions.quota", &p.Quota)
		f.truth("partitions.rate_limit", &p.RateLimit)
		f.truth("partitions.acl", &p.ACL)
		f.truth("partitions.complexity", &p.Complexity)
		f.truth("partitions.per_api", &p.PerAPI)
	}
	if err := f.object("meta_data", in.MetaData); err != nil {
		return nil, err
	}
	return reference.WithAccess(f.doc, in.APIIds)
}

// newPolicy makes a policy of a document that came from outside, with the ids that it shall have. It returns which APIs
// its access rights name that do not exist, too: they may come later, and are no error. old is what it replaces, nil
// for a new one.
func (r *Resolver) newPolicy(
	ctx context.Context,
	org string,
	doc core.Document,
	ids core.PolicyIDs,
	old *core.Policy,
) (p *core.Policy, missing []string, err error) {
	draft, err := core.ParsePolicy(core.Meta{}, doc, r.settings.UnsafePolicyIDs)
	if err != nil {
		return nil, nil, err
	}
	if doc, err = ids.SetIn(doc, org); err != nil {
		return nil, nil, err
	}
	if doc, missing, err = r.names.Described(ctx, org, doc, draft.ApiIDs); err != nil {
		return nil, nil, err
	}
	if err := core.CheckCustomPolicies(org, doc); err != nil {
		return nil, nil, err
	}
	f := fields{doc}
	meta := core.Meta{ID: ids.ID, OrgID: org}
	if old != nil {
		meta = old.Meta
		f.absent("date_created", first(old.Document.Get("date_created").Raw, `"0001-01-01T00:00:00Z"`))
	} else {
		f.absent("date_created", strconv.Quote(r.store.Now().Format(time.RFC3339)))
	}
	if p, err = core.ParsePolicy(meta, f.doc, r.settings.UnsafePolicyIDs); err != nil {
		return nil, nil, err
	}
	_, err = r.settings.Rules.CheckPolicy(f.doc)
	return p, missing, err
}

// createdPolicy makes a policy that is new, with the ids that its document carries where that is allowed.
func (r *Resolver) createdPolicy(ctx context.Context, org string, doc core.Document) (*core.Policy, []string, error) {
	ids := core.PolicyIDs{}
	if r.settings.ExplicitPolicyIDs {
		ids = core.GivenPolicyIDs(doc)
	}
	return r.newPolicy(ctx, org, doc, ids.Made(core.NewID(r.store.Now())), nil)
}

// changedPolicy makes a policy that replaces an earlier one. It keeps that one's explicit id where others are not
// allowed.
func (r *Resolver) changedPolicy(
	ctx context.Context,
	doc core.Document,
	old *core.Policy,
) (*core.Policy, []string, error) {
	ids, err := core.GivenPolicyIDs(doc).Over(old)
	if err != nil {
		return nil, nil, err
	}
	if !r.settings.ExplicitPolicyIDs {
		ids.Explicit = old.Document.Text("id")
	}
	return r.newPolicy(ctx, old.OrgID, doc, ids, old)
}

// logDangling notes that a policy is kept which newly names APIs that do not exist.
func (r *Resolver) logDangling(ctx context.Context, p, old *core.Policy, missing []string) {
	if old != nil {
		missing = core.Added(missing, old.ApiIDs)
	}
	if len(missing) > 0 {
		r.log.WarnContext(ctx, "a policy names APIs that do not exist in its organisation", slog.String("policy", p.PolicyID),
			slog.String("org_id", p.OrgID), slog.String("apis", core.SomeOf(missing)))
	}
}

// policyConditions reads a filter.
func (r *Resolver) policyConditions(
	ctx context.Context,
	t store.Tenant,
	f *model.PolicyFilter,
) ([]store.Cond, error) {
	if f == nil {
		return nil, nil
	}
	if err := errors.Join(page.Choices("policy_ids", f.Ids), page.Choices("api_id", f.APIIds), page.Choices("auth_type", f.AuthTypes)); err != nil {
		return nil, err
	}
	var where []store.Cond
	if f.Q != nil && *f.Q != "" {
		where = append(where, store.AnyOf(store.Contains("name", *f.Q), store.In("id", *f.Q)))
	}
	if len(f.Ids) > 0 {
		where = append(where, store.In("id", f.Ids...))
	}
	if f.State != nil {
		where = append(where, store.In("state", store.Fold(*f.State)))
	}
	if len(f.APIIds) > 0 {
		where = append(where, store.HasLabel("api", f.APIIds...))
	}
	if len(f.AuthTypes) > 0 {
		where = append(where, store.HasLabel("auth", f.AuthTypes...))
	}
	if f.Tag != nil {
		where = append(where, store.HasLabel("tag", *f.Tag))
	}
	where, err := r.dangling(where, f.DanglingOnly, func() (store.Cond, error) { return r.names.DanglingPolicies(ctx, t) })
	return truth(changedSince(where, f.UpdatedSince), "active", f.Active), err
}

// importedPolicy makes a policy of a document of an import: over the one with the same id, or new with the ids it
// carries. It returns what it replaces (nil for a new one) and what is worth knowing, too.
func (r *Resolver) importedPolicy(
	ctx context.Context,
	raw core.Document,
) (p, old *core.Policy, warnings []string, err error) {
	doc, err := core.ParseDocument(raw)
	if err != nil {
		return nil, nil, nil, err
	}
	doc = core.NamedByID(doc)
	org := doc.Text("org_id")
	if org == "" {
		return nil, nil, nil, core.InField("org_id", "is required: it says into which organisation the policy goes")
	}
	if err := r.organisationExists(ctx, org); err != nil {
		return nil, nil, nil, err
	}
	old, err = one(
		ctx,
		core.PolicyKind,
		r.store.Policies.FindMany,
		store.AllTenants(),
		[2]string{"id", doc.Text("_id")},
		[2]string{"policy_id", doc.Text("id")},
	)
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return nil, nil, nil, err
	}
	if old != nil && old.OrgID != org {
		return nil, nil, nil, core.Errorf(
			core.CodeConflict,
			"a policy with the id %s exists in another organisation",
			old.PolicyID,
		)
	}
	ids := core.GivenPolicyIDs(doc)
	if old != nil {
		ids, err = ids.Over(old)
	} else {
		ids, err = ids.Made(core.NewID(r.store.Now())), nil
	}
	if err != nil {
		return nil, nil, nil, err
	}
	p, missing, err := r.newPolicy(ctx, org, doc, ids, old)
	if err != nil {
		return nil, nil, nil, err
	}
	if len(missing) > 0 {
		warnings = []string{core.DanglingApis(missing)}
	}
	return p, old, warnings, nil
}

// editPolicy changes a policy to the document that change makes of the old one.
func (r *Resolver) editPolicy(
	ctx context.Context,
	id string,
	revision *int,
	change func(old *core.Policy) (core.Document, error),
) (*core.Policy, error) {
	var before *core.Policy
	var missing []string
	write := func(ctx context.Context, next *core.Policy) error {
		replacing := []claim.Policy{{Next: next, Old: before}}
		err := r.claims.WritePolicies(ctx, replacing, r.store.Policies.Updating(next))
		if err == nil {
			r.logDangling(ctx, next, before, missing)
		}
		return err
	}
	return edit(ctx, r, core.PolicyKind, write, revision, func() (*core.Policy, error) { return r.findPolicy(ctx, id) },
		func(old *core.Policy) (*core.Policy, error) {
			before = old
			doc, err := change(old)
			if err != nil {
				return nil, err
			}
			next, dangling, err := r.changedPolicy(ctx, doc, old)
			if err != nil || next.Document.Equal(old.Document) {
				return nil, err
			}
			missing = dangling
			return next, nil
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
	q, err := r.query(ctx, t, first, after)
	if err != nil {
		return nil, err
	}
	if q.Where, err = r.policyConditions(ctx, t, filter); err != nil {
		return nil, err
	}
	by := sorted(sort, nil, model.PolicySortCreatedAt)
	q.Sort, q.Desc = by.field, by.desc
	c, err := list(ctx, r.store.Policies, q)
	return (*model.PolicyConnection)(c), err
}
