package core

import "github.com/tidwall/gjson"

// HookIDs are the ids of the webhooks that a definition refers to, each once.
func HookIDs(definition Document) []string {
	var ids []string
	seen := map[string]bool{"": true, ZeroID: true}
	for _, ref := range definition.Get("hook_references").Array() {
		if id := hookID(ref); !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}

func hookID(ref gjson.Result) string { return ref.Get("hook.id").String() }

// WithHooks writes the webhooks that hook_references of a definition name into its event handlers, where gateways look
// for them. A reference to one of known, the webhooks of the organisation, takes its present document; any other must
// bring the webhook along.
func (d Document) WithHooks(known []*Webhook) (Document, error) {
	refs := d.Get("hook_references").Array()
	if len(refs) == 0 {
		return d, nil
	}
	byID := make(map[string]*Webhook, len(known))
	for _, w := range known {
		byID[w.ID] = w
	}
	embedded := make([]EmbeddedHook, len(refs))
	for i, ref := range refs {
		event := ref.Get("event_name").String()
		if !IsEvent(event) {
			return nil, Errorf(CodeInvalid, "hook_references[%d].event_name must name an event, such as QuotaExceeded", i)
		}
		hook := Document(ref.Get("hook").Raw)
		if w := byID[hookID(ref)]; w != nil {
			hook = w.Document
		}
		if hook.Text("target_path") == "" {
			return nil, Errorf(CodeInvalid, "hook_references[%d].hook.id %q names no webhook of the organisation", i, hookID(ref))
		}
		embedded[i] = EmbeddedHook{Event: event, Timeout: ref.Get("event_timeout").Int(), Hook: hook}
	}
	at := -1
	d = d.EachOf("hook_references", func(_ string, ref Document) Document {
		at++
		if byID[hookID(refs[at])] == nil {
			return ref
		}
		return ref.SetRaw("hook", embedded[at].Hook)
	})
	return d.EmbedHooks(embedded), nil
}
