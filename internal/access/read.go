package access

import (
	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

// Right is an entry of access rights, for reading.
type Right struct {
	// OrgID is the organisation of the policy or key, in which the API is looked up.
	OrgID, ApiID string
	// Siblings is how many entries of each policy or key are answered together.
	Siblings int
	entry    core.Document
}

// Rights are the entries of a document for some APIs that its access rights name, in the order of ids.
func Rights(org string, doc core.Document, ids []string, siblings int) []*Right {
	at, out := make(map[string]*Right, len(ids)), make([]*Right, len(ids))
	for i, id := range ids {
		if at[id] == nil {
			at[id] = &Right{OrgID: org, ApiID: id, Siblings: max(siblings, len(ids))}
		}
		out[i] = at[id]
	}
	if all := doc.Get(rights); all.IsObject() {
		all.ForEach(func(id, entry gjson.Result) bool {
			if right := at[id.Str]; right != nil && entry.IsObject() {
				right.entry = core.Document(entry.Raw)
			}
			return true
		})
	}
	return out
}

// ApiName is the name that the API had when the entry was written.
func (r *Right) ApiName() string { return r.entry.Text(apiName) }

// Versions are the names of the versions that are open.
func (r *Right) Versions() []string { return texts(r.entry.Get(versions)) }

// AllowedURLs are all that may be called; any when there are none.
func (r *Right) AllowedURLs() []*AllowedURL {
	return objects(r.entry.Get(allowedURLs), func(o gjson.Result) *AllowedURL {
		return &AllowedURL{URL: text(o.Get("url")), Methods: texts(o.Get("methods"))}
	})
}

// RestrictedTypes are fields of GraphQL types that may not be asked for.
func (r *Right) RestrictedTypes() []*Type { return types(r.entry.Get(restrictedTypes)) }

// AllowedTypes are fields of GraphQL types that alone may be asked for; any when there are none.
func (r *Right) AllowedTypes() []*Type { return types(r.entry.Get(allowedTypes)) }

// DisableIntrospection tells whether the schema of a GraphQL API may not be asked for.
func (r *Right) DisableIntrospection() bool {
	return r.entry.Get(disableIntrospection).Type == gjson.True
}

// Limit is the limit of its own, nil when it has none. A number that is left out is 0, as gateways read it.
func (r *Right) Limit() *Limit {
	l := r.entry.Get(limit)
	if !l.IsObject() {
		return nil
	}
	return &Limit{
		Rate: number(l.Get(rate)), Per: number(l.Get(per)),
		ThrottleInterval: number(l.Get(throttleInterval)), ThrottleRetryLimit: whole(l.Get(throttleRetryLimit)),
		MaxQueryDepth: whole(l.Get(maxQueryDepth)),
		QuotaMax:      whole(l.Get(quotaMax)), QuotaRenewalRate: whole(l.Get(quotaRenewalRate)),
	}
}

func types(list gjson.Result) []*Type {
	return objects(list, func(o gjson.Result) *Type {
		return &Type{Name: text(o.Get("name")), Fields: texts(o.Get("fields"))}
	})
}

// objects are what read makes of the objects of a list.
func objects[T any](list gjson.Result, read func(gjson.Result) *T) []*T {
	out := []*T{}
	if list.IsArray() {
		list.ForEach(func(_, element gjson.Result) bool {
			if element.IsObject() {
				out = append(out, read(element))
			}
			return true
		})
	}
	return out
}

// texts are the strings of a list.
func texts(list gjson.Result) []string {
	out := []string{}
	if list.IsArray() {
		list.ForEach(func(_, element gjson.Result) bool {
			if element.Type == gjson.String {
				out = append(out, element.Str)
			}
			return true
		})
	}
	return out
}

func text(v gjson.Result) string {
	if v.Type == gjson.String {
		return v.Str
	}
	return ""
}

// number is a number that JSON can hold: 1e999 is none, and in a text there is none.
func number(v gjson.Result) float64 {
	if v.Type == gjson.Number && finite(v.Num) {
		return v.Num
	}
	return 0
}

func whole(v gjson.Result) int64 {
	if v.Type == gjson.Number && finite(v.Num) {
		return v.Int()
	}
	return 0
}
