// Package webhook makes webhooks of what callers give. Webhooks become parts of the definitions that refer to them, so
// one asks nothing of gateways that its organisation may not.
package webhook

import (
	"context"
	"time"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/sharing"
	"gatehouse/internal/input"
)

// Webhooks makes webhooks. It is safe for concurrent use.
type Webhooks struct {
	sharing *sharing.Judge
	now     func() time.Time
}

// New makes Webhooks.
func New(j *sharing.Judge, now func() time.Time) *Webhooks { return &Webhooks{sharing: j, now: now} }

// Input is what a caller gives of a webhook, as the schema has it; nil is not given.
type Input struct {
	// Document is a whole document, which the other fields change further.
	Document                 core.Document
	Name, Method, TargetPath *string
	Headers                  core.Document
	OrgID                    *string
}

// Document is the document that an input means, started from the stored one where there is one.
func Document(in Input, stored core.Document) (core.Document, error) {
	doc, err := input.Base(in.Document, stored, input.Blank)
	if err != nil {
		return nil, err
	}
	f := input.Fields{Doc: doc}
	f.Text("name", in.Name)
	f.Text("method", in.Method)
	f.Text("target_path", in.TargetPath)
	err = f.Object("header_map", in.Headers)
	return f.Doc, err
}

// Make makes a new webhook of a document that came from outside.
func (w *Webhooks) Make(ctx context.Context, org string, doc core.Document) (*core.Webhook, error) {
	return w.of(ctx, org, doc, nil)
}

// Change makes the webhook that replaces an earlier one; nil when nothing changes.
func (w *Webhooks) Change(ctx context.Context, doc core.Document, old *core.Webhook) (*core.Webhook, error) {
	next, err := w.of(ctx, old.OrgID, doc, old)
	if err != nil || next.Document.Equal(old.Document) {
		return nil, err
	}
	return next, nil
}

func (w *Webhooks) of(ctx context.Context, org string, doc core.Document, old *core.Webhook) (*core.Webhook, error) {
	var before *core.Meta
	if old != nil {
		before = &old.Meta
	}
	meta, err := input.Meta(doc, core.WebhookKind, org, before, w.now())
	if err != nil {
		return nil, err
	}
	if doc, err = input.Owned(doc, [2]string{"id", meta.ID}, [2]string{"org_id", org}); err != nil {
		return nil, err
	}
	f := input.Fields{Doc: doc}
	f.Absent("api_model", "{}")
	f.Absent("template_path", `""`)
	f.Absent("header_map", "{}")
	f.Absent("event_timeout", "0")
	made, err := core.ParseWebhook(meta, f.Doc)
	if err != nil {
		return nil, err
	}
	return made, w.sharing.Webhook(ctx, made.Document, old)
}
