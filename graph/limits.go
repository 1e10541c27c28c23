package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"gatehouse/graph/generated"
	"gatehouse/graph/model"
	"gatehouse/internal/core"
)

// Limits bound what one operation may ask for; 0 is no limit. Introspection is exempt from depth: its own queries are deep.
type Limits struct {
	// Depth is how deep fields may nest.
	Depth int
	// Complexity is how many fields may be answered, lists counted with the page size that is asked for.
	Complexity int
	// Aliases is how many fields may be given another name.
	Aliases int
}

var (
	_ graphql.HandlerExtension        = Limits{}
	_ graphql.OperationContextMutator = Limits{}
)

// ExtensionName implements graphql.HandlerExtension.
func (Limits) ExtensionName() string { return "Limits" }

// Validate implements graphql.HandlerExtension.
func (Limits) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext refuses an operation that is over a limit before anything runs.
func (l Limits) MutateOperationContext(_ context.Context, oc *graphql.OperationContext) *gqlerror.Error {
	if oc.Operation == nil {
		return nil
	}
	m := measure{fragments: map[string]extent{}}
	e := m.selections(oc.Operation.SelectionSet)
	switch {
	case l.Depth > 0 && e.depth > l.Depth:
		return overLimit("the query nests %d fields deep; the limit is %d: ask in several queries", e.depth, l.Depth)
	case l.Aliases > 0 && e.aliases > l.Aliases:
		return overLimit("the query gives %d fields another name; the limit is %d: ask in several queries", e.aliases, l.Aliases)
	}
	return nil
}

func overLimit(format string, args ...any) *gqlerror.Error {
	err := gqlerror.Errorf(format, args...)
	err.Extensions = map[string]any{"code": string(core.CodeLimit)}
	return err
}

// extent is how deep a selection goes and how many aliases it has.
type extent struct{ depth, aliases int }

// measure walks selections, each fragment once: fragments that use one another many times would take for ever otherwise.
type measure struct{ fragments map[string]extent }

const manyAliases = 1 << 30

func (m *measure) selections(set ast.SelectionSet) extent {
	var total extent
	for _, s := range set {
		var e extent
		switch s := s.(type) {
		case *ast.Field:
			if s.Name != "__schema" && s.Name != "__type" {
				e = m.selections(s.SelectionSet)
				e.depth++
			}
			if s.Alias != s.Name {
				e.aliases++
			}
		case *ast.InlineFragment:
			e = m.selections(s.SelectionSet)
		case *ast.FragmentSpread:
			known, ok := m.fragments[s.Name]
			if !ok && s.Definition != nil {
				known = m.selections(s.Definition.SelectionSet)
				m.fragments[s.Name] = known
			}
			e = known
		}
		total.depth = max(total.depth, e.depth)
		total.aliases = min(total.aliases+e.aliases, manyAliases)
	}
	return total
}

// defaultPage is what a list without first counts for.
const defaultPage = 10

// complexity multiplies what a page costs by its size.
func complexity() generated.ComplexityRoot {
	page := func(child int, first *int) int {
		n := defaultPage
		if first != nil {
			n = max(*first, 1)
		}
		if child > 0 && n > manyAliases/child {
			return manyAliases
		}
		return 1 + child*n
	}
	var c generated.ComplexityRoot
	c.Query.Apis = func(child int, first *int, _ *string, _ *model.APIFilter, _ *model.APISort) int {
		return page(child, first)
	}
	c.Query.Policies = func(child int, first *int, _ *string, _ *model.PolicyFilter, _ *model.PolicySort) int {
		return page(child, first)
	}
	c.Query.Keys = func(child int, first *int, _ *string, _ *model.KeyFilter) int { return page(child, first) }
	c.Query.Users = func(child int, first *int, _ *string, _ *model.UserFilter) int { return page(child, first) }
	c.Query.Organisations = func(child int, first *int, _, _ *string) int { return page(child, first) }
	c.Query.Webhooks = func(child int, first *int, _, _ *string) int { return page(child, first) }
	relation := func(child int, first *int, _ *string) int { return page(child, first) }
	c.Query.APICategories, c.KeyUsage.Counters = relation, relation
	c.Query.Certificates = func(child int, first *int, _ *string, _ *model.CertificateFilter) int { return page(child, first) }
	c.Query.OauthClients = func(child int, _ string, first *int, _ *string) int { return page(child, first) }
	c.Query.OauthTokens = func(child int, _, _ string, first *int, _ *string) int { return page(child, first) }
	c.Query.Gateways = func(child int, _ *model.GatewayState, first *int, _ *string) int { return page(child, first) }
	c.Api.Policies, c.Api.Keys, c.Api.Owners, c.Api.Webhooks = relation, relation, relation, relation
	c.Policy.Apis, c.Policy.Keys, c.Key.Apis, c.Key.Policies = relation, relation, relation, relation
	c.Webhook.Apis, c.Certificate.Usages = relation, relation
	c.CertificateDependencies.ClientApis, c.CertificateDependencies.UpstreamApis = relation, relation
	c.CertificateDependencies.ServerApis, c.CertificateDependencies.Keys = relation, relation
	c.Organisation.Apis = func(child int, first *int, _ *string) int { return page(child, first) }
	c.Organisation.Policies = func(child int, first *int, _ *string) int { return page(child, first) }
	c.Organisation.Keys = func(child int, first *int, _ *string) int { return page(child, first) }
	c.Organisation.Webhooks = func(child int, first *int, _ *string) int { return page(child, first) }
	c.Organisation.Users = func(child int, first *int, _ *string) int { return page(child, first) }
	return c
}
