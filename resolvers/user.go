package resolvers

import (
	"context"
	"strconv"
	"time"

	"gatehouse/graph/model"
	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/store"
)

func (r *Resolver) findUser(ctx context.Context, id string) (*core.User, error) {
	return one(ctx, core.UserKind, r.store.Users.FindMany, tenant(ctx), [2]string{"id", id})
}

// Authenticate finds the user with an access key. It is for the edges; it returns nil for an unknown key, and takes the
// same way, and so the same time, for known and unknown ones.
func (r *Resolver) Authenticate(ctx context.Context, accessKey string) (*core.User, error) {
	return hidden(r.store.Users.FindBy(ctx, store.AllTenants(), "access_key", r.keyring.Lookup(accessKey)))
}

// userInput is a document with what must not stay in it taken out.
type userInput struct {
	doc      core.Document
	password string
}

func userDocument(in model.UserInput, stored core.Document) (*userInput, error) {
	doc, err := base(in.Document, stored, blank)
	if err != nil {
		return nil, err
	}
	f := fields{doc}
	f.text("first_name", in.FirstName)
	f.text("last_name", in.LastName)
	f.text("email_address", in.Email)
	f.truth("active", in.Active)
	f.text("group_id", in.GroupID)
	f.text("password", in.Password)
	if err := f.object("user_permissions", in.Permissions); err != nil {
		return nil, err
	}
	if p := f.doc.Get("password"); p.Exists() && p.Type.String() != "String" && p.Type.String() != "Null" {
		return nil, core.InField("password", "must be a string")
	}
	out := &userInput{doc: f.doc, password: f.doc.Text("password")}
	for _, field := range []string{"password", "access_key", "PWHistory", "password_updated", "last_login_date"} {
		if out.doc.Get(field).Exists() {
			out.doc = out.doc.Without(field)
		}
	}
	return out, nil
}

// newUser makes a user of a document that came from outside. old is what it replaces, nil for a new one.
func (r *Resolver) newUser(ctx context.Context, org string, in *userInput, old *core.User) (*core.User, error) {
	doc := in.doc
	meta := core.Meta{ID: doc.Text("id"), OrgID: org}
	var secrets core.UserSecrets
	if old != nil {
		if meta.ID != "" && meta.ID != old.ID {
			return nil, core.InField("id", "is %q, and the user that you are changing has %q", meta.ID, old.ID)
		}
		meta, secrets = old.Meta, old.Secrets
	}
	if meta.ID == "" || meta.ID == zeroID {
		meta.ID = core.NewID(r.store.Now())
	}
	if !core.IsID(meta.ID) {
		return nil, core.InField("id", "must be 24 lower-case hex digits; leave it out to have one made")
	}
	var err error
	for _, owned := range [][2]string{{"id", meta.ID}, {"org_id", org}} {
		if doc, err = doc.Owned("", owned[0], owned[1]); err != nil {
			return nil, err
		}
	}
	f := fields{doc}
	f.absent("api_model", "{}")
	f.absent("first_name", `""`)
	f.absent("last_name", `""`)
	f.absent("active", "false")
	f.absent("group_id", `""`)
	f.absent("password_max_days", "0")
	created := r.store.Now().Format(time.RFC3339Nano)
	if old != nil {
		f.absent("email_address", strconv.Quote(old.Email))
		f.absent("user_permissions", string(old.PermissionsDocument()))
		created = first(old.Document.Text("created_at"), created)
	}
	f.absent("user_permissions", "{}")
	f.absent("created_at", strconv.Quote(created))
	f.lowered("email_address")
	u, err := core.ParseUser(meta, f.doc, secrets)
	if err != nil {
		return nil, err
	}
	if err := authz.From(ctx).MayManage(u, old); err != nil {
		return nil, err
	}
	if in.password != "" {
		if err := r.credentials.SetPassword(u, in.password); err != nil {
			return nil, err
		}
	}
	if old == nil {
		if err := r.credentials.RenewAccessKey(u); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// rewriteUser changes the document of a user, and the password where the input has one.
func (r *Resolver) rewriteUser(
	ctx context.Context,
	id string,
	revision *int,
	change func(stored core.Document) (*userInput, error),
) (*core.User, error) {
	find := func() (*core.User, error) { return r.findUser(ctx, id) }
	return edit(ctx, r, core.UserKind, r.store.Users.Update, revision, find,
		func(old *core.User) (*core.User, error) {
			in, err := change(old.Document)
			if err != nil {
				return nil, err
			}
			if in.password != "" && !authz.From(ctx).Admin {
				return nil, core.Errorf(
					core.CodeForbidden,
					"access denied: passwords are set with the actions/reset call, or with the admin secret",
				)
			}
			next, err := r.newUser(ctx, old.OrgID, in, old)
			if err != nil || (next.Document.Equal(old.Document) && in.password == "") {
				return nil, err
			}
			return next, nil
		})
}

// editUser changes a copy of a user that the caller may manage.
func (r *Resolver) editUser(
	ctx context.Context,
	id string,
	revision *int,
	change func(u *core.User) error,
) (*core.User, error) {
	return edit(ctx, r, core.UserKind, r.store.Users.Update, revision, func() (*core.User, error) { return r.findUser(ctx, id) },
		func(old *core.User) (*core.User, error) {
			if old.ID != authz.From(ctx).ID() {
				if err := authz.From(ctx).MayManage(old, nil); err != nil {
					return nil, err
				}
			}
			next := *old
			if err := change(&next); err != nil {
				return nil, err
			}
			return &next, nil
		})
}

// withField sets one field of a user's document and reads the user anew.
func withField(u *core.User, path string, value any) {
	*u = *core.NewUser(u.Meta, u.Document.Set(path, value), u.Secrets)
}

func (r *Resolver) listUsers(
	ctx context.Context,
	t store.Tenant,
	first *int,
	after *string,
	filter *model.UserFilter,
	sort *model.UserSort,
) (*model.UserConnection, error) {
	q, err := r.query(ctx, t, first, after)
	if err != nil {
		return nil, err
	}
	if f := filter; f != nil {
		if f.Q != nil && *f.Q != "" {
			q.Where = append(q.Where, store.AnyOf(store.Contains("email", *f.Q), store.Contains("name", *f.Q)))
		}
		if f.Email != nil && *f.Email != "" {
			q.Where = append(q.Where, store.Contains("email", *f.Email))
		}
		if f.GroupID != nil {
			q.Where = append(q.Where, store.In("group_id", store.Fold(*f.GroupID)))
		}
		q.Where = changedSince(truth(q.Where, "active", f.Active), f.UpdatedSince)
	}
	by := sorted(sort, nil, model.UserSortCreatedAt)
	q.Sort, q.Desc = by.field, by.desc
	c, err := list(ctx, r.store.Users, q)
	return (*model.UserConnection)(c), err
}
