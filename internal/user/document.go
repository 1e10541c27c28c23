package user

import (
	"time"

	"gatehouse/internal/core"
	"gatehouse/internal/filter"
	"gatehouse/internal/input"
	"gatehouse/store"
)

// Input is what a caller gives of a user, as the schema has it; nil is not given.
type Input struct {
	// Document is a whole document, which the other fields change further. GroupIds is spelled as gqlgen does.
	Document                   core.Document
	FirstName, LastName, Email *string
	Active                     *bool
	Permissions                core.Document
	Password, GroupID          *string
	GroupIds                   []string
	OrgID                      *string
}

// Given is a document with what must not stay in it taken out.
type Given struct {
	Document core.Document
	// Password is one to set; "" for none.
	Password string
}

// Document is the document that an input means, started from the stored one where there is one.
func Document(in Input, stored core.Document) (*Given, error) {
	doc, err := input.Base(in.Document, stored, input.Blank)
	if err != nil {
		return nil, err
	}
	f := input.Fields{Doc: doc}
	f.Text("first_name", in.FirstName)
	f.Text("last_name", in.LastName)
	f.Text("email_address", in.Email)
	f.Truth("active", in.Active)
	f.Text("group_id", in.GroupID)
	f.Texts("group_ids", in.GroupIds)
	f.Text("password", in.Password)
	if err := f.Object("user_permissions", in.Permissions); err != nil {
		return nil, err
	}
	if p := f.Doc.Get("password"); p.Exists() && p.Type.String() != "String" && p.Type.String() != "Null" {
		return nil, core.InField("password", "must be a string")
	}
	out := &Given{Document: f.Doc, Password: f.Doc.Text("password")}
	for _, field := range []string{"password", "access_key", "PWHistory", "password_updated", "last_login_date"} {
		if out.Document.Get(field).Exists() {
			out.Document = out.Document.Without(field)
		}
	}
	return out, nil
}

// Filter is what a list of users is narrowed by, as the schema has it; nil is not.
type Filter struct {
	Q, Email     *string
	Active       *bool
	GroupID      *string
	UpdatedSince *time.Time
	OrgID        *string
}

// Conditions are what a filter means; nil means none.
func Conditions(f *Filter) []store.Cond {
	if f == nil {
		return nil
	}
	var where filter.Where
	where.Part(f.Q, "email", "name")
	where.Part(f.Email, "email")
	if f.GroupID != nil {
		where.Add(store.HasLabel("group", *f.GroupID))
	}
	where.Truth("active", f.Active)
	where.ChangedSince(f.UpdatedSince)
	return where
}
