package rest

import (
	"io"
	"net/http"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
)

var webhookRoutes = []route{
	{"GET", "/api/hooks", "webhooks", (*call).listWebhooks, nil},
	{"GET", "/api/hooks/{id}", "webhook", (*call).getWebhook, webhookErrors(http.StatusBadRequest, "Could not retrieve webhook detail.")},
	{"POST", "/api/hooks", "createWebhook", (*call).createWebhook, webhookErrors(0, "")},
	{"PUT", "/api/hooks/{id}", "updateWebhook", (*call).updateWebhook, webhookErrors(http.StatusBadRequest, "Webhook not found.")},
	{"DELETE", "/api/hooks/{id}", "deleteWebhook", (*call).deleteWebhook, webhookErrors(http.StatusNotFound, "Could not retrieve webhook detail.")},
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
		l, err := c.Query.Webhooks(c.ctx, first, after, c.optional("q"))
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
	w, err := found(c.Query.Webhook(c.ctx, c.vars["id"]))
	if err != nil {
		return nil, err
	}
	c.tag(&w.Meta)
	return document(w.Document), nil
}

func (c *call) createWebhook() (reply, error) {
	doc, err := c.document()
	if err != nil {
		return nil, err
	}
	w, err := c.Mutation.CreateWebhook(c.ctx, model.WebhookInput{Document: doc})
	if err != nil {
		return nil, err
	}
	c.tag(&w.Meta)
	return shown(answer{Status: "OK", Message: "Webhook created", Meta: "", ID: w.ID}), nil
}

func (c *call) updateWebhook() (reply, error) {
	revision, err := c.revision()
	if err != nil {
		return nil, err
	}
	doc, err := c.document()
	if err != nil {
		return nil, err
	}
	w, err := c.Mutation.UpdateWebhook(c.ctx, c.vars["id"], model.WebhookInput{Document: doc}, revision)
	if err != nil {
		return nil, err
	}
	c.tag(&w.Meta)
	return done("Webhook updated", ""), nil
}

func (c *call) deleteWebhook() (reply, error) {
	revision, err := c.revision()
	if err != nil {
		return nil, err
	}
	if _, err := c.Mutation.DeleteWebhook(c.ctx, c.vars["id"], revision); err != nil {
		return nil, err
	}
	return done("Webhook deleted", ""), nil
}
