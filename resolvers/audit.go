package resolvers

import (
	"context"

	"gatehouse/internal/audit"
	"gatehouse/internal/authz"
	"gatehouse/internal/core"
)

// shownRecord is a record as the caller may see it: without the contents of objects of kinds that they may not read, and,
// where they see less than there is, without those of what can be owned.
func (r *Resolver) shownRecord(ctx context.Context, rec *audit.Record) *audit.Record {
	if rec == nil {
		return nil
	}
	restricted := authz.From(ctx).Owning != nil
	for _, name := range rec.Kinds() {
		kind := core.KindNamed(name)
		switch {
		case kind == nil || kind.Permission == "":
		case !r.mayRead(ctx, name):
			return rec.Blank()
		case restricted && (kind == core.ApiKind || kind == core.PolicyKind || kind == core.KeyKind || kind == core.OauthClientKind):
			return rec.Blank()
		}
	}
	return rec
}
