package graph

import (
	"github.com/99designs/gqlgen/graphql"
	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

// isOutage tells whether an answer is nothing but that something we depend on is down. It has the status 503: proxies,
// probes and clients that know nothing of GraphQL then see what happened, and come again. An answer of which a part is
// there stays 200, and says the rest in errors.
func isOutage(r *graphql.Response) bool {
	if r == nil || len(r.Errors) == 0 {
		return false
	}
	for _, err := range r.Errors {
		if err.Extensions["code"] != string(core.CodeUnavailable) {
			return false
		}
	}
	nothing := true
	gjson.ParseBytes(r.Data).ForEach(func(_, field gjson.Result) bool {
		nothing = field.Type == gjson.Null
		return nothing
	})
	return nothing
}
