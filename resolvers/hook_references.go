package resolvers

import (
	"context"
	"fmt"
	"maps"
	"regexp"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// eventPattern holds for the names of events. They become names in the definition.
var eventPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)

// embedHooks writes the webhooks that hook_references name into the event handlers, where gateways look for them. A reference
// to a webhook of the organisation takes its present document; any other must bring the webhook along.
func (r *Resolver) embedHooks(ctx context.Context, org string, doc core.Document) (core.Document, error) {
	refs := doc.Get("hook_references").Array()
	if len(refs) == 0 {
		return doc, nil
	}
	var ids []string
	for _, ref := range refs {
		if id := hookID(ref); id != "" && id != zeroID {
			ids = append(ids, id)
		}
	}
	known := map[string]*core.Webhook{}
	found, err := r.store.Webhooks.FindMany(ctx, store.Org(org), "id", ids)
	if err != nil {
		return nil, err
	}
	for _, w := range found {
		known[w.ID] = w
	}
	for i, ref := range refs {
		event := ref.Get("event_name").String()
		if !eventPattern.MatchString(event) {
			return nil, core.Errorf(core.CodeInvalid, "hook_references[%d].event_name must name an event, such as QuotaExceeded", i)
		}
		hook := core.Document(ref.Get("hook").Raw)
		if w := known[hookID(ref)]; w != nil {
			hook = w.Document
			doc = doc.SetRaw(fmt.Sprintf("hook_references.%d.hook", i), hook)
		}
		if hook.Text("target_path") == "" {
			return nil, core.Errorf(core.CodeInvalid, "hook_references[%d].hook.id %q names no webhook of the organisation", i, hookID(ref))
		}
		doc = embedHook(doc, event, ref.Get("event_timeout").Int(), hook)
	}
	return doc, nil
}

func hookID(ref gjson.Result) string { return ref.Get("hook.id").String() }

// hookIDs are the ids of the webhooks that an API refers to.
func hookIDs(a *core.Api) []string {
	var ids []string
	for _, ref := range a.Definition.Get("hook_references").Array() {
		ids = append(ids, hookID(ref))
	}
	return ids
}

// embedHook puts one webhook into the handlers of an event, over the handler with the same webhook where there is one. A
// handler that says the same already stays as it is, byte for byte.
func embedHook(doc core.Document, event string, timeout int64, hook core.Document) core.Document {
	const handler = "eh_web_hook_handler"
	id := hook.Text("id")
	meta := core.Document("{}").Set("_id", id).Set("id", id).Set("name", hook.Text("name")).Set("org_id", hook.Text("org_id")).
		Set("method", hook.Text("method")).Set("target_path", hook.Text("target_path")).Set("template_path", hook.Text("template_path")).
		Set("event_timeout", timeout)
	headers := "{}"
	if h := hook.Get("header_map"); h.IsObject() {
		headers = h.Raw
	}
	meta = meta.SetRaw("header_map", []byte(headers))
	path := "api_definition.event_handlers.events." + event
	at := -1
	for i, h := range doc.Get(path).Array() {
		m := h.Get("handler_meta")
		if h.Get("handler_name").Str != handler || first(m.Get("id").Str, m.Get("_id").Str) != id || m.Get("target_path").Str != hook.Text("target_path") && id == zeroID {
			continue
		}
		if sameHook(m, meta) {
			return doc
		}
		at = i
		break
	}
	if !doc.Get(path).IsArray() {
		doc = doc.SetRaw(path, []byte("[]"))
	}
	return doc.SetRaw(fmt.Sprintf("%s.%d", path, at), core.Document(`{"handler_name":"`+handler+`"}`).SetRaw("handler_meta", meta))
}

func sameHook(m gjson.Result, meta core.Document) bool {
	for _, field := range []string{"name", "method", "target_path", "template_path", "event_timeout"} {
		if m.Get(field).String() != meta.Get(field).String() {
			return false
		}
	}
	ours, theirs := meta.Get("header_map").Map(), m.Get("header_map").Map()
	return maps.EqualFunc(ours, theirs, func(a, b gjson.Result) bool { return a.String() == b.String() })
}
