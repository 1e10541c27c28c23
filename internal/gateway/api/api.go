// Package api makes APIs of what callers give and of what is imported, and says what the filters of their lists mean.
//
// It guarantees that an API has the ids, the slug and the listen path by which gateways and people know it, that its
// webhooks are those of its organisation, and that gateways can read its definition. Who has a route or an id is for
// the package claim to say.
package api

import (
	"cmp"
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/definition"
	"gatehouse/internal/gateway/sharing"
	"gatehouse/internal/input"
	"gatehouse/internal/reference"
	"gatehouse/store"
)

// Options are what APIs are made with.
type Options struct {
	Store   *store.Store
	Names   *reference.Names
	Sharing *sharing.Judge
	// Definitions say what gateways may be given.
	Definitions definition.Rules
	Log         *slog.Logger
}

// Apis makes APIs. It is safe for concurrent use.
type Apis struct{ o Options }

// New makes Apis.
func New(o Options) *Apis { return &Apis{o} }

// Make makes a new API of a document that came from outside. Ids, slug and listen path that it lacks are made.
func (s *Apis) Make(ctx context.Context, org string, doc core.Document) (*core.Api, error) {
	return s.of(ctx, org, doc, nil)
}

// Change makes the API that replaces an earlier one; nil when nothing changes. Ids, slug and listen path that it lacks
// stay.
func (s *Apis) Change(ctx context.Context, doc core.Document, old *core.Api) (*core.Api, error) {
	next, err := s.of(ctx, old.OrgID, doc, old)
	if err != nil || next.Definition.Equal(old.Definition) {
		return nil, err
	}
	return next, nil
}

// Import makes an API of a document of an import, over old where that is not nil. A new one is as old as it says.
func (s *Apis) Import(ctx context.Context, org string, doc core.Document, old *core.Api) (*core.Api, error) {
	a, err := s.of(ctx, org, doc, old)
	if err != nil {
		return nil, err
	}
	if at, err := time.Parse(time.RFC3339, doc.Text("created_at")); err == nil && old == nil && at.Year() > 1970 {
		a.CreatedAt = at.UTC().Truncate(time.Microsecond)
	}
	return a, nil
}

// Replaced is what an import of a document goes over: the API with the same public id. It is nil when there is none,
// and core.CodeConflict when another organisation has it.
func (s *Apis) Replaced(ctx context.Context, org string, doc core.Document) (*core.Api, error) {
	id := doc.Text("api_definition.api_id")
	if id == "" {
		return nil, nil
	}
	found, err := s.o.Store.Apis.FindMany(ctx, store.AllTenants(), "api_id", []string{id})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	if found[0].OrgID != org {
		return nil, core.Errorf(core.CodeConflict, "Found API with the same ID in another organisation: %s", id)
	}
	return found[0], nil
}

func (s *Apis) of(ctx context.Context, org string, doc core.Document, old *core.Api) (*core.Api, error) {
	doc = withOwners(doc, old)
	draft, err := core.ParseApi(core.Meta{}, doc)
	if err != nil {
		return nil, err
	}
	meta, err := s.meta(org, doc, old)
	if err != nil {
		return nil, err
	}
	if doc, err = s.named(ctx, meta, doc, draft, old); err != nil {
		return nil, err
	}
	doc = s.completed(doc, old)
	if doc, err = s.withHooks(ctx, org, core.ShownDefinition(doc, old)); err != nil {
		return nil, err
	}
	return s.checked(ctx, meta, doc, old)
}

// withOwners is a document with the owners that it had, where it says nothing of them: programs that do not know of
// owners leave them out. An empty list says that there are none.
func withOwners(doc core.Document, old *core.Api) core.Document {
	if old == nil {
		return doc
	}
	for field, owners := range map[string][]string{
		"user_owners": old.UserOwners, "user_group_owners": old.UserGroupOwners,
	} {
		if given := doc.Get(field); len(owners) > 0 && (!given.Exists() || given.Type == gjson.Null) {
			doc = doc.Set(field, owners)
		}
	}
	return doc
}

// meta is what an API is known by in the store.
func (s *Apis) meta(org string, doc core.Document, old *core.Api) (core.Meta, error) {
	given := doc.Text("api_definition.id")
	if old != nil {
		if given != "" && given != old.ID {
			return core.Meta{}, core.Errorf(
				core.CodeInvalid,
				"Invalid `ID` value: api_definition.id is %q, and the API that you are changing has %q",
				given,
				old.ID,
			)
		}
		return old.Meta, nil
	}
	id, err := input.ID("api_definition.id", given, s.o.Store.Now())
	return core.Meta{ID: id, OrgID: org}, err
}

// named sets what gateways and people know an API by: its ids, its organisation, its slug and its listen path. What the
// document lacks is taken from old, or made.
func (s *Apis) named(
	ctx context.Context,
	meta core.Meta,
	doc core.Document,
	draft, old *core.Api,
) (core.Document, error) {
	had := &core.Api{}
	if old != nil {
		had = old
	}
	apiID := cmp.Or(draft.ApiID, had.ApiID, core.NewHex())
	slug := cmp.Or(draft.Slug, had.Slug)
	if slug == "" {
		var err error
		if slug, err = s.freeSlug(ctx, meta.OrgID, draft.Name, apiID); err != nil {
			return nil, err
		}
	}
	listenPath := cmp.Or(draft.ListenPath, had.ListenPath)
	if listenPath == "" && draft.Protocol != "tcp" && draft.Protocol != "tls" {
		listenPath = "/" + apiID + "/"
	}
	for _, owned := range [][3]string{
		{"api_definition", "id", meta.ID}, {"api_definition", "api_id", apiID}, {"api_definition", "org_id", meta.OrgID},
		{"api_definition", "slug", slug}, {"api_definition.proxy", "listen_path", listenPath},
	} {
		if owned[2] == "" {
			continue
		}
		var err error
		if doc, err = doc.Owned(owned[0], owned[1], owned[2]); err != nil {
			return nil, err
		}
	}
	return doc, nil
}

// freeSlug makes a slug of a name; one that is taken is told apart by the beginning of the API's id.
func (s *Apis) freeSlug(ctx context.Context, org, name, apiID string) (string, error) {
	slug := cmp.Or(core.Slugify(name), apiID)
	taken, err := s.o.Store.Apis.FindMany(ctx, store.Org(org), "slug", []string{slug})
	if err != nil || len(taken) == 0 {
		return slug, err
	}
	return slug + "-" + apiID[:min(8, len(apiID))], nil
}

// completed is a document with what every one has around its definition.
func (s *Apis) completed(doc core.Document, old *core.Api) core.Document {
	created := strconv.Quote(s.o.Store.Now().Format(time.RFC3339))
	if old != nil {
		created = cmp.Or(old.Definition.Get("created_at").Raw, created)
	}
	f := input.Fields{Doc: doc}
	f.Absent("api_model", "{}")
	f.Absent("hook_references", "[]")
	f.Absent("created_at", created)
	return f.Doc
}

// withHooks writes the organisation's webhooks that a definition refers to into its event handlers.
func (s *Apis) withHooks(ctx context.Context, org string, doc core.Document) (core.Document, error) {
	var known []*core.Webhook
	if ids := core.HookIDs(doc); len(ids) > 0 {
		var err error
		if known, err = s.o.Store.Webhooks.FindMany(ctx, store.Org(org), "id", ids); err != nil {
			return nil, err
		}
	}
	return doc.WithHooks(known)
}

// checked makes an API of a document that is complete, where gateways can read it, and where it asks nothing of them
// that its organisation may not.
func (s *Apis) checked(ctx context.Context, meta core.Meta, doc core.Document, old *core.Api) (*core.Api, error) {
	a, err := core.ParseApi(meta, doc)
	if err != nil {
		return nil, err
	}
	if err := s.o.Definitions.CheckSave(doc, old); err != nil {
		return nil, err
	}
	if err := s.o.Sharing.Api(ctx, doc, old); err != nil {
		return nil, err
	}
	var before []core.CertificateRef
	if old != nil {
		before = old.CertificateRefs()
	}
	return a, s.o.Sharing.Certificates(ctx, meta.OrgID, a.CertificateRefs(), before)
}
