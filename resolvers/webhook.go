package resolvers

import (
	"context"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/store"
)

func (r *Resolver) findWebhook(ctx context.Context, id string) (*core.Webhook, error) {
	return one(ctx, core.WebhookKind, r.store.Webhooks.FindMany, tenant(ctx), [2]string{"id", id})
}

func webhookDocument(in model.WebhookInput, stored core.Document) (core.Document, error) {
	doc, err := base(in.Document, stored, blank)
	if err != nil {
		return nil, err
	}
	f := fields{doc}
	f.text("name", in.Name)
	f.text("method", in.Method)
	f.text("target_path", in.TargetPath)
	err = f.object("header_map", in.Headers)
	return f.doc, err
}

// newWebhook makes a webhook of a document that came from outside. old is what it replaces, nil for a new one.
func (r *Resolver) newWebhook(
	ctx context.Context,
	org string,
	doc core.Document,
	old *core.Webhook,
) (*core.Webhook, error) {
	meta := core.Meta{ID: doc.Text("id"), OrgID: org}
	if old != nil {
		if meta.ID != "" && meta.ID != old.ID {
			return nil, core.InField("id", "is %q, and the webhook that you are changing has %q", meta.ID, old.ID)
		}
		meta = old.Meta
	}
	if meta.ID == "" || meta.ID == zeroID {
		meta.ID = core.NewID(r.store.Now())
	}
	if !core.IsID(meta.ID) {
		return nil, core.InField("id", "must be 24 lower-case hex digits; leave it out to have one made")
	}
	var err error
	for _, owned := range [][2]string{{"id", meta.ID}, {"org_id", org}} {
		if doc, err = doc.Owned("", owned[0], owned[1]); err != nil {
			return nil, err
		}
	}
	f := fields{doc}
	f.absent("api_model", "{}")
	f.absent("template_path", `""`)
	f.absent("header_map", "{}")
	f.absent("event_timeout", "0")
	w, err := core.ParseWebhook(meta, f.doc)
	if err != nil {
		return nil, err
	}
	return w, r.sharing.Webhook(ctx, w.Document, old)
}

// editWebhook changes the document of a webhook.
func (r *Resolver) editWebhook(
	ctx context.Context,
	id string,
	revision *int,
	change func(stored core.Document) (core.Document, error),
) (*core.Webhook, error) {
	find := func() (*core.Webhook, error) { return r.findWebhook(ctx, id) }
	return edit(ctx, r, core.WebhookKind, r.store.Webhooks.Update, revision, find,
		func(old *core.Webhook) (*core.Webhook, error) {
			doc, err := change(old.Document)
			if err != nil {
				return nil, err
			}
			next, err := r.newWebhook(ctx, old.OrgID, doc, old)
			if err != nil || next.Document.Equal(old.Document) {
				return nil, err
			}
			return next, nil
		})
}

// embedHooks writes the organisation's webhooks that a definition refers to into its event handlers.
func (r *Resolver) embedHooks(ctx context.Context, org string, doc core.Document) (core.Document, error) {
	var known []*core.Webhook
	if ids := core.HookIDs(doc); len(ids) > 0 {
		var err error
		if known, err = r.store.Webhooks.FindMany(ctx, store.Org(org), "id", ids); err != nil {
			return nil, err
		}
	}
	return doc.WithHooks(known)
}

func (r *Resolver) listWebhooks(
	ctx context.Context,
	t store.Tenant,
	first *int,
	after *string,
	q *string,
	sort *model.WebhookSort,
) (*model.WebhookConnection, error) {
	query, err := r.query(ctx, t, first, after)
	if err != nil {
		return nil, err
	}
	if q != nil && *q != "" {
		query.Where = []store.Cond{store.Contains("name", *q)}
	}
	by := sorted(sort, nil, model.WebhookSortCreatedAt)
	query.Sort, query.Desc = by.field, by.desc
	c, err := list(ctx, r.store.Webhooks, query)
	return (*model.WebhookConnection)(c), err
}
