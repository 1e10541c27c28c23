package graph

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"gatehouse/internal/authz"
)

// gate is the executor with our own way in: a query is parsed, measured, and only then validated. The executor's own
// way would validate first, in a time that the text decides.
type gate struct {
	*executor.Executor
	schema    *ast.Schema
	limits    Limits
	documents *documents
	// open are the root fields that strangers may ask for.
	open map[string]bool
}

var _ graphql.GraphExecutor = (*gate)(nil)

// CreateOperationContext implements graphql.GraphExecutor.
func (g *gate) CreateOperationContext(
	ctx context.Context,
	params *graphql.RawParams,
) (*graphql.OperationContext, gqlerror.List) {
	doc, errs := g.prepare(ctx, params)
	if errs != nil {
		return &graphql.OperationContext{RawQuery: params.Query, OperationName: params.OperationName}, errs
	}
	return g.Executor.CreateOperationContext(context.WithValue(ctx, preparedKey{}, doc.ast), params)
}

// prepare finds the document of a query, or what is wrong with it.
func (g *gate) prepare(ctx context.Context, params *graphql.RawParams) (*document, gqlerror.List) {
	known := authz.From(ctx).Known()
	doc := g.documents.get(params.Query)
	fresh := doc == nil || !known && !doc.strangers
	if fresh {
		var err *gqlerror.Error
		if doc, err = parse(params.Query, known); err != nil {
			return nil, gqlerror.List{err}
		}
	}
	if op := doc.ast.Operations.ForName(params.OperationName); op != nil {
		if !known && !onlyForStrangers(doc.ast, op, g.open) {
			return nil, gqlerror.List{unauthenticated()}
		}
		if err := g.limits.check(doc.shape.operations[op]); err != nil {
			return nil, gqlerror.List{err}
		}
	}
	if !fresh {
		return doc, nil
	}
	b := boundsOfCallers()
	if !known {
		b = boundsOfStrangers()
	}
	if err := doc.shape.check(doc.ast, b); err != nil {
		return nil, gqlerror.List{err}
	}
	if errs := validate(g.schema, doc); errs != nil {
		return nil, errs
	}
	doc.strangers = !known
	g.documents.add(doc)
	return doc, nil
}

// unauthenticated is the answer to an operation of nobody.
func unauthenticated() *gqlerror.Error {
	return asQueryError(authz.Unauthenticated())
}

// parse reads and measures the text of a query.
func parse(text string, known bool) (*document, *gqlerror.Error) {
	b := boundsOfCallers()
	if !known {
		b = boundsOfStrangers()
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, b.tokens)
	if err != nil {
		e := asQueryError(err)
		if strings.HasPrefix(e.Message, "exceeded token limit") {
			return nil, overLimit(
				"the query is over the token limit of %d: ask in several queries, and send values as variables",
				b.tokens,
			)
		}
		errcode.Set(e, errcode.ParseFailed)
		return nil, e
	}
	if len(doc.Operations) == 0 {
		e := gqlerror.Errorf("no operation provided")
		errcode.Set(e, errcode.ValidationFailed)
		return nil, e
	}
	return &document{text: text, ast: doc, shape: measure(doc)}, nil
}

// openFields are the names of the root fields that are for those who are about to say who they are.
func openFields() map[string]bool {
	open := map[string]bool{}
	for name, op := range Operations() {
		open[name] = op.Permission == authz.PermissionOpen
	}
	return open
}

// onlyForStrangers tells whether an operation selects nothing at its root but the schema and what is open to everybody.
func onlyForStrangers(doc *ast.QueryDocument, op *ast.OperationDefinition, open map[string]bool) bool {
	seen := map[string]bool{}
	var only func(ast.SelectionSet) bool
	only = func(set ast.SelectionSet) bool {
		for _, s := range set {
			switch s := s.(type) {
			case *ast.Field:
				if !aboutSchema(s.Name) && s.Name != "__typename" && !open[s.Name] {
					return false
				}
			case *ast.InlineFragment:
				if !only(s.SelectionSet) {
					return false
				}
			case *ast.FragmentSpread:
				if seen[s.Name] {
					continue
				}
				seen[s.Name] = true
				if f := doc.Fragments.ForName(s.Name); f != nil && !only(f.SelectionSet) {
					return false
				}
			}
		}
		return true
	}
	return only(op.SelectionSet)
}

const (
	// maxErrors is how many faults of a query are told.
	maxErrors = 10
	// maxSuggested is the longest name or text for which similar ones are searched.
	maxSuggested = 100
)

// validate checks a document against the schema. It stops at maxErrors faults: one more may cost as much as a whole
// valid query.
func validate(schema *ast.Schema, doc *document) (errs gqlerror.List) {
	defer func() {
		if r := recover(); r != nil {
			if _, full := r.(tooManyErrors); !full {
				panic(r)
			}
			errs = append(errs, gqlerror.Errorf("there is more wrong with the query"))
		}
		for _, e := range errs {
			e.Message = clip(e.Message, maxMessage)
			errcode.Set(e, errcode.ValidationFailed)
		}
	}()
	set := rules.NewRules()
	for name, rule := range rulesFor(doc.shape).GetInner() {
		set.AddRule(name, func(observers *core.Events, addError core.AddErrFunc) {
			rule(observers, func(options ...core.ErrorOption) {
				e := &gqlerror.Error{Rule: name}
				for _, option := range options {
					option(e)
				}
				if errs = append(errs, e); len(errs) == maxErrors {
					panic(tooManyErrors{})
				}
			})
		})
	}
	_ = validator.ValidateWithRules(schema, doc.ast, set) // the rules above gather their errors themselves
	return errs
}

// tooManyErrors leaves the walk of the validator, which knows no other way to stop.
type tooManyErrors struct{}

// rulesFor returns the rules of validation. Those that search for similar names leave that out where a name is very
// long.
func rulesFor(s shape) *rules.Rules {
	set := rules.NewDefaultRules()
	if max(s.name, s.literal) <= maxSuggested {
		return set
	}
	for _, r := range []struct{ with, without core.Rule }{
		{rules.FieldsOnCorrectTypeRule, rules.FieldsOnCorrectTypeRuleWithoutSuggestions},
		{rules.KnownArgumentNamesRule, rules.KnownArgumentNamesRuleWithoutSuggestions},
		{rules.KnownTypeNamesRule, rules.KnownTypeNamesRuleWithoutSuggestions},
		{rules.ValuesOfCorrectTypeRule, rules.ValuesOfCorrectTypeRuleWithoutSuggestions},
	} {
		set.ReplaceRule(r.with.Name, r.without.RuleFunc)
	}
	return set
}

// preparedKey finds the document in the context of an operation.
type preparedKey struct{}

// prepared hands the executor the document that was prepared for it: the executor asks its cache before it parses and
// validates, and so never does.
type prepared struct{}

var _ graphql.Cache[*ast.QueryDocument] = prepared{}

// Get implements graphql.Cache.
func (prepared) Get(ctx context.Context, _ string) (*ast.QueryDocument, bool) {
	doc, ok := ctx.Value(preparedKey{}).(*ast.QueryDocument)
	return doc, ok
}

// Add implements graphql.Cache.
func (prepared) Add(context.Context, string, *ast.QueryDocument) {}
