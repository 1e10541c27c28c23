package audit

import (
	"encoding/json"
	"fmt"

	"github.com/tidwall/gjson"
)

// Change is what became of an object: Before is nil for a new one, After for one that went.
type Change struct {
	Object        string
	Before, After []byte
}

// Diff is what changes did, by object: {"Api/1": {"before": …, "after": …}}. Of an object that stays, before and after
// are merge patches (RFC 7396): after makes what it is of what it was, before undoes it. Secrets are taken out; that
// one changed is still seen, unless it is a password's, of which it is seen that it was set.
func (r *Redactor) Diff(changes []Change) json.RawMessage {
	var out []byte
	for _, c := range changes {
		before, after := r.sides(c)
		if before == nil && after == nil {
			continue
		}
		if out == nil {
			out = append(out, '{')
		} else {
			out = append(out, ',')
		}
		out = append(appendString(out, c.Object), `:{`...)
		if before != nil {
			out = append(append(out, `"before":`...), before...)
		}
		if after != nil {
			if before != nil {
				out = append(out, ',')
			}
			out = append(append(out, `"after":`...), after...)
		}
		out = append(out, '}')
	}
	if out == nil {
		return nil
	}
	return append(out, '}')
}

// maxGone is the longest object whose contents are recorded when it goes: on a full disk, what makes room must not need
// it for its record.
const maxGone = 16 << 10

func (r *Redactor) sides(c Change) (before, after []byte) {
	switch {
	case len(c.Before) == 0 && len(c.After) == 0:
		return nil, nil
	case len(c.Before) == 0:
		return nil, r.JSON(c.After)
	case len(c.After) == 0 && len(c.Before) > maxGone:
		return fmt.Appendf(nil, `{"left_out_bytes":%d}`, len(c.Before)), nil
	case len(c.After) == 0:
		return r.JSON(c.Before), nil
	}
	if !gjson.ValidBytes(c.Before) || !gjson.ValidBytes(c.After) {
		return r.JSON(c.Before), r.JSON(c.After)
	}
	return r.patches("", gjson.ParseBytes(c.Before), gjson.ParseBytes(c.After), 0)
}

// patches are the merge patches from one object to another, and back; nil where they are the same.
func (r *Redactor) patches(name string, a, b gjson.Result, depth int) (before, after []byte) {
	if a.Raw == b.Raw {
		return nil, nil
	}
	if !a.IsObject() || !b.IsObject() || depth > maxDepth || IsSecret(name) {
		return r.value(nil, name, a, depth), r.value(nil, name, b, depth)
	}
	was := map[string]gjson.Result{}
	a.ForEach(func(key, v gjson.Result) bool { was[key.Str] = v; return true })
	b.ForEach(func(key, v gjson.Result) bool {
		field, old := r.fieldName(name, key), was[key.Str]
		delete(was, key.Str)
		if !old.Exists() {
			before, after = member(before, field, []byte("null")), member(after, field, r.value(nil, key.Str, v, depth+1))
			return true
		}
		if one, two := r.patches(key.Str, old, v, depth+1); one != nil || two != nil {
			before, after = member(before, field, one), member(after, field, two)
		}
		return true
	})
	a.ForEach(func(key, v gjson.Result) bool {
		if _, gone := was[key.Str]; gone {
			field := r.fieldName(name, key)
			before, after = member(before, field, r.value(nil, key.Str, v, depth+1)), member(after, field, []byte("null"))
		}
		return true
	})
	if before == nil && after == nil {
		return nil, nil
	}
	return append(before, '}'), append(after, '}')
}

// member appends a field to the beginning of an object.
func member(object, field, value []byte) []byte {
	if value == nil {
		value = []byte("{}")
	}
	if object == nil {
		object = append(object, '{')
	} else {
		object = append(object, ',')
	}
	return append(append(append(object, field...), ':'), value...)
}
