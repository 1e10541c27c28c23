package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Limits bound what one operation may ask for; 0 is no limit. Introspection is exempt from depth: its own queries are
// deep.
type Limits struct {
	// Depth is how deep fields may nest.
	Depth int
	// Complexity is how many fields may be answered, lists counted with the page size that is asked for.
	Complexity int
	// Aliases is how many fields may be given another name.
	Aliases int
	// AnonymousBytes is how large the body of a request without credentials may be.
	AnonymousBytes int64
	// AnswerBytes is how large one answer may be, AllAnswersBytes how much those that are made and sent at once may hold
	// together.
	AnswerBytes, AllAnswersBytes int64
	// CallerSockets and CallerSubscriptions are how many websockets and subscriptions one caller may have open,
	// SocketOperations how many operations may run at once on one websocket.
	CallerSockets, CallerSubscriptions, SocketOperations int
}

// introspectionFields is how many fields an answer about the schema may hold. The queries that tools send hold a half
// of that.
const introspectionFields = 90_000

// check refuses what the text alone says is over a limit.
func (l Limits) check(e extent) *gqlerror.Error {
	switch {
	case l.Depth > 0 && e.depth > l.Depth:
		return overLimit("the query nests %d fields deep; the limit is %d: ask in several queries", e.depth, l.Depth)
	case l.Aliases > 0 && e.aliases > l.Aliases:
		return overLimit(
			"the query gives %d fields another name; the limit is %d: ask in several queries",
			e.aliases,
			l.Aliases,
		)
	}
	return nil
}

// costLimit refuses an operation whose answer may hold too many fields, before anything runs.
type costLimit struct {
	costs *costs
	limit int
}

var (
	_ graphql.HandlerExtension        = costLimit{}
	_ graphql.OperationContextMutator = costLimit{}
)

// ExtensionName implements graphql.HandlerExtension.
func (costLimit) ExtensionName() string { return "CostLimit" }

// Validate implements graphql.HandlerExtension.
func (costLimit) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext implements graphql.OperationContextMutator.
func (l costLimit) MutateOperationContext(_ context.Context, oc *graphql.OperationContext) *gqlerror.Error {
	c := l.costs.of(oc.Operation, oc.Variables)
	switch {
	case l.limit > 0 && c.data > l.limit:
		return overLimit(
			"the answer may hold %d fields; the limit is %d: ask for fewer fields, or smaller pages with first",
			c.data,
			l.limit,
		)
	case c.introspection > introspectionFields:
		return overLimit(
			"the answer may hold %d fields about the schema; the limit is %d: ask for the schema once, without other names for its fields",
			c.introspection,
			introspectionFields,
		)
	}
	return nil
}
