package resolvers

import (
	"context"
	"errors"
	"slices"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/claim"
	"gatehouse/internal/turn"
	"gatehouse/store"
)

// createVersion creates an API and adds it to its base, both or neither.
func (r *Resolver) createVersion(ctx context.Context, baseID string, version *core.Api, in model.APIInput) error {
	racer := r.turns.Racer()
	defer racer.End()
	for try := 1; ; try++ {
		old, err := r.findApi(ctx, baseID)
		if core.CodeOf(err) == core.CodeNotFound || (err == nil && old.OrgID != version.OrgID) {
			return core.Errorf(core.CodeInvalid, "the base API %q does not exist in the organisation", baseID)
		}
		if err != nil {
			return err
		}
		base, err := old.WithVersion(core.Version{
			Name: deref(in.VersionName), ApiID: version.ApiID, BaseName: deref(in.BaseVersionName),
			Default: in.VersionIsDefault != nil && *in.VersionIsDefault,
		})
		if err != nil {
			return err
		}
		err = r.adding(ctx, core.ApiKind, version.OrgID, version, func() error {
			return r.claims.Write(ctx, []claim.Api{{Next: version}, {Next: base, Old: old}})
		})
		if errors.Is(err, store.ErrStale) && try < turn.Tries {
			if err := racer.Again(ctx, try, old.ID); err != nil {
				return err
			}
			continue
		}
		if err == nil {
			r.changed(ctx, core.ChangeUpdated, core.ApiKind, &base.Meta)
		}
		return err
	}
}

// maxVersions is how many APIs a search leaves out: what every engine takes in one statement.
const maxVersions = 16_000

// versionIDs returns the database ids of the APIs that are versions of others.
func (r *Resolver) versionIDs(ctx context.Context, t store.Tenant) ([]string, error) {
	named, err := r.store.Apis.CountByLabel(ctx, t, "version")
	if err != nil {
		return nil, err
	}
	public := make([]string, 0, len(named))
	for id := range named {
		public = append(public, id)
	}
	var ids []string
	for chunk := range slices.Chunk(public, apisAtOnce) {
		apis, err := r.store.Apis.FindMany(ctx, t, "api_id", chunk)
		if err != nil {
			return nil, err
		}
		for _, a := range apis {
			ids = append(ids, a.ID)
		}
	}
	if len(ids) > maxVersions {
		return nil, core.Errorf(
			core.CodeLimit,
			"%d APIs are versions of others, more than one search can leave out: list all, and look at their definitions",
			len(ids),
		)
	}
	return ids, nil
}
