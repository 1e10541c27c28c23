package resolvers

import (
	"context"
	"errors"
	"sort"
	"strconv"
	"strings"
	"time"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/store"
)

const policyName = "Policy"

// findPolicy reads a policy by either id, past the read cache.
func (r *Resolver) findPolicy(ctx context.Context, id string) (*core.Policy, error) {
	return one(ctx, policyName, r.store.Policies.FindMany, tenant(ctx), [2]string{"id", id}, [2]string{"policy_id", id})
}

// lookUpPolicy reads a policy by either id, through the read cache.
func (r *Resolver) lookUpPolicy(ctx context.Context, t store.Tenant, id string) (*core.Policy, error) {
	p, err := r.store.Policies.FindBy(ctx, t, "policy_id", id)
	if errors.Is(err, store.ErrNotFound) {
		p, err = r.store.Policies.Find(ctx, t, id)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, notFound(policyName)
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
	return withAccess(f.doc, in.APIIds)
}

// withAccess replaces access rights by all of some APIs; nil leaves them. The names follow in namedRights.
func withAccess(doc core.Document, apiIDs []string) (core.Document, error) {
	if apiIDs == nil {
		return doc, nil
	}
	rights := core.Document("{}")
	for _, id := range apiIDs {
		if !plainID(id) {
			return nil, core.Errorf(core.CodeInvalid, "apiIds must hold public ids of APIs, not %q", id)
		}
		rights = rights.SetRaw(id, core.Document(`{}`).Set("api_id", id).Set("api_name", "").Set("versions", []string{"Default"}))
	}
	return doc.SetRaw("access_rights", rights), nil
}

// plainID tells whether an id can stand in a JSON path of ours as it is.
func plainID(id string) bool {
	return id != "" && len(id) <= 128 && !strings.ContainsFunc(id, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_')
	})
}

// checkRights holds for the access rights of policies and keys: the APIs exist in the organisation. Empty names of APIs are
// filled in. It returns the ids of those that do not exist.
func (r *Resolver) checkRights(ctx context.Context, org string, doc core.Document, apiIDs []string) (core.Document, []string, error) {
	if len(apiIDs) == 0 {
		return doc, nil, nil
	}
	names, err := r.apiNames(ctx, org, apiIDs)
	if err != nil {
		return nil, nil, err
	}
	var missing []string
	for _, id := range apiIDs {
		name, exists := names[id]
		if !exists {
			missing = append(missing, id)
			continue
		}
		if path := "access_rights." + id + ".api_name"; plainID(id) && doc.Get(path).Exists() && doc.Text(path) == "" {
			doc = doc.Set(path, name)
		}
	}
	sort.Strings(missing)
	return doc, missing, nil
}

// apiNames are the names of the APIs that exist, by their public ids. A few of them, which is what a key has, are looked up in the
// read cache.
func (r *Resolver) apiNames(ctx context.Context, org string, apiIDs []string) (map[string]string, error) {
	names := make(map[string]string, len(apiIDs))
	if len(apiIDs) > 10 {
		apis, err := r.store.Apis.FindMany(ctx, store.Org(org), "api_id", apiIDs)
		for _, a := range apis {
			names[a.ApiID] = a.Name
		}
		return names, err
	}
	for _, id := range apiIDs {
		a, err := r.store.Apis.FindBy(ctx, store.Org(org), "api_id", id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		names[a.ApiID] = a.Name
	}
	return names, nil
}

func missingApis(missing []string) error {
	if len(missing) == 0 {
		return nil
	}
	return core.Errorf(core.CodeInvalid, "access_rights name APIs that do not exist in the organisation: %s", strings.Join(missing, ", "))
}

// newPolicy makes a policy of a document that came from outside. keepIDs keeps the ids in it; lenient lets the access rights
// name APIs that do not exist, and returns those. old is what it replaces, nil for a new one.
func (r *Resolver) newPolicy(ctx context.Context, org string, doc core.Document, old *core.Policy, keepIDs, lenient bool) (*core.Policy, []string, error) {
	draft, err := core.ParsePolicy(core.Meta{}, doc, r.settings.UnsafePolicyIDs)
	if err != nil {
		return nil, nil, err
	}
	meta := core.Meta{ID: doc.Text("_id"), OrgID: org}
	explicit := doc.Text("id")
	switch {
	case old != nil:
		// A PUT of the legacy API carries ids or not; the path says which policy it is.
		meta = old.Meta
		if given := doc.Text("_id"); given != "" && given != old.ID {
			return nil, nil, core.Errorf(core.CodeInvalid, "Invalid policy ID: _id is %q, and the policy that you are changing has %q", given, old.ID)
		}
		if explicit == "" || !keepIDs {
			explicit = old.Document.Text("id")
		}
	case !keepIDs:
		meta.ID, explicit = "", ""
	}
	if meta.ID == "" || meta.ID == zeroID {
		meta.ID = core.NewID(r.store.Now())
		if core.IsID(explicit) && keepIDs {
			meta.ID = explicit
		}
	}
	if !core.IsID(meta.ID) {
		return nil, nil, core.Errorf(core.CodeInvalid, "_id must be 24 lower-case hex digits; leave it out to have one made")
	}
	for _, owned := range [][2]string{{"_id", meta.ID}, {"org_id", org}} {
		if doc, err = doc.Owned("", owned[0], owned[1]); err != nil {
			return nil, nil, err
		}
	}
	if explicit != "" || doc.Get("id").Exists() {
		if doc, err = doc.Owned("", "id", explicit); err != nil {
			return nil, nil, err
		}
	}
	doc, missing, err := r.checkRights(ctx, org, doc, draft.ApiIDs)
	if err != nil {
		return nil, nil, err
	}
	if !lenient {
		if err := missingApis(missing); err != nil {
			return nil, nil, err
		}
	}
	f := fields{doc}
	if old != nil {
		f.absent("date_created", first(old.Document.Get("date_created").Raw, `"0001-01-01T00:00:00Z"`))
	} else {
		f.absent("date_created", strconv.Quote(r.store.Now().Format(time.RFC3339)))
	}
	p, err := core.ParsePolicy(meta, f.doc, r.settings.UnsafePolicyIDs)
	if err != nil {
		return nil, nil, err
	}
	_, err = r.settings.Rules.CheckPolicy(f.doc)
	return p, missing, err
}

// policyConditions reads a filter.
func policyConditions(f *model.PolicyFilter) []store.Cond {
	if f == nil {
		return nil
	}
	var where []store.Cond
	if f.Q != nil && *f.Q != "" {
		where = append(where, store.AnyOf(store.Contains("name", *f.Q), store.In("id", *f.Q)))
	}
	if f.Ids != nil {
		where = append(where, store.In("id", f.Ids...))
	}
	if f.State != nil {
		where = append(where, store.In("state", store.Fold(*f.State)))
	}
	if f.APIIds != nil {
		where = append(where, store.HasLabel("api", f.APIIds...))
	}
	if f.AuthTypes != nil {
		where = append(where, store.HasLabel("auth", f.AuthTypes...))
	}
	if f.Tag != nil {
		where = append(where, store.HasLabel("tag", *f.Tag))
	}
	return truth(where, "active", f.Active)
}

// policySorts maps the sorts of the schema to fields of the store.
var policySorts = map[model.PolicySort]struct {
	field string
	desc  bool
}{
	model.PolicySortName: {"name", false}, model.PolicySortNameDesc: {"name", true},
	model.PolicySortCreatedAt: {"created_at", false}, model.PolicySortCreatedAtDesc: {"created_at", true},
	model.PolicySortState: {"state", false}, model.PolicySortStateDesc: {"state", true},
}

// importedPolicy makes a policy of a document of an import: over the one with the same id, or new with the ids it carries.
// It returns what it replaces (nil for a new one) and what is worth knowing, too.
func (r *Resolver) importedPolicy(ctx context.Context, raw core.Document) (p, old *core.Policy, warnings []string, err error) {
	doc, err := core.ParseDocument(raw)
	if err != nil {
		return nil, nil, nil, err
	}
	org := doc.Text("org_id")
	if org == "" {
		return nil, nil, nil, core.Errorf(core.CodeInvalid, "org_id is required: it says into which organisation the policy goes")
	}
	if err := r.organisationExists(ctx, org); err != nil {
		return nil, nil, nil, err
	}
	old, err = one(ctx, policyName, r.store.Policies.FindMany, store.AllTenants(), [2]string{"id", doc.Text("_id")}, [2]string{"policy_id", doc.Text("id")})
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return nil, nil, nil, err
	}
	if old != nil && old.OrgID != org {
		return nil, nil, nil, core.Errorf(core.CodeConflict, "a policy with the id %s exists in another organisation", old.PolicyID)
	}
	p, missing, err := r.newPolicy(ctx, org, doc, old, true, true)
	if err != nil {
		return nil, nil, nil, err
	}
	if len(missing) > 0 {
		warnings = []string{"access_rights name APIs that do not exist in the organisation: " + strings.Join(missing, ", ")}
	}
	return p, old, warnings, nil
}

// editPolicy changes a policy to the document that change makes of the old one.
func (r *Resolver) editPolicy(ctx context.Context, id string, revision *int, change func(old *core.Policy) (core.Document, error)) (*core.Policy, error) {
	return edit(ctx, r, policyName, r.store.Policies, revision, func() (*core.Policy, error) { return r.findPolicy(ctx, id) },
		func(old *core.Policy) (*core.Policy, error) {
			doc, err := change(old)
			if err != nil {
				return nil, err
			}
			next, _, err := r.newPolicy(ctx, old.OrgID, doc, old, r.settings.ExplicitPolicyIDs, false)
			if err != nil || next.Document.Equal(old.Document) {
				return nil, err
			}
			return next, nil
		})
}

func (r *Resolver) listPolicies(ctx context.Context, t store.Tenant, first *int, after *string, filter *model.PolicyFilter, sort *model.PolicySort) (*model.PolicyConnection, error) {
	q, err := r.query(ctx, t, first, after)
	if err != nil {
		return nil, err
	}
	q.Where = policyConditions(filter)
	order := policySorts[model.PolicySortCreatedAt]
	if sort != nil {
		order = policySorts[*sort]
	}
	q.Sort, q.Desc = order.field, order.desc
	l, err := r.store.Policies.List(ctx, q)
	if err != nil {
		return nil, err
	}
	return &model.PolicyConnection{Nodes: siblings(ctx, l.Objects), TotalCount: l.Total, PageInfo: pageInfo(l)}, nil
}
