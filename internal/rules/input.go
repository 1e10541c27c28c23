package rules

import (
	"encoding/json"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

// input is the question as texts read it. What a text does not look at is not converted: the body above all.
func (q *Question) input() ast.Value {
	request := map[string]any{"method": q.Method, "path": q.Path, "header": q.Header}
	if q.Body != nil {
		request["body"] = q.Body
	}
	rows := make([]*ast.Term, len(q.Permissions))
	for i, row := range q.Permissions {
		rows[i] = ast.ObjectTerm(
			ast.Item(ast.InternedTerm("permission"), ast.StringTerm(row.Permission)),
			ast.Item(ast.InternedTerm("rx"), ast.StringTerm(row.Expression)),
		)
	}
	return ast.LazyObject(map[string]any{
		"user":        valueOf(q.User),
		"permissions": ast.NewArray(rows...),
		"request":     request,
		"config": map[string]any{
			"allow_admin_reset_password": q.AllowAdminResetPassword,
			"security":                   map[string]any{"allow_admin_reset_password": q.AllowAdminResetPassword},
		},
	})
}

// shown is the question as one JSON object, for the log and for playgrounds. Who made it has left secrets out of the
// user and the header; those of the body go here.
func (q *Question) shown() []byte {
	rows := []map[string]string{}
	for _, row := range q.Permissions {
		rows = append(rows, map[string]string{"permission": row.Permission, "rx": row.Expression})
	}
	raw, _ := json.Marshal(map[string]any{
		"user": q.User, "permissions": rows,
		"request": map[string]any{"method": q.Method, "path": q.Path, "header": q.Header, "body": redacted(q.Body)},
		"config": map[string]any{
			"allow_admin_reset_password": q.AllowAdminResetPassword,
			"security":                   map[string]any{"allow_admin_reset_password": q.AllowAdminResetPassword},
		},
	})
	return raw
}

// value is a JSON value as texts read it.
func value(r gjson.Result) ast.Value {
	switch {
	case r.IsObject():
		var items [][2]*ast.Term
		r.ForEach(func(name, v gjson.Result) bool {
			items = append(items, ast.Item(ast.InternedTerm(name.Str), ast.NewTerm(value(v))))
			return true
		})
		return ast.NewObject(items...)
	case r.IsArray():
		var items []*ast.Term
		r.ForEach(func(_, v gjson.Result) bool {
			items = append(items, ast.NewTerm(value(v)))
			return true
		})
		return ast.NewArray(items...)
	}
	switch r.Type {
	case gjson.True:
		return ast.Boolean(true)
	case gjson.False:
		return ast.Boolean(false)
	case gjson.Number:
		return ast.Number(json.Number(r.Raw))
	case gjson.String:
		return ast.String(r.Str)
	}
	return ast.NullValue
}

func valueOf(d core.Document) ast.Value { return value(gjson.ParseBytes(d)) }
