package definition

import (
	"strings"

	"gatehouse/internal/core"
)

// NewWebhookAccess is NewAccess for a webhook, which becomes the settings of a handler in each definition that refers
// to it. The paths are those within the webhook.
func NewWebhookAccess(doc, old core.Document, subjects []string) []Access {
	if len(old) > 0 {
		old = asHandler(old)
	}
	found := NewAccess(asHandler(doc), old, subjects)
	for i := range found {
		found[i].Path = strings.TrimPrefix(found[i].Path, "event_handlers.events.Event[0].handler_meta.")
	}
	return found
}

// asHandler is a definition with a webhook in it. All of its document is there, which is more than what gateways are
// told: their fields are read in any capitals.
func asHandler(webhook core.Document) core.Document {
	const before = `{"event_handlers":{"events":{"Event":[{"handler_name":"eh_web_hook_handler","handler_meta":`
	const after = `}]}}}`
	return core.Document(before + string(webhook) + after)
}
