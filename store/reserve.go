package store

import (
	"context"
	"slices"
	"strings"

	"gatehouse/internal/confine"
	"gatehouse/internal/core"
)

// ownersAtOnce is how many ids are looked up at a time: policies may name more than one statement takes.
const ownersAtOnce = 1000

// Ids are ids that gateways know in one space for all organisations: public ids of APIs, and ids of policies of either
// kind.
type Ids struct{ Apis, Policies []string }

// settings are the names of the settings that hold the ids for an organisation.
func (ids Ids) settings() []string {
	names := make([]string, 0, len(ids.Apis)+len(ids.Policies))
	for _, id := range ids.Apis {
		names = append(names, core.ApiIDSetting(id))
	}
	for _, id := range ids.Policies {
		names = append(names, core.PolicyIDSetting(id))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Owners tells to which organisations ids belong. Those that nobody has used belong to nobody.
type Owners struct{ byName map[string]string }

// Foreign is what belongs to others than the organisation.
func (o Owners) Foreign(org string) confine.Foreign {
	foreign := func(name string) bool { owner, owned := o.byName[name]; return owned && owner != org }
	return confine.Foreign{
		Api:    func(id string) bool { return foreign(core.ApiIDSetting(id)) },
		Policy: func(id string) bool { return foreign(core.PolicyIDSetting(id)) },
	}
}

// OwnersOf finds out to which organisations ids belong.
func (s *Store) OwnersOf(ctx context.Context, ids Ids) (Owners, error) {
	out := Owners{byName: map[string]string{}}
	for names := range slices.Chunk(ids.settings(), ownersAtOnce) {
		found, err := s.Settings.FindMany(ctx, AllTenants(), "id", names)
		if err != nil {
			return out, err
		}
		for _, reserved := range found {
			out.byName[reserved.ID] = reserved.OrgID
		}
	}
	return out, nil
}

// ReservingIDs are the writes that make ids an organisation's, of those that are nobody's. foreign are those that are
// another organisation's. That two do so at once is a *ConflictError of one of them.
func (s *Store) ReservingIDs(ctx context.Context, org string, ids Ids) (writes []Change, foreign Ids, err error) {
	owners, err := s.OwnersOf(ctx, ids)
	if err != nil {
		return nil, Ids{}, err
	}
	for _, name := range ids.settings() {
		if _, taken := owners.byName[name]; !taken {
			writes = append(
				writes,
				s.Settings.Creating(&core.Setting{Meta: core.Meta{ID: name, OrgID: org}, Value: core.Document(`{}`)}),
			)
		}
	}
	is := owners.Foreign(org)
	return writes, Ids{chosen(ids.Apis, is.Api), chosen(ids.Policies, is.Policy)}, nil
}

// chosen are those of ids that are, in their order.
func chosen(ids []string, are func(id string) bool) (out []string) {
	for _, id := range ids {
		if are(id) {
			out = append(out, id)
		}
	}
	return out
}

// ReleasingIDs are the writes that make the ids of an organisation nobody's again. They belong into the Apply that
// removes the organisation with all its policies and keys: no rights are left then that would open what is another's.
func (s *Store) ReleasingIDs(ctx context.Context, org string) ([]Change, error) {
	var writes []Change
	for setting, err := range s.Settings.All(ctx, Query{Tenant: Org(org), IDsOnly: true}) {
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(setting.ID, core.ApiIDSetting("")) || strings.HasPrefix(setting.ID, core.PolicyIDSetting("")) {
			writes = append(writes, s.Settings.Deleting(setting))
		}
	}
	return writes, nil
}

// reservingAll are the writes that reserve the ids of objects of an earlier version, by organisation.
func reservingAll(ctx context.Context, s *Store, ids map[string]*Ids) ([]Change, error) {
	var out []Change
	for org, ids := range ids {
		changes, _, err := s.ReservingIDs(ctx, org, *ids)
		if err != nil {
			return nil, err
		}
		out = append(out, changes...)
	}
	return out, nil
}

// of is the ids of an organisation among those of several.
func of(ids map[string]*Ids, org string) *Ids {
	if ids[org] == nil {
		ids[org] = &Ids{}
	}
	return ids[org]
}
