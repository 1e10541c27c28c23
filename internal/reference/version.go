package reference

import (
	"context"
	"slices"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// maxVersions is how many APIs a search leaves out: what every engine takes in one statement.
const maxVersions = 16_000

// Versions returns the database ids of the APIs that are versions of others.
func (n *Names) Versions(ctx context.Context, t store.Tenant) ([]string, error) {
	named, err := n.store.Apis.CountByLabel(ctx, t, "version")
	if err != nil {
		return nil, err
	}
	public := make([]string, 0, len(named))
	for id := range named {
		public = append(public, id)
	}
	var ids []string
	for chunk := range slices.Chunk(public, atOnce) {
		apis, err := n.store.Apis.FindMany(ctx, t, "api_id", chunk)
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
