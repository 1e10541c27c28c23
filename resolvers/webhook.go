package resolvers

import (
	"context"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/internal/edit"
	"gatehouse/internal/filter"
	"gatehouse/resolvers/connection"
	"gatehouse/store"
)

func (r *Resolver) findWebhook(ctx context.Context, id string) (*core.Webhook, error) {
	return edit.One(ctx, core.WebhookKind, r.store.Webhooks.FindMany, tenant(ctx), [2]string{"id", id})
}

// editWebhook changes the document of a webhook.
func (r *Resolver) editWebhook(
	ctx context.Context,
	id string,
	revision *int,
	change func(stored core.Document) (core.Document, error),
) (*core.Webhook, error) {
	find := func() (*core.Webhook, error) { return r.findWebhook(ctx, id) }
	return edit.Change(ctx, r.editor, core.WebhookKind, r.store.Webhooks.Update, revision, find,
		func(old *core.Webhook) (*core.Webhook, error) {
			doc, err := edit.Judged(ctx)(change(old.Document))
			if err != nil {
				return nil, err
			}
			return r.webhooks.Change(ctx, doc, old)
		})
}

func (r *Resolver) listWebhooks(
	ctx context.Context,
	t store.Tenant,
	first *int,
	after *string,
	q *string,
	sort *model.WebhookSort,
) (*model.WebhookConnection, error) {
	by := connection.Sorted(sort, nil, model.WebhookSortCreatedAt)
	c, err := connection.Listed(ctx, r.settings.Pages, r.store.Webhooks, t, first, after, by, func() ([]store.Cond, error) {
		var where filter.Where
		where.Part(q, "name")
		return where, nil
	})
	return (*model.WebhookConnection)(c), err
}
