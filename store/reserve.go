package store

import (
	"context"
	"slices"
	"strings"

	"gatehouse/internal/core"
)

// ownersAtOnce is how many ids are looked up at a time: policies may name more than one statement takes.
const ownersAtOnce = 1000

// ApiIDOwners tells to which organisations public ids of APIs belong; those that nobody has used are left out.
func (s *Store) ApiIDOwners(ctx context.Context, apiIDs []string) (map[string]string, error) {
	owners := make(map[string]string, len(apiIDs))
	for ids := range slices.Chunk(apiIDs, ownersAtOnce) {
		names := make([]string, len(ids))
		byName := make(map[string]string, len(ids))
		for i, id := range ids {
			names[i] = core.ApiIDSetting(id)
			byName[names[i]] = id
		}
		found, err := s.Settings.FindMany(ctx, AllTenants(), "id", names)
		if err != nil {
			return nil, err
		}
		for _, reserved := range found {
			owners[byName[reserved.ID]] = reserved.OrgID
		}
	}
	return owners, nil
}

// ReservingApiIDs are the writes that make public ids of APIs an organisation's, of those that are nobody's. foreign are those that are
// another organisation's. That two do so at once is a *ConflictError of one of them.
func (s *Store) ReservingApiIDs(ctx context.Context, org string, apiIDs []string) (writes []Change, foreign []string, err error) {
	owners, err := s.ApiIDOwners(ctx, apiIDs)
	if err != nil {
		return nil, nil, err
	}
	for _, id := range apiIDs {
		switch owner, taken := owners[id]; {
		case !taken:
			owners[id] = org // once, also where it is named twice
			writes = append(writes, s.Settings.Creating(&core.Setting{Meta: core.Meta{ID: core.ApiIDSetting(id), OrgID: org}, Value: core.Document(`{}`)}))
		case owner != org:
			foreign = append(foreign, id)
		}
	}
	return writes, foreign, nil
}

// ReleasingApiIDs are the writes that make the public ids of an organisation nobody's again. They belong into the Apply that removes the
// organisation with all its policies and keys: no rights are left then that would open the API of another one.
func (s *Store) ReleasingApiIDs(ctx context.Context, org string) ([]Change, error) {
	var writes []Change
	for after := ""; ; {
		l, err := s.Settings.List(ctx, Query{Tenant: Org(org), Sort: "id", After: after, Limit: ownersAtOnce, IDsOnly: true})
		if err != nil {
			return nil, err
		}
		for _, setting := range l.Objects {
			if strings.HasPrefix(setting.ID, core.ApiIDSetting("")) {
				writes = append(writes, s.Settings.Deleting(setting))
			}
		}
		if !l.More {
			return writes, nil
		}
		after = l.Cursors[len(l.Cursors)-1]
	}
}

// apiIDs are the public ids of APIs, by organisation.
func apiIDs(apis []*core.Api) map[string][]string {
	out := map[string][]string{}
	for _, a := range apis {
		if a.ApiID != "" {
			out[a.OrgID] = append(out[a.OrgID], a.ApiID)
		}
	}
	return out
}
