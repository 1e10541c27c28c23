package user

import (
	"context"
	"errors"
	"slices"

	"github.com/tidwall/gjson"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/permission"
	"gatehouse/internal/usergroup"
	"gatehouse/store"
)

// Groups knows the user groups of users.
type Groups struct{ Store *store.Store }

// Granted are the permissions of a user with those of their groups. Groups that are not active, or gone, give nothing,
// and neither do those of other organisations.
func (g Groups) Granted(ctx context.Context, u *core.User) (permission.Set, error) {
	if len(u.GroupIDs) == 0 || u.IsSuper() {
		return u.Permissions, nil
	}
	groups, err := g.Joined(ctx, u)
	if err != nil {
		return nil, err
	}
	return Granted(u, groups), nil
}

// Joined are the groups that a user belongs to, without those that are gone.
func (g Groups) Joined(ctx context.Context, u *core.User) ([]*usergroup.Group, error) {
	groups := make([]*usergroup.Group, 0, len(u.GroupIDs))
	for _, id := range u.GroupIDs {
		group, err := g.find(ctx, u.OrgID, id)
		if err != nil {
			return nil, err
		}
		if group != nil {
			groups = append(groups, group)
		}
	}
	return groups, nil
}

// Owning are the ids as which a user owns APIs: their own and those of their active groups.
func (g Groups) Owning(ctx context.Context, u *core.User) ([]string, error) {
	ids := []string{u.ID}
	for _, id := range u.GroupIDs {
		group, err := g.find(ctx, u.OrgID, id)
		if err != nil {
			return nil, err
		}
		if group != nil && group.Active {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// Granted are the permissions of a user who belongs to groups.
func Granted(u *core.User, groups []*usergroup.Group) permission.Set {
	sets := make([]permission.Set, 0, len(groups))
	for _, g := range groups {
		if g.Active {
			sets = append(sets, g.Permissions)
		}
	}
	return u.Permissions.With(sets...)
}

// mayOwn holds a caller who sees what they own, and what nobody owns, back from standing for others: from managing
// somebody, or joining people to a group, that owns an API, unless they own as that themselves.
func (g Groups) mayOwn(ctx context.Context, org string, ids []string) error {
	a := authz.From(ctx)
	if a.Owning == nil {
		return nil
	}
	others := core.Added(ids, a.Owning)
	if len(others) == 0 {
		return nil
	}
	n, err := g.Store.Apis.Count(ctx, store.Org(org), store.HasLabel("owner", others...))
	if err != nil || n == 0 {
		return err
	}
	return core.Errorf(core.CodeForbidden,
		"access denied: you may not manage a user, or a group, that owns APIs which you do not own: an administrator may")
}

// mayChooseID refuses an id that a caller who is no administrator gives to a new user or user group: of one that was
// deleted, it may still own something, and stand in records.
func mayChooseID(ctx context.Context, doc core.Document) error {
	a := authz.From(ctx)
	if a.Admin || a.User == nil || a.Permissions().IsAdmin() || doc.Text("id") == "" {
		return nil
	}
	return core.InField("id", "is made by the server: leave it out; administrators may give one")
}

// find finds a group, by way of the read cache; nil for one that there is not.
func (g Groups) find(ctx context.Context, org, id string) (*usergroup.Group, error) {
	if !core.IsID(id) {
		return nil, nil
	}
	group, err := g.Store.UserGroups.Find(ctx, store.Org(org), id)
	if errors.Is(err, store.ErrNotFound) || core.CodeOf(err) == core.CodeNotFound {
		return nil, nil
	}
	return group, err
}

// checkAdded refuses groups that a user newly names and that there are not in the organisation. What is named already,
// and has gone, stands in the way of nothing. Nobody puts people into a group that gives what they lack themselves.
func (g Groups) checkAdded(ctx context.Context, next, old *core.User) error {
	var had []string
	if old != nil {
		had = old.GroupIDs
	}
	var missing []string
	for _, id := range core.Added(next.GroupIDs, had) {
		group, err := g.find(ctx, next.OrgID, id)
		if err != nil {
			return err
		}
		if group == nil || next.IsSuper() {
			missing = append(missing, id)
			continue
		}
		// One that is switched off gives nothing now, but may be switched on by somebody who does not see who is in it.
		if err := authz.From(ctx).MayGrant(nil, group.Permissions); err != nil {
			return err
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return core.InField("group_ids", "names user groups that do not exist in the organisation: %s", core.SomeOf(missing))
}

// grouped is a document in which group_ids are the groups, and group_id is the first of them, which is all that the
// legacy API knows. Where only one of the two changed, that one counts; a document without group_ids that names the
// same first group keeps the others, since programs which do not know of them leave them out.
func grouped(doc core.Document, old *core.User) core.Document {
	var had []string
	if old != nil {
		had = old.GroupIDs
	}
	first := doc.Text("group_id")
	list := doc.Get("group_ids")
	if !list.IsArray() {
		if list.Exists() || len(had) < 2 || first != had[0] {
			return doc
		}
		return doc.Set("group_ids", had)
	}
	ids, given := []string{}, []string{}
	for _, v := range list.Array() {
		if v.Type != gjson.String {
			return doc // what it may hold is judged with the other fields
		}
		given = append(given, v.Str)
		if v.Str != "" && !slices.Contains(ids, v.Str) {
			ids = append(ids, v.Str)
		}
	}
	before := ""
	if len(had) > 0 {
		before = had[0]
	}
	switch {
	case first == before && old != nil || first == "" && old == nil: // group_ids counts
	case slices.Equal(ids, had):
		ids = slices.DeleteFunc(ids, func(id string) bool { return id == before || id == first })
		fallthrough
	default:
		ids = slices.DeleteFunc(ids, func(id string) bool { return id == first })
		if first != "" {
			ids = slices.Insert(ids, 0, first)
		}
	}
	first = ""
	if len(ids) > 0 {
		first = ids[0]
	}
	if doc.Text("group_id") != first {
		doc = doc.Set("group_id", first)
	}
	if !slices.Equal(ids, given) {
		doc = doc.Set("group_ids", ids)
	}
	return doc
}
