package core

import (
	"net/url"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// Webhook is a request that a gateway makes when an event happens. APIs refer to it from hook_references.
type Webhook struct {
	Meta
	Name string
	// WebhookID is the public id that the caller may give; unique in the organisation.
	WebhookID  string
	Method     string
	TargetPath string
	Document   Document
}

// WebhookMethods lists what Webhook.Method can be.
func WebhookMethods() []string { return []string{"GET", "POST", "PUT", "PATCH", "DELETE"} }

// NewWebhook reads a Webhook from its document, which has been through ParseWebhook once.
func NewWebhook(meta Meta, doc Document) *Webhook {
	d := doc.top()
	return &Webhook{Meta: meta, Name: text(d["name"]), WebhookID: text(d["webhook_id"]), Method: text(d["method"]),
		TargetPath: text(d["target_path"]), Document: doc}
}

// ParseWebhook checks a document that came from outside and reads it. Method and target path are required, as in the
// legacy API.
func ParseWebhook(meta Meta, doc Document) (*Webhook, error) {
	if err := checkTypes(doc, webhookTypes); err != nil {
		return nil, err
	}
	w := NewWebhook(meta, doc)
	if !slices.Contains(WebhookMethods(), w.Method) {
		return nil, InField("method", "must be GET, POST, PUT, PATCH or DELETE")
	}
	if w.TargetPath == "" || hasControl(w.TargetPath) || !Deferred(w.TargetPath) && !isHTTP(w.TargetPath) {
		return nil, InField("target_path", "must be an http or https URL")
	}
	if len(w.Name) > 255 || hasControl(w.Name) || len(w.WebhookID) > 128 || hasControl(w.WebhookID) {
		return nil, Errorf(CodeInvalid, "name and webhook_id must be at most 255 and 128 bytes without control characters")
	}
	var err error
	doc.Get("header_map").ForEach(func(k, v gjson.Result) bool {
		if strings.ContainsAny(k.Str+v.String(), "\r\n\x00") {
			err = InField("header_map", "must not hold line breaks")
		}
		return err == nil
	})
	return w, err
}

// isHTTP tells whether a text is a URL of HTTP, or one without a scheme.
func isHTTP(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "" || u.Scheme == "http" || u.Scheme == "https")
}

var webhookTypes = []fieldType{
	{"id", isString}, {"org_id", isString}, {"name", isString}, {"webhook_id", isString}, {"method", isString},
	{"target_path", isString}, {"template_path", isString}, {"header_map", isObject}, {"event_timeout", isNumber},
}
