package rest

import (
	"io"
	"net/http"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
)

var webhookRoutes = []route{
	{"GET", "/api/hooks", "webhooks", (*call).listWebhooks, nil},
	{
		"GET",
		"/api/hooks/{id}",
		"webhook",
		(*call).getWebhook,
		webhookErrors(http.StatusBadRequest, "Could not retrieve webhook detail."),
	},
	{"POST", "/api/hooks", "createWebhook", (*call).createWebhook, webhookErrors(0, "")},
	{
		"PUT",
		"/api/hooks/{id}",
		"updateWebhook",
		(*call).updateWebhook,
		webhookErrors(http.StatusBadRequest, "Webhook not found."),
	},
	{
		"PATCH",
		"/api/hooks/{id}",
		"patchWebhook",
		(*call).patchWebhook,
		webhookErrors(http.StatusBadRequest, "Webhook not found."),
	},
	{
		"DELETE",
		"/api/hooks/{id}",
		"deleteWebhook",
		(*call).deleteWebhook,
		webhookErrors(http.StatusNotFound, "Could not retrieve webhook detail."),
	},
}

func webhookErrors(missing int, message string) legacyErrors {
	return legacyErrors{
		core.CodeNotFound:  {missing, message, false},
		core.CodeMalformed: malformed403,
		core.CodeInvalid:   {http.StatusBadRequest, "Webhook object validation failed", true},
	}
}

func (c *call) listWebhooks() (reply, error) {
	next := func(first *int, after *string) (fetched[core.Webhook], error) {
		l, err := c.Query.Webhooks(c.ctx, first, after, c.optional("q"), nil)
		if err != nil {
			return fetched[core.Webhook]{}, err
		}
		return fetched[core.Webhook]{l.Nodes, l.TotalCount, l.PageInfo}, nil
	}
	return listing(c, shape{`{"hooks":[`, `],"pages":`}, next, func(w io.Writer, h *core.Webhook) error {
		_, err := w.Write(h.Document)
		return err
	})
}

func (c *call) getWebhook() (reply, error) {
	w, err := c.Query.Webhook(c.ctx, c.vars["id"])
	return show(c, w, err, func(w *core.Webhook) (core.Document, error) { return w.Document, nil })
}

func (c *call) createWebhook() (reply, error) {
	return creating(c, func(doc core.Document) (*core.Webhook, error) {
		return c.Mutation.CreateWebhook(c.ctx, model.WebhookInput{Document: doc})
	}, func(w *core.Webhook) (reply, error) {
		return shown(answer{Status: "OK", Message: "Webhook created", Meta: w.ID, ID: w.ID}), nil
	})
}

func (c *call) updateWebhook() (reply, error) {
	return changing(c, func(doc core.Document, revision *int) (*core.Webhook, error) {
		return c.Mutation.UpdateWebhook(c.ctx, c.vars["id"], model.WebhookInput{Document: doc}, revision)
	}, always[core.Webhook]("Webhook updated", ""))
}

func (c *call) patchWebhook() (reply, error) {
	return changing(c, func(doc core.Document, revision *int) (*core.Webhook, error) {
		return c.Mutation.PatchWebhook(c.ctx, c.vars["id"], doc, revision)
	}, always[core.Webhook]("Webhook updated", ""))
}

func (c *call) deleteWebhook() (reply, error) {
	return c.deleting(func(revision *int) (*model.Deleted, error) {
		return c.Mutation.DeleteWebhook(c.ctx, c.vars["id"], revision)
	}, "Webhook deleted", "")
}
