package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/store"
)

// query starts the Query of a list field: page size, cursor, and whether anybody asked for the total.
func (r *Resolver) query(ctx context.Context, t store.Tenant, first *int, after *string) (store.Query, error) {
	q := store.Query{Tenant: t, Limit: r.settings.PageSize, Total: wantsTotal(ctx)}
	if first != nil {
		q.Limit = *first
	}
	if err := r.checkPage(q.Limit); err != nil {
		return q, err
	}
	if after != nil {
		if _, ok := store.ParseCursor(*after); !ok {
			return q, core.Errorf(core.CodeInvalid, "after is not a cursor: pass the endCursor of the page before, or leave it out")
		}
		q.After = *after
	}
	return q, nil
}

func (r *Resolver) checkPage(first int) error {
	if first < 1 {
		return core.Errorf(core.CodeInvalid, "first must be at least 1")
	}
	if first > r.settings.MaxPageSize {
		return core.Errorf(core.CodeLimit, "first must be at most %d: use after to get the next page", r.settings.MaxPageSize)
	}
	return nil
}

// relationSize is the page size of a relation field.
func (r *Resolver) relationSize(first *int) (int, error) {
	n := r.settings.PageSize
	if first != nil {
		n = *first
	}
	return n, r.checkPage(n)
}

// wantsTotal tells whether the connection that is being resolved was asked for its totalCount. REST always wants it.
func wantsTotal(ctx context.Context) bool {
	if graphql.GetFieldContext(ctx) == nil || !graphql.HasOperationContext(ctx) {
		return true
	}
	for _, f := range graphql.CollectFieldsCtx(ctx, nil) {
		if f.Name == "totalCount" {
			return true
		}
	}
	return false
}

// pageInfo describes a page of a list.
func pageInfo[T any](l *store.List[T]) model.PageInfo {
	info := model.PageInfo{HasNextPage: l.More}
	if n := len(l.Cursors); n > 0 {
		info.EndCursor = &l.Cursors[n-1]
	}
	return info
}

// truth is the condition that a yes-or-no field has a value; nil is no condition.
func truth(where []store.Cond, field string, want *bool) []store.Cond {
	if want == nil {
		return where
	}
	n := int64(0)
	if *want {
		n = 1
	}
	return append(where, store.Between(field, n, n))
}
