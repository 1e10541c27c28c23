package rules

import (
	"context"
	"errors"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/types"
	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

// evaluation is what the functions of one run share.
type evaluation struct {
	question *Question
	got      map[string]got
}

type got struct {
	document core.Document
	value    *ast.Term
}

type evaluationKey struct{}

// functions are those that texts have beside the ones of the language.
func functions() []func(*rego.Rego) {
	tells := func(name string, is func(kind) bool) func(*rego.Rego) {
		return rego.FunctionDyn(
			&rego.Function{Name: name, Decl: types.NewFunction(nil, types.B), Nondeterministic: true},
			func(b rego.BuiltinContext, _ []*ast.Term) (*ast.Term, error) {
				run, err := running(b)
				if err != nil {
					return nil, err
				}
				of, err := run.kind(b.Context)
				return ast.BooleanTerm(is(of)), err
			},
		)
	}
	return []func(*rego.Rego){
		rego.Function1(
			&rego.Function{Name: "TykAPIGet", Decl: types.NewFunction(types.Args(types.S), types.A), Nondeterministic: true},
			func(b rego.BuiltinContext, path *ast.Term) (*ast.Term, error) {
				run, err := running(b)
				if err != nil {
					return nil, err
				}
				name, ok := path.Value.(ast.String)
				if !ok {
					return nil, nil
				}
				found, err := run.get(b.Context, string(name))
				return found.value, err
			},
		),
		rego.Function2(
			&rego.Function{Name: "TykDiff", Decl: types.NewFunction(types.Args(types.A, types.A), types.A)},
			func(_ rego.BuiltinContext, before, after *ast.Term) (*ast.Term, error) {
				if parts(before.Value, maxParts) < 0 || parts(after.Value, maxParts) < 0 {
					return nil, rego.NewHaltError(errTooMuch)
				}
				return ast.NewTerm(diff(before.Value, after.Value)), nil
			},
		),
		rego.Function1(
			&rego.Function{Name: diffToBody, Decl: types.NewFunction(types.Args(types.A), types.A), Nondeterministic: true},
			func(b rego.BuiltinContext, before *ast.Term) (*ast.Term, error) {
				run, err := running(b)
				if err != nil || run.question.Body == nil {
					return nil, err
				}
				if known := run.document(before.Value); known != nil {
					return ast.NewTerm(patch(gjson.ParseBytes(known), gjson.ParseBytes(run.question.Body))), nil
				}
				if parts(before.Value, maxParts) < 0 {
					return nil, rego.NewHaltError(errTooMuch)
				}
				return ast.NewTerm(diff(before.Value, valueOf(run.question.Body))), nil
			},
		),
		tells("isTykClassic", func(k kind) bool { return k == classic }),
		tells("isTykOas", func(k kind) bool { return k == oas }),
		tells("isTykStreams", func(k kind) bool { return k == streams }),
	}
}

// running is the evaluation that a function is called in.
func running(b rego.BuiltinContext) (*evaluation, error) {
	run, ok := b.Context.Value(evaluationKey{}).(*evaluation)
	if !ok {
		return nil, rego.NewHaltError(errors.New("it is called outside of an evaluation"))
	}
	return run, nil
}

// get reads an object, each once. One that there is not, or that the user may not read, is an empty object, as an
// answer without it would be.
func (r *evaluation) get(ctx context.Context, path string) (got, error) {
	if found, ok := r.got[path]; ok {
		return found, nil
	}
	if len(r.got) == maxGets {
		return got{}, rego.NewHaltError(fmt.Errorf("it was asked for more than %d objects", maxGets))
	}
	found := got{value: ast.ObjectTerm()}
	if r.question.Get != nil {
		doc, err := r.question.Get(ctx, path)
		if err != nil {
			return got{}, rego.NewHaltError(err)
		}
		if doc != nil {
			found = got{doc, ast.NewTerm(lazy(doc))}
		}
	}
	if r.got == nil {
		r.got = map[string]got{}
	}
	r.got[path] = found
	return found, nil
}

// document is the one that a value is of which was read; nil for other values.
func (r *evaluation) document(v ast.Value) core.Document {
	for _, found := range r.got {
		if found.value.Value == v && found.document != nil {
			return found.document
		}
	}
	return nil
}

// kind is what an API is described in.
type kind int

const (
	none kind = iota
	classic
	oas
	streams
)

// kind is that of the API that the request is about: of its body, or else of the stored one.
func (r *evaluation) kind(ctx context.Context) (kind, error) {
	doc := r.question.Body
	if doc == nil {
		found, err := r.get(ctx, r.question.Path)
		if err != nil {
			return none, err
		}
		doc = found.document
	}
	switch {
	case doc.Get("x-tyk-streaming").Exists():
		return streams, nil
	case doc.Get("openapi").Exists(), doc.Get("x-tyk-api-gateway").Exists(), doc.Get("api_definition.is_oas").Bool():
		return oas, nil
	case doc.Get("api_definition").IsObject():
		return classic, nil
	}
	return none, nil
}

// diff is the merge patch (RFC 7396) that makes after of before.
func diff(before, after ast.Value) ast.Value {
	old, ok := before.(ast.Object)
	next, both := after.(ast.Object)
	if !ok || !both {
		return after
	}
	var items [][2]*ast.Term
	next.Foreach(func(name, v *ast.Term) {
		was := old.Get(name)
		if was == nil {
			items = append(items, ast.Item(name, v))
			return
		}
		if was.Value.Compare(v.Value) == 0 {
			return
		}
		items = append(items, ast.Item(name, ast.NewTerm(diff(was.Value, v.Value))))
	})
	old.Foreach(func(name, _ *ast.Term) {
		if next.Get(name) == nil {
			items = append(items, ast.Item(name, ast.NullTerm()))
		}
	})
	return ast.NewObject(items...)
}
