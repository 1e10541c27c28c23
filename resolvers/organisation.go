package resolvers

import (
	"context"
	"fmt"
	"strings"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/store"
)

const organisationName = "Organisation"

func (r *Resolver) findOrganisation(ctx context.Context, id string) (*core.Organisation, error) {
	return one(ctx, organisationName, r.store.Organisations.FindMany, store.AllTenants(), [2]string{"id", id})
}

func organisationDocument(in model.OrganisationInput, stored core.Document) (core.Document, error) {
	doc, err := base(in.Document, stored, blank)
	if err != nil {
		return nil, err
	}
	f := fields{doc}
	f.text("owner_name", in.Name)
	f.text("owner_slug", in.Slug)
	f.text("cname", in.Cname)
	f.truth("cname_enabled", in.CnameEnabled)
	return f.doc, nil
}

// newOrganisation makes an organisation of a document that came from outside. old is what it replaces, nil for a new one.
func (r *Resolver) newOrganisation(doc core.Document, old *core.Organisation) (*core.Organisation, error) {
	meta := core.Meta{ID: doc.Text("id")}
	if old != nil {
		if meta.ID != "" && meta.ID != old.ID {
			return nil, core.InField("id", "is %q, and the organisation that you are changing has %q", meta.ID, old.ID)
		}
		meta = old.Meta
	}
	if meta.ID == "" || meta.ID == zeroID {
		meta.ID = core.NewID(r.store.Now())
	}
	if !core.IsID(meta.ID) {
		return nil, core.InField("id", "must be 24 lower-case hex digits; leave it out to have one made")
	}
	doc, err := doc.Owned("", "id", meta.ID)
	if err != nil {
		return nil, err
	}
	f := fields{doc}
	for _, d := range [][2]string{{"owner_slug", `""`}, {"cname_enabled", "false"}, {"cname", `""`}, {"apis", "[]"},
		{"developer_quota", "0"}, {"developer_count", "0"}, {"event_options", "{}"}, {"hybrid_enabled", "false"}, {"ui", "{}"},
		{"org_options_meta", "{}"}} {
		f.absent(d[0], d[1])
	}
	return core.ParseOrganisation(meta, f.doc)
}

// cascadePage is how many objects are read at a time while an organisation is deleted.
const cascadePage = 500

// property is everything that an organisation owns.
type property struct {
	// writes delete it.
	writes []store.Change
	// summary says how much of what it is.
	summary string
	// clients are the OAuth clients, which the gateway is to forget.
	clients []*core.OauthClient
}

// owned reads what an organisation owns.
func (r *Resolver) owned(ctx context.Context, org string) (own property, err error) {
	var parts []string
	var writes []store.Change
	count := func(what string, n int) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%s: %d", what, n))
		}
	}
	steps := []func() error{
		func() error { return collect(ctx, r.store.Users, org, &writes, func(n int) { count("users", n) }) },
		func() error { return collect(ctx, r.store.Apis, org, &writes, func(n int) { count("APIs", n) }) },
		func() error {
			return collect(ctx, r.store.Policies, org, &writes, func(n int) { count("policies", n) })
		},
		func() error { return collect(ctx, r.store.Keys, org, &writes, func(n int) { count("keys", n) }) },
		func() error {
			return collect(ctx, r.store.Webhooks, org, &writes, func(n int) { count("webhooks", n) })
		},
		func() error {
			var ids []string
			err := collect(ctx, r.store.Certificates, org, &writes, func(n int) { count("certificates", n) },
				func(c *core.Certificate) { ids = append(ids, c.ID) })
			if err != nil || len(ids) == 0 {
				return err
			}
			notes, err := r.certificates.Removing(ctx, ids...)
			writes = append(notes, writes...)
			return err
		},
		func() (err error) {
			own.clients, err = r.oauthClientsOf(ctx, store.Query{Tenant: store.Org(org)})
			for _, c := range own.clients {
				writes = append(writes, r.store.OauthClients.Deleting(c))
			}
			count("OAuth clients", len(own.clients))
			return err
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return property{}, err
		}
	}
	own.writes, own.summary = writes, strings.Join(parts, ", ")
	return own, nil
}

func collect[T any](ctx context.Context, repo *store.Repository[T], org string, writes *[]store.Change, count func(int), also ...func(*T)) error {
	total := 0
	for after := ""; ; {
		l, err := repo.List(ctx, store.Query{Tenant: store.Org(org), Sort: "id", After: after, Limit: cascadePage, IDsOnly: true})
		if err != nil {
			return err
		}
		for _, o := range l.Objects {
			*writes = append(*writes, repo.Deleting(o))
			for _, see := range also {
				see(o)
			}
		}
		total += len(l.Objects)
		if !l.More {
			count(total)
			return nil
		}
		after = l.Cursors[len(l.Cursors)-1]
	}
}
