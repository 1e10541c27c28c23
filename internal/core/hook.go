package core

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"regexp"

	"github.com/tidwall/gjson"
)

// HookReference is an entry of hook_references: the webhook that an API has called when an event happens.
type HookReference struct {
	Event string
	// Timeout is for how many seconds the event does not call again.
	Timeout int64
	// ID is the id of the webhook.
	ID string
}

// HookReferences reads the entries of hook_references.
func HookReferences(doc Document) []HookReference {
	var out []HookReference
	for _, ref := range doc.Get("hook_references").Array() {
		out = append(
			out,
			HookReference{
				Event:   ref.Get("event_name").String(),
				Timeout: ref.Get("event_timeout").Int(),
				ID:      ref.Get("hook.id").String(),
			},
		)
	}
	return out
}

// eventPattern holds for the names of events. They become names in the definition.
var eventPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)

// IsEvent tells whether name can be the name of an event, such as QuotaExceeded.
func IsEvent(name string) bool { return eventPattern.MatchString(name) }

// ZeroID stands for "no id" in exports.
const ZeroID = "000000000000000000000000"

// EmbeddedHook is a webhook for an event of an API. The event must be one that IsEvent knows.
type EmbeddedHook struct {
	Event string
	// Timeout is for how many seconds the event does not call again.
	Timeout int64
	// Hook is the document of the webhook.
	Hook Document
}

// EmbedHooks returns the document of an API with webhooks among the handlers of events, which is where gateways look
// for them: each over the handler with the same webhook where there is one. Handlers that say the same already stay as
// they are, byte for byte.
func (d Document) EmbedHooks(hooks []EmbeddedHook) Document {
	const path = def + "event_handlers.events"
	events := Document("{}")
	if e := d.Get(path); e.IsObject() {
		events = Document(e.Raw)
	}
	// What changes is the list of events alone, not the document, which may have megabytes.
	next := events
	for _, h := range hooks {
		next = next.embedHook(h.Event, h.Timeout, h.Hook)
	}
	if bytes.Equal(next, events) {
		return d
	}
	return d.SetRaw(path, next)
}

// embedHook does so for one webhook in the object that holds the handlers of each event.
func (d Document) embedHook(event string, timeout int64, hook Document) Document {
	const handler = "eh_web_hook_handler"
	id := hook.Text("id")
	meta := Document("{}").Set("_id", id).Set("id", id).Set("name", hook.Text("name")).Set("org_id", hook.Text("org_id")).
		Set(
			"method",
			hook.Text("method"),
		).Set("target_path", hook.Text("target_path")).Set("template_path", hook.Text("template_path")).
		Set("event_timeout", timeout)
	headers := "{}"
	if h := hook.Get("header_map"); h.IsObject() {
		headers = h.Raw
	}
	meta = meta.SetRaw("header_map", []byte(headers))
	path := event
	at := -1
	for i, h := range d.Get(path).Array() {
		m := h.Get("handler_meta")
		if h.Get("handler_name").Str != handler || cmp.Or(m.Get("id").Str, m.Get("_id").Str) != id ||
			m.Get("target_path").Str != hook.Text("target_path") && id == ZeroID {
			continue
		}
		if sameHook(m, meta) {
			return d
		}
		at = i
		break
	}
	doc := d
	if !doc.Get(path).IsArray() {
		doc = doc.SetRaw(path, []byte("[]"))
	}
	return doc.SetRaw(
		fmt.Sprintf("%s.%d", path, at),
		Document(`{"handler_name":"`+handler+`"}`).SetRaw("handler_meta", meta),
	)
}

func sameHook(m gjson.Result, meta Document) bool {
	for _, field := range []string{"name", "method", "target_path", "template_path", "event_timeout"} {
		if m.Get(field).String() != meta.Get(field).String() {
			return false
		}
	}
	ours, theirs := meta.Get("header_map").Map(), m.Get("header_map").Map()
	return maps.EqualFunc(ours, theirs, func(a, b gjson.Result) bool { return a.String() == b.String() })
}
