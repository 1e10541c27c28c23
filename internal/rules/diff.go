package rules

import (
	"encoding/json"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

// Most rules that compare do so with two documents that are at hand as JSON: what TykAPIGet read, and the body of the
// request. These are compared as they are, and only what differs becomes a value.

// diffToBody is the name under which TykDiff is called where its second argument is input.request.body: then the body
// need not be a value. No text can name it.
const diffToBody = "guarded.diff_to_body"

// patch is the merge patch (RFC 7396) that makes after of before, as a value.
func patch(before, after gjson.Result) ast.Value {
	if !before.IsObject() || !after.IsObject() {
		return value(after)
	}
	had, has := fields(before), fields(after)
	var items [][2]*ast.Term
	after.ForEach(func(name, v gjson.Result) bool {
		was, there := had[name.Str]
		if !there {
			items = append(items, ast.Item(ast.StringTerm(name.Str), ast.NewTerm(value(v))))
		} else if !alike(was, v) {
			items = append(items, ast.Item(ast.StringTerm(name.Str), ast.NewTerm(patch(was, v))))
		}
		return true
	})
	before.ForEach(func(name, _ gjson.Result) bool {
		if _, stays := has[name.Str]; !stays {
			items = append(items, ast.Item(ast.StringTerm(name.Str), ast.NullTerm()))
		}
		return true
	})
	return ast.NewObject(items...)
}

func fields(object gjson.Result) map[string]gjson.Result {
	out := map[string]gjson.Result{}
	object.ForEach(func(name, v gjson.Result) bool {
		out[name.Str] = v
		return true
	})
	return out
}

// alike tells whether two JSON values are the same, however they are written.
func alike(a, b gjson.Result) bool {
	switch {
	case a.Raw == b.Raw:
		return true
	case a.Type != b.Type || a.IsArray() != b.IsArray():
		return false
	case a.IsObject():
		had, n := fields(a), 0
		same := true
		b.ForEach(func(name, v gjson.Result) bool {
			was, there := had[name.Str]
			same = there && alike(was, v)
			n++
			return same
		})
		return same && n == len(had)
	case a.IsArray():
		was, is := a.Array(), b.Array()
		for i := range was {
			if len(was) != len(is) || !alike(was[i], is[i]) {
				return false
			}
		}
		return len(was) == len(is)
	case a.Type == gjson.Number:
		return ast.Number(a.Raw).Compare(ast.Number(b.Raw)) == 0
	}
	return a.Str == b.Str
}

// lazy is a document as a value of which only what is looked at is converted.
func lazy(d core.Document) ast.Value {
	if whole := gjson.ParseBytes(d); whole.IsObject() {
		object, _ := native(whole).(map[string]any)
		return ast.LazyObject(object)
	}
	return valueOf(d)
}

// native is a JSON value as Go has it, with numbers as they are written.
func native(r gjson.Result) any {
	switch {
	case r.IsObject():
		out := map[string]any{}
		r.ForEach(func(name, v gjson.Result) bool {
			out[name.Str] = native(v)
			return true
		})
		return out
	case r.IsArray():
		out := []any{}
		r.ForEach(func(_, v gjson.Result) bool {
			out = append(out, native(v))
			return true
		})
		return out
	}
	switch r.Type {
	case gjson.True, gjson.False:
		return r.Bool()
	case gjson.Number:
		return json.Number(r.Raw)
	case gjson.String:
		return r.Str
	}
	return nil
}

// defines tells whether a module has rules of a name of its own.
func defines(module *ast.Module, name string) bool {
	return slices.ContainsFunc(module.Rules, func(r *ast.Rule) bool {
		head := r.Head.Ref()
		return len(head) > 0 && head[0].String() == name
	})
}

// rewriteDiffs has a module call diffToBody where it compares with the body. Below a not, a call without a value says
// something else than an argument without one, so nothing is changed there.
func rewriteDiffs(module *ast.Module) {
	body := ast.MustParseRef("input.request.body")
	name := ast.MustParseRef(diffToBody)
	rewrite := func(terms []*ast.Term) []*ast.Term {
		if len(terms) < 3 {
			return terms
		}
		if called, ok := terms[0].Value.(ast.Ref); !ok || called.String() != "TykDiff" {
			return terms
		}
		if to, ok := terms[2].Value.(ast.Ref); !ok || !to.Equal(body) {
			return terms
		}
		renamed := &ast.Term{Value: name.Copy(), Location: terms[0].Location}
		return append([]*ast.Term{renamed, terms[1]}, terms[3:]...)
	}
	ast.NewGenericVisitor(func(x any) bool {
		switch x := x.(type) {
		case *ast.Expr:
			if x.Negated || len(x.With) > 0 {
				return true
			}
			if terms, ok := x.Terms.([]*ast.Term); ok {
				x.Terms = rewrite(terms)
			}
		case *ast.Term:
			if call, ok := x.Value.(ast.Call); ok {
				x.Value = ast.Call(rewrite(call))
			}
		}
		return false
	}).Walk(module)
}
