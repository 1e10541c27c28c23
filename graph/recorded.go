package graph

import (
	"context"
	"net/http"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/trail"
)

// recorded resolves a root field, and has it recorded: as the REST request that it equals, with its arguments.
func (o Options) recorded(
	ctx context.Context, op authz.Operation, call authz.Call, args map[string]any,
	resolve func(context.Context) (any, error),
) (any, error) {
	if o.Trail == nil {
		return resolve(ctx)
	}
	rec := o.Trail.Begin(ctx, trail.Request{Face: trail.FaceGraphQL, Operation: op.Name, Method: op.Method,
		URL: call.Route, Path: op.Path, Arguments: args, IP: o.Address(ctx), ID: o.RequestID(ctx)})
	failed := core.Errorf(core.CodeInternal, "it panicked") // and is answered further out
	var err error = failed
	defer func() { rec.End(0, err) }()
	var out any
	if out, err = resolve(rec.With(ctx)); err == nil {
		err = rec.Done(ctx)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// recordRefused records that somebody came with credentials that do not hold.
func (o Options) recordRefused(ctx context.Context, credentials string, err error) {
	rec := o.Trail.Begin(ctx, trail.Request{Face: trail.FaceGraphQL, Method: http.MethodPost, URL: "/graphql",
		IP: address(ctx, o.Address), ID: o.RequestID(ctx)})
	rec.Claimed(credentials)
	rec.End(0, err)
}

func address(ctx context.Context, of func(context.Context) string) string {
	if of == nil {
		return ""
	}
	return of(ctx)
}
