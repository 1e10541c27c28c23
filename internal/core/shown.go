package core

import "github.com/tidwall/gjson"

// shownFields are the fields of a definition that tools read of every API, beside its id and name: the dashboard that
// they were written for shows all fields that it knows of, set or not.
var shownFields = []struct{ parent, path, empty string }{
	{"", def + "active", "false"},
	{"", def + "tags", "[]"},
	{"", def + "event_handlers", `{"events":{}}`},
	{def + "event_handlers", def + "event_handlers.events", "{}"},
}

// ShownDefinition adds to the wrapped document of an API what tools expect of each, where it is absent; what is there
// stays as it is. old is what the document replaces, nil for nothing: a field that it lacks is not added, so that a save
// without an edit changes nothing.
func ShownDefinition(doc Document, old *Api) Document {
	for _, f := range shownFields {
		if old != nil && !old.Definition.Get(f.path).Exists() || doc.Get(f.path).Exists() {
			continue
		}
		if f.parent != "" && doc.Get(f.parent).Type == gjson.Null {
			continue // a null that was sent
		}
		doc = doc.SetRaw(f.path, []byte(f.empty))
	}
	return doc
}
