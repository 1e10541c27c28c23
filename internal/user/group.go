package user

import (
	"context"
	"maps"
	"slices"
	"time"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/filter"
	"gatehouse/internal/input"
	"gatehouse/internal/permission"
	"gatehouse/internal/usergroup"
	"gatehouse/store"
)

// GroupInput is what a caller gives of a user group, as the schema has it; nil is not given.
type GroupInput struct {
	// Document is a whole document, which the other fields change further.
	Document          core.Document
	Name, Description *string
	Active            *bool
	PasswordMaxDays   *int
	Permissions       core.Document
	OrgID             *string
}

// GroupDocument is the document that an input means, started from the stored one where there is one. What a document
// that replaces the stored one leaves out of the fields of groups stays, as in the legacy API, whose sample of a change
// has a name and a description alone.
func GroupDocument(in GroupInput, stored core.Document) (core.Document, error) {
	doc, err := input.Base(in.Document, stored, input.Blank)
	if err != nil {
		return nil, err
	}
	f := input.Fields{Doc: doc}
	for _, field := range []string{"name", "description", "active", "user_permissions", "password_max_days"} {
		if before := stored.Get(field); before.Exists() {
			f.Absent(field, before.Raw)
		}
	}
	f.Text("name", in.Name)
	f.Text("description", in.Description)
	f.Truth("active", in.Active)
	if in.PasswordMaxDays != nil {
		f.Integer("password_max_days", new(int64(*in.PasswordMaxDays)))
	}
	err = f.Object("user_permissions", in.Permissions)
	return f.Doc, err
}

// Make makes a new group of a document that came from outside.
func (g Groups) Make(ctx context.Context, org string, doc core.Document) (*usergroup.Group, error) {
	return g.of(ctx, org, doc, nil)
}

// Change makes the group that replaces an earlier one; nil when nothing changes.
func (g Groups) Change(ctx context.Context, doc core.Document, old *usergroup.Group) (*usergroup.Group, error) {
	next, err := g.of(ctx, old.OrgID, doc, old)
	if err != nil || next.Document.Equal(old.Document) {
		return nil, err
	}
	return next, nil
}

func (g Groups) of(ctx context.Context, org string, doc core.Document, old *usergroup.Group) (*usergroup.Group, error) {
	var before *core.Meta
	var had permission.Set
	if old != nil {
		before, had = &old.Meta, old.Permissions
	} else if err := mayChooseID(ctx, doc); err != nil {
		return nil, err
	}
	meta, err := input.Meta(doc, core.UserGroupKind, org, before, g.Store.Now())
	if err != nil {
		return nil, err
	}
	if doc, err = input.Owned(doc, [2]string{"id", meta.ID}, [2]string{"org_id", org}); err != nil {
		return nil, err
	}
	f := input.Fields{Doc: doc}
	f.Absent("description", `""`)
	f.Absent("active", "true")
	f.Absent("password_max_days", "0")
	made, err := usergroup.Parse(meta, f.Doc)
	if err != nil {
		return nil, err
	}
	if err := g.mayChange(ctx, made, old); err != nil {
		return nil, err
	}
	return made, authz.From(ctx).MayGrant(had, made.Permissions)
}

// mayChange holds members back from changing what they have by their own group, and those who see less than there is
// from changing what gives it to others.
func (g Groups) mayChange(ctx context.Context, next, old *usergroup.Group) error {
	a := authz.From(ctx)
	if old == nil || a.Admin || a.User == nil || a.Permissions().IsAdmin() ||
		next.Active == old.Active && maps.Equal(next.Permissions, old.Permissions) {
		return nil
	}
	if slices.Contains(a.User.GroupIDs, old.ID) {
		return core.Errorf(core.CodeForbidden,
			"access denied: you may not change what a group gives that you belong to; an administrator may")
	}
	return g.mayOwn(ctx, old.OrgID, []string{old.ID})
}

// GroupFilter is what a list of user groups is narrowed by, as the schema has it; nil is not.
type GroupFilter struct {
	Q            *string
	Active       *bool
	UpdatedSince *time.Time
	OrgID        *string
}

// GroupConditions are what a filter means; nil means none.
func GroupConditions(f *GroupFilter) []store.Cond {
	if f == nil {
		return nil
	}
	var where filter.Where
	where.Part(f.Q, "name")
	where.Truth("active", f.Active)
	where.ChangedSince(f.UpdatedSince)
	return where
}
