package resolvers

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/claim"
	"gatehouse/internal/page"
	"gatehouse/store"
)

// findApi reads an API by either id, past the read cache.
func (r *Resolver) findApi(ctx context.Context, id string) (*core.Api, error) {
	return one(ctx, core.ApiKind, r.store.Apis.FindMany, tenant(ctx), [2]string{"id", id}, [2]string{"api_id", id})
}

// lookUpApi reads an API by either id, through the read cache.
func (r *Resolver) lookUpApi(ctx context.Context, t store.Tenant, id string) (*core.Api, error) {
	if core.IsID(id) {
		a, err := r.store.Apis.Find(ctx, t, id)
		if !errors.Is(err, store.ErrNotFound) {
			return a, err
		}
	}
	a, err := r.store.Apis.FindBy(ctx, t, "api_id", id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, core.NotFound(core.ApiKind)
	}
	return a, err
}

// apiDocument is the wrapped document that an input means, started from the stored one where there is one.
func apiDocument(in model.APIInput, stored core.Document) (core.Document, error) {
	doc, err := base(in.Definition, stored, blankApi)
	if err != nil {
		return nil, err
	}
	if !doc.Get("api_definition").Exists() &&
		(doc.Get("name").Exists() || doc.Get("proxy").Exists() || len(doc) == len("{}")) {
		doc = core.Document(`{}`).SetRaw("api_definition", doc)
	}
	if d := doc.Get("api_definition"); d.Exists() && !d.IsObject() {
		return nil, core.InField("api_definition", "must be an object that holds the API definition")
	}
	if proxy := doc.Get("api_definition.proxy"); proxy.Exists() && !proxy.IsObject() && proxy.Type != gjson.Null {
		return nil, core.InField("api_definition.proxy", "must be an object")
	}
	f := fields{doc}
	f.text("api_definition.name", in.Name)
	f.text("api_definition.slug", in.Slug)
	f.text("api_definition.api_id", in.APIID)
	f.text("api_definition.domain", in.Domain)
	f.truth("api_definition.active", in.Active)
	f.truth("api_definition.use_keyless", in.Keyless)
	f.truth("api_definition.internal", in.Internal)
	f.texts("api_definition.tags", in.Tags)
	f.text("api_definition.proxy.target_url", in.TargetURL)
	f.text("api_definition.proxy.listen_path", in.ListenPath)
	return f.doc, nil
}

// newApi makes an API of a document that came from outside: ids, slug and listen path that it lacks are made, and
// webhooks that it refers to are embedded. old is what it replaces, nil for a new one.
func (r *Resolver) newApi(ctx context.Context, org string, doc core.Document, old *core.Api) (*core.Api, error) {
	draft, err := core.ParseApi(core.Meta{}, doc)
	if err != nil {
		return nil, err
	}
	meta := core.Meta{ID: doc.Text("api_definition.id"), OrgID: org}
	apiID, slug, listenPath := draft.ApiID, draft.Slug, draft.ListenPath
	created := strconv.Quote(r.store.Now().Format(time.RFC3339))
	if old != nil {
		if meta.ID != "" && meta.ID != old.ID {
			return nil, core.Errorf(
				core.CodeInvalid,
				"Invalid `ID` value: api_definition.id is %q, and the API that you are changing has %q",
				meta.ID,
				old.ID,
			)
		}
		meta = old.Meta
		apiID, slug, listenPath = first(apiID, old.ApiID), first(slug, old.Slug), first(listenPath, old.ListenPath)
		created = first(old.Definition.Get("created_at").Raw, created)
	}
	if meta.ID == "" || meta.ID == zeroID {
		meta.ID = core.NewID(r.store.Now())
	}
	if !core.IsID(meta.ID) {
		return nil, core.InField("api_definition.id", "must be 24 lower-case hex digits; leave it out to have one made")
	}
	apiID = first(apiID, core.NewHex())
	if slug == "" {
		if slug, err = r.freeSlug(ctx, org, draft.Name, apiID); err != nil {
			return nil, err
		}
	}
	if listenPath == "" && draft.Protocol != "tcp" && draft.Protocol != "tls" {
		listenPath = "/" + apiID + "/"
	}
	for _, owned := range [][3]string{
		{"api_definition", "id", meta.ID}, {"api_definition", "api_id", apiID}, {"api_definition", "org_id", org},
		{"api_definition", "slug", slug}, {"api_definition.proxy", "listen_path", listenPath},
	} {
		if owned[2] == "" {
			continue
		}
		if doc, err = doc.Owned(owned[0], owned[1], owned[2]); err != nil {
			return nil, err
		}
	}
	f := fields{doc}
	f.absent("api_model", "{}")
	f.absent("hook_references", "[]")
	f.absent("created_at", created)
	if doc, err = r.embedHooks(ctx, org, core.ShownDefinition(f.doc, old)); err != nil {
		return nil, err
	}
	a, err := core.ParseApi(meta, doc)
	if err != nil {
		return nil, err
	}
	if err := r.settings.Rules.CheckSave(doc, old); err != nil {
		return nil, err
	}
	if err := r.sharing.Api(ctx, doc, old); err != nil {
		return nil, err
	}
	var before []core.CertificateRef
	if old != nil {
		before = old.CertificateRefs()
	}
	return a, r.sharing.Certificates(ctx, org, a.CertificateRefs(), before)
}

const zeroID = core.ZeroID

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// freeSlug makes a slug of a name; one that is taken is told apart by the beginning of the API's id.
func (r *Resolver) freeSlug(ctx context.Context, org, name, apiID string) (string, error) {
	slug := first(core.Slugify(name), apiID)
	taken, err := r.store.Apis.FindMany(ctx, store.Org(org), "slug", []string{slug})
	if err != nil || len(taken) == 0 {
		return slug, err
	}
	return slug + "-" + apiID[:min(8, len(apiID))], nil
}

// apiConditions reads a filter.
func (r *Resolver) apiConditions(ctx context.Context, t store.Tenant, f *model.APIFilter) ([]store.Cond, error) {
	if f == nil {
		return nil, nil
	}
	if err := errors.Join(page.Choices("category", f.Categories), page.Choices("auth_type", f.AuthTypes)); err != nil {
		return nil, err
	}
	var where []store.Cond
	if f.Q != nil && *f.Q != "" {
		where = append(where, store.AnyOf(store.Contains("name", *f.Q), store.Contains("slug_text", *f.Q)))
	}
	if len(f.Categories) > 0 {
		names := make([]string, len(f.Categories))
		for i, c := range f.Categories {
			names[i] = strings.TrimPrefix(c, "#")
		}
		where = append(where, store.HasLabel("category", names...))
	}
	if f.Kind != nil {
		if !slices.Contains(core.ApiKinds(), *f.Kind) {
			return nil, core.InField("api_type", "must be one of %s", strings.Join(core.ApiKinds(), ", "))
		}
		where = append(where, store.HasLabel("kind", *f.Kind))
	}
	if len(f.AuthTypes) > 0 {
		names := make([]string, len(f.AuthTypes))
		for i, given := range f.AuthTypes {
			name, ok := core.AuthTypeNamed(given)
			if !ok {
				return nil, core.InField("auth_type", "must be one of %s", strings.Join(core.AuthTypes(), ", "))
			}
			names[i] = name
		}
		where = append(where, store.HasLabel("auth", names...))
	}
	if f.Owner != nil {
		where = append(where, store.HasLabel("owner", *f.Owner))
	}
	if f.Tag != nil {
		where = append(where, store.HasLabel("tag", *f.Tag))
	}
	if f.ListenPath != nil {
		where = append(where, store.HasLabel("listen_path", *f.ListenPath))
	}
	if f.Domain != nil {
		where = append(where, store.HasLabel("domain", strings.ToLower(*f.Domain)))
	}
	if f.Target != nil {
		where = append(where, store.HasLabel("target", strings.ToLower(*f.Target)))
	}
	where = changedSince(where, f.UpdatedSince)
	if f.Certificate != nil {
		where = append(where, store.HasLabel("certificate", *f.Certificate))
	}
	if f.BaseOnly != nil && *f.BaseOnly {
		versions, err := r.names.Versions(ctx, t)
		if err != nil {
			return nil, err
		}
		if len(versions) > 0 {
			where = append(where, store.NoneOf(store.In("id", versions...)))
		}
	}
	if f.Servable != nil {
		faulty := store.HasLabel("fault", r.settings.Rules.Version())
		if *f.Servable {
			faulty = store.NoneOf(faulty)
		}
		where = append(where, faulty)
	}
	return truth(where, "active", f.Active), nil
}

// importedApi makes an API of a document of an import: over the one with the same public id, or new with the ids it
// carries. It returns what it replaces, too; nil for a new one.
func (r *Resolver) importedApi(ctx context.Context, raw core.Document) (a, old *core.Api, err error) {
	doc, err := apiDocument(model.APIInput{Definition: raw}, nil)
	if err != nil {
		return nil, nil, err
	}
	org := doc.Text("api_definition.org_id")
	if org == "" {
		return nil, nil, core.InField("api_definition.org_id", "is required: it says into which organisation the API goes")
	}
	if err := r.organisationExists(ctx, org); err != nil {
		return nil, nil, err
	}
	if id := doc.Text("api_definition.api_id"); id != "" {
		found, err := r.store.Apis.FindMany(ctx, store.AllTenants(), "api_id", []string{id})
		if err != nil {
			return nil, nil, err
		}
		if len(found) > 0 {
			old = found[0]
			if old.OrgID != org {
				return nil, nil, core.Errorf(core.CodeConflict, "Found API with the same ID in another organisation: %s", id)
			}
		}
	}
	a, err = r.newApi(ctx, org, doc, old)
	if err != nil {
		return nil, nil, err
	}
	if at, err := time.Parse(time.RFC3339, doc.Text("created_at")); err == nil && old == nil && at.Year() > 1970 {
		a.CreatedAt = at.UTC().Truncate(time.Microsecond)
	}
	return a, old, nil
}

// editApi changes an API to the document that change makes of the old one.
func (r *Resolver) editApi(
	ctx context.Context,
	id string,
	revision *int,
	change func(old *core.Api) (core.Document, error),
) (*core.Api, error) {
	var before *core.Api
	write := func(ctx context.Context, next *core.Api) error {
		return r.claims.Write(ctx, []claim.Api{{Next: next, Old: before}})
	}
	return edit(ctx, r, core.ApiKind, write, revision, func() (*core.Api, error) { return r.findApi(ctx, id) },
		func(old *core.Api) (*core.Api, error) {
			before = old
			doc, err := change(old)
			if err != nil {
				return nil, err
			}
			next, err := r.newApi(ctx, old.OrgID, doc, old)
			if err != nil || next.Definition.Equal(old.Definition) {
				return nil, err
			}
			return next, nil
		})
}

func (r *Resolver) listApis(
	ctx context.Context,
	t store.Tenant,
	first *int,
	after *string,
	filter *model.APIFilter,
	sort *model.APISort,
) (*model.APIConnection, error) {
	q, err := r.query(ctx, t, first, after)
	if err != nil {
		return nil, err
	}
	if q.Where, err = r.apiConditions(ctx, t, filter); err != nil {
		return nil, err
	}
	by := sorted(sort, nil, model.APISortCreatedAtDesc)
	q.Sort, q.Desc = by.field, by.desc
	c, err := list(ctx, r.store.Apis, q)
	return (*model.APIConnection)(c), err
}
