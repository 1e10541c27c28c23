package resolvers

import (
	"context"
	"errors"

	"gatehouse/graph/model"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/claim"
	"gatehouse/internal/turn"
	"gatehouse/store"
)

// createVersion creates an API and adds it to its base, both or neither.
func (r *Resolver) createVersion(ctx context.Context, baseID string, version *core.Api, in model.APIInput) error {
	racer := r.editor.Racer()
	defer racer.End()
	for try := 1; ; try++ {
		old, err := r.findApi(ctx, baseID)
		if core.CodeOf(err) == core.CodeNotFound || (err == nil && old.OrgID != version.OrgID) {
			return core.Errorf(core.CodeInvalid, "the base API %q does not exist in the organisation", baseID).
				In("base_api_id")
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
		err = r.editor.Adding(ctx, core.ApiKind, version.OrgID, version, func() error {
			return r.writeApis(ctx, claim.Api{Next: version}, claim.Api{Next: base, Old: old})
		})
		if errors.Is(err, store.ErrStale) && try < turn.Tries {
			if err := racer.Again(ctx, try, old.ID); err != nil {
				return err
			}
			continue
		}
		if err == nil {
			r.editor.Changed(ctx, core.ChangeUpdated, core.ApiKind, &base.Meta)
		}
		return err
	}
}
