package access

import (
	"bytes"
	"encoding/json"
	"regexp/syntax"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

// maxValues is how many URLs, versions, methods, types or fields a list of an entry may have.
const maxValues = 1000

// Write replaces the access rights of a document: by all of some APIs, or by entries, of which one whose API has an
// entry already keeps what Input has no field for. With neither, nil and nil, they stay. The names of the APIs follow
// in reference.Names.Described. The rights are written in one go: set one by one, the document would be copied as often
// as it has rights.
func Write(doc core.Document, apiIDs []string, entries []*Input) (core.Document, error) {
	switch {
	case apiIDs != nil && entries != nil:
		return nil, core.Errorf(core.CodeInvalid, "apiIds and accessRights both replace the access rights: leave out "+
			"apiIds where you set more of an API than that it is open, else accessRights").In(rights)
	case apiIDs != nil:
		return opened(doc, apiIDs)
	case entries != nil:
		return written(doc, entries)
	}
	return doc, nil
}

// opened is a document with access to all of some APIs.
func opened(doc core.Document, apiIDs []string) (core.Document, error) {
	var w writer
	seen := make(map[string]bool, len(apiIDs))
	for _, id := range apiIDs {
		if !core.IsApiID(id) {
			return nil, core.Errorf(core.CodeInvalid, "apiIds must hold public ids of APIs, not %q", core.Clip(id)).
				In(rights + "." + id)
		}
		if !seen[id] {
			seen[id] = true
			w.entry(&Input{ApiID: id}, "")
		}
	}
	return w.in(doc), nil
}

// written is a document with entries as its access rights.
func written(doc core.Document, entries []*Input) (core.Document, error) {
	first := make(map[string]int, len(entries))
	for i, in := range entries {
		if err := in.check(i); err != nil {
			return nil, err
		}
		if at, twice := first[in.ApiID]; twice {
			return nil, invalid(i, "", "names the API %s twice, here and at %d: leave one out", in.ApiID, at)
		}
		first[in.ApiID] = i
	}
	stored := make(map[string]string, len(entries))
	if all := doc.Get(rights); all.IsObject() {
		all.ForEach(func(id, entry gjson.Result) bool {
			if _, given := first[id.Str]; given {
				stored[id.Str] = entry.Raw
			}
			return true
		})
	}
	var w writer
	for _, in := range entries {
		w.entry(in, stored[in.ApiID])
	}
	return w.in(doc), nil
}

// check holds for what gateways could not go by.
func (in *Input) check(i int) error {
	if !core.IsApiID(in.ApiID) {
		return invalid(i, "."+apiID, "must be the public id of an API, not %q", core.Clip(in.ApiID))
	}
	for _, list := range []struct {
		name string
		len  int
	}{
		{versions, len(in.Versions)},
		{allowedURLs, len(in.AllowedURLs)},
		{restrictedTypes, len(in.RestrictedTypes)},
		{allowedTypes, len(in.AllowedTypes)},
	} {
		if err := few(i, "."+list.name, list.len); err != nil {
			return err
		}
	}
	for n, u := range in.AllowedURLs {
		at := "." + allowedURLs + "[" + strconv.Itoa(n) + "]"
		if err := few(i, at+".methods", len(u.Methods)); err != nil {
			return err
		}
		if len(u.Methods) == 0 {
			return invalid(i, at+".methods", "must name a method: gateways let nothing through by a URL without one")
		}
		// Parsing says whether gateways can compile it, and costs no more than its length: compiling is not bounded so.
		if _, err := syntax.Parse(u.URL, syntax.Perl); err != nil || u.URL == "" {
			return invalid(i, at+".url", "must be a regular expression for paths such as ^/pets, not %q: "+
				"gateways cannot go by it", core.Clip(u.URL))
		}
	}
	for name, types := range map[string][]*Type{restrictedTypes: in.RestrictedTypes, allowedTypes: in.AllowedTypes} {
		for n, t := range types {
			if err := few(i, "."+name+"["+strconv.Itoa(n)+"].fields", len(t.Fields)); err != nil {
				return err
			}
		}
	}
	if l := in.Limit; l != nil && !(finite(l.Rate) && finite(l.Per) && finite(l.ThrottleInterval)) {
		return invalid(i, "."+limit, "must have numbers that 64 bits can hold")
	}
	return nil
}

func few(i int, path string, n int) error {
	if n > maxValues {
		return invalid(i, path, "must have at most %d entries, not %d", maxValues, n)
	}
	return nil
}

// invalid refuses a part of an entry.
func invalid(i int, path, format string, args ...any) error {
	return core.InField(rights+"["+strconv.Itoa(i)+"]"+path, format, args...)
}

// writer writes access rights.
type writer struct{ out []byte }

func (w *writer) in(doc core.Document) core.Document {
	if len(w.out) == 0 {
		w.out = append(w.out, '{')
	}
	return doc.SetRaw(rights, append(w.out, '}'))
}

// entry writes an entry over the stored one, "" for none.
func (w *writer) entry(in *Input, stored string) {
	name := `""`
	before := gjson.Parse(stored)
	if before.IsObject() {
		if given := before.Get(apiName); given.Type == gjson.String {
			name = given.Raw
		}
	}
	open := in.Versions
	if open == nil {
		open = []string{"Default"}
	}
	fields := []field{
		{apiID, quoted(in.ApiID)}, {apiName, name}, {versions, raw(open)}, {name: allowedURLs}, {name: restrictedTypes},
		{name: allowedTypes}, {name: limit}, {name: disableIntrospection},
	}
	if in.AllowedURLs != nil {
		fields[3].raw = listed(in.AllowedURLs, func(u *AllowedURL) []field {
			return []field{{"url", quoted(u.URL)}, {"methods", raw(u.Methods)}}
		})
	}
	fields[4].raw, fields[5].raw = ofTypes(in.RestrictedTypes), ofTypes(in.AllowedTypes)
	if in.Limit != nil {
		fields[6].raw = over(before.Get(limit), in.Limit.fields())
	}
	if in.DisableIntrospection != nil {
		fields[7].raw = strconv.FormatBool(*in.DisableIntrospection)
	}
	if len(w.out) == 0 {
		w.out = append(w.out, '{')
	} else {
		w.out = append(w.out, ',')
	}
	w.out = append(w.out, quoted(in.ApiID)...)
	w.out = append(w.out, ':')
	w.out = append(w.out, over(before, fields)...)
}

func (l *Limit) fields() []field {
	float := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	integer := func(n int64) string { return strconv.FormatInt(n, 10) }
	return []field{
		{rate, float(l.Rate)}, {per, float(l.Per)},
		{throttleInterval, float(l.ThrottleInterval)}, {throttleRetryLimit, integer(l.ThrottleRetryLimit)},
		{maxQueryDepth, integer(l.MaxQueryDepth)},
		{quotaMax, integer(l.QuotaMax)}, {quotaRenewalRate, integer(l.QuotaRenewalRate)},
	}
}

// field is a field of an object as JSON text; "" is left out.
type field struct{ name, raw string }

// over is an object in which fields replace those of their names, in place; new ones are added behind, and the others
// stay as they are. Another spelling of a name goes, since gateways would read it as the field.
func over(object gjson.Result, fields []field) string {
	out, done := []byte{'{'}, make([]bool, len(fields))
	add := func(name, value string) {
		if value == "" {
			return
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	if object.IsObject() {
		object.ForEach(func(name, value gjson.Result) bool {
			for i, f := range fields {
				if !strings.EqualFold(name.Str, f.name) {
					continue
				}
				if !done[i] {
					done[i] = true
					add(quoted(f.name), f.raw)
				}
				return true
			}
			add(name.Raw, value.Raw)
			return true
		})
	}
	for i, f := range fields {
		if !done[i] {
			add(quoted(f.name), f.raw)
		}
	}
	return string(append(out, '}'))
}

func ofTypes(types []*Type) string {
	if types == nil {
		return ""
	}
	return listed(types, func(t *Type) []field { return []field{{"name", quoted(t.Name)}, {"fields", raw(t.Fields)}} })
}

// listed is a list of objects.
func listed[T any](all []*T, fields func(*T) []field) string {
	var out strings.Builder
	out.WriteByte('[')
	for i, one := range all {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(over(gjson.Result{}, fields(one)))
	}
	out.WriteByte(']')
	return out.String()
}

// raw is the JSON text of texts, an empty list for none.
func raw(texts []string) string {
	if texts == nil {
		texts = []string{}
	}
	return encoded(texts)
}

func quoted(s string) string { return encoded(s) }

// encoded keeps <, > and & as they are: in regular expressions people would not know them again.
func encoded(v any) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // texts can always be written
	return strings.TrimSuffix(out.String(), "\n")
}
