package resolvers

import (
	"context"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// embedHooks writes the webhooks that hook_references name into the event handlers, where gateways look for them. A
// reference to a webhook of the organisation takes its present document; any other must bring the webhook along.
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
	embedded := make([]core.EmbeddedHook, len(refs))
	for i, ref := range refs {
		event := ref.Get("event_name").String()
		if !core.IsEvent(event) {
			return nil, core.Errorf(
				core.CodeInvalid,
				"hook_references[%d].event_name must name an event, such as QuotaExceeded",
				i,
			)
		}
		hook := core.Document(ref.Get("hook").Raw)
		if w := known[hookID(ref)]; w != nil {
			hook = w.Document
		}
		if hook.Text("target_path") == "" {
			return nil, core.Errorf(
				core.CodeInvalid,
				"hook_references[%d].hook.id %q names no webhook of the organisation",
				i,
				hookID(ref),
			)
		}
		embedded[i] = core.EmbeddedHook{Event: event, Timeout: ref.Get("event_timeout").Int(), Hook: hook}
	}
	at := -1
	doc = doc.EachOf("hook_references", func(_ string, ref core.Document) core.Document {
		at++
		if known[hookID(refs[at])] == nil {
			return ref
		}
		return ref.SetRaw("hook", embedded[at].Hook)
	})
	return doc.EmbedHooks(embedded), nil
}

func hookID(ref gjson.Result) string { return ref.Get("hook.id").String() }

// hookIDs are the ids of the webhooks that an API refers to, each once.
func hookIDs(a *core.Api) []string {
	var ids []string
	seen := map[string]bool{"": true, zeroID: true}
	for _, ref := range a.Definition.Get("hook_references").Array() {
		if id := hookID(ref); !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}
