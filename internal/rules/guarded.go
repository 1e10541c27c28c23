package rules

import (
	"errors"
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/types"
)

// Values of a text share their parts, so that a few lines name a value that would fill the memory as soon as a function
// writes it out, or puts it beside itself; and nothing stops a function in its middle. So those functions whose results
// can be larger than what they are given are called by another name, under which they look at that first.

// guardedPrefix is what the names of guarded functions begin with; no text can name one.
const guardedPrefix = "guarded."

// The bounds of what a guarded function is given: how many values, with a text counting for one each eight bytes, and
// how many digits a number has.
const maxParts, maxDigits = 1 << 18, 1000

var errTooMuch = errors.New("it was given too much")

// growing are the functions whose results can be larger than what they are given.
func growing() []string {
	return strings.Fields(`
		plus minus mul div rem sum product round ceil floor abs
		concat sprintf format_int replace strings.replace_n strings.reverse lower upper split indexof_n
		array.concat array.slice array.reverse object.union object.remove object.filter sort
		json.marshal json.unmarshal json.filter json.remove json.patch
		regex.split regex.find_n regex.find_all_string_submatch_n regex.replace
		base64.encode base64.decode base64url.encode base64url.encode_no_pad base64url.decode
		urlquery.encode urlquery.decode urlquery.decode_object hex.encode hex.decode crypto.sha256
		and or intersection union set_diff
	`)
}

// guarded are those functions under their other names.
func guarded() []func(*rego.Rego) {
	var out []func(*rego.Rego)
	for _, name := range growing() {
		decl, call := ast.BuiltinMap[name], topdown.GetBuiltin(name)
		args := decl.Decl.FuncArgs()
		out = append(out, rego.FunctionDyn(
			&rego.Function{Name: guardedPrefix + name, Decl: types.NewFunction(args.Args, decl.Decl.Result())},
			func(b rego.BuiltinContext, terms []*ast.Term) (result *ast.Term, err error) {
				left := maxParts
				for _, term := range terms {
					if left = parts(term.Value, left); left < 0 {
						return nil, rego.NewHaltError(fmt.Errorf("%s: %w", name, errTooMuch))
					}
				}
				err = call(b, terms, func(t *ast.Term) error {
					result = t
					return nil
				})
				return result, err
			},
		))
	}
	return out
}

// parts takes what a value is from how much is left, and stops where that is less than nothing: a value whose parts are
// shared has more of them than there is memory.
func parts(v ast.Value, left int) int {
	if left--; left < 0 {
		return left
	}
	switch v := v.(type) {
	case ast.String:
		return left - len(v)/8
	case ast.Number:
		if len(v) > maxDigits || exponent(string(v)) > maxDigits {
			return -1
		}
	case *ast.Array:
		for i := 0; i < v.Len() && left >= 0; i++ {
			left = parts(v.Elem(i).Value, left)
		}
	case ast.Object:
		_ = v.Iter(func(name, value *ast.Term) error {
			if left = parts(name.Value, left); left >= 0 {
				left = parts(value.Value, left)
			}
			if left < 0 {
				return errTooMuch
			}
			return nil
		})
	case ast.Set:
		_ = v.Iter(func(member *ast.Term) error {
			if left = parts(member.Value, left); left < 0 {
				return errTooMuch
			}
			return nil
		})
	}
	return left
}

// exponent is that of a number such as 1e100, without its sign.
func exponent(number string) int {
	i := strings.IndexAny(number, "eE")
	if i < 0 {
		return 0
	}
	n := 0
	for _, digit := range strings.TrimLeft(number[i+1:], "+-") {
		if n = n*10 + int(digit-'0'); n > maxDigits {
			break
		}
	}
	return n
}

// guard has a module call guarded functions by their other names, unless it has rules of that name.
func guard(module *ast.Module) {
	names := map[string]ast.Ref{}
	for _, name := range growing() {
		names[name] = ast.MustParseRef(guardedPrefix + name)
	}
	for _, rule := range module.Rules {
		if head := rule.Head.Ref(); len(head) > 0 {
			delete(names, head[0].String())
		}
	}
	rename := func(t *ast.Term) {
		if ref, ok := t.Value.(ast.Ref); ok {
			if to, known := names[ref.String()]; known {
				t.Value = to.Copy()
			}
		}
	}
	ast.NewGenericVisitor(func(x any) bool {
		switch x := x.(type) {
		case *ast.Expr:
			if terms, ok := x.Terms.([]*ast.Term); ok && len(terms) > 0 {
				rename(terms[0])
			}
			for _, with := range x.With {
				rename(with.Target)
				rename(with.Value)
			}
		case ast.Call:
			rename(x[0])
		}
		return false
	}).Walk(module)
}
