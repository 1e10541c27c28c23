// Package portal is what the documents of the classic developer portal are, and makes them of what comes from outside:
// ids and owner set, passwords taken out, and what programs read of each filled in. No portal is served here: the
// documents are kept for the programs that write and read them. It is a part of the domain, and does no I/O.
package portal

import (
	"time"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

// Maker makes the documents of one request. It is not safe for concurrent use.
type Maker struct {
	now  func() time.Time
	hash func(password string) (string, error)
	// password is the last that was hashed, and hashed what became of it: a write that is tried again takes it from here.
	password, hashed string
}

// NewMaker makes a Maker that hashes the passwords of developers.
func NewMaker(now func() time.Time, hash func(password string) (string, error)) *Maker {
	return &Maker{now: now, hash: hash}
}

// Make makes a document of a type for an organisation, of one that came from outside. old is what it replaces, nil for
// a new one; a developer who comes without a password keeps the one of old.
func (m *Maker) Make(
	t Type,
	org string,
	given core.Document,
	old *Document,
) (*Document, error) {
	doc, err := core.ParseDocument(given)
	if err != nil {
		return nil, err
	}
	meta, err := m.meta(org, doc, old)
	if err != nil {
		return nil, err
	}
	password := ""
	if t == Developer {
		if doc, password, err = m.developer(doc, old); err != nil {
			return nil, err
		}
	}
	for _, owned := range [][2]string{{"id", meta.ID}, {"org_id", org}} {
		if doc, err = doc.Owned("", owned[0], owned[1]); err != nil {
			return nil, err
		}
	}
	for _, field := range known(t).shown {
		if v := doc.Get(field[0]); !v.Exists() || v.Type == gjson.Null && field[1] == "[]" {
			doc = doc.SetRaw(field[0], []byte(field[1])) // a null in the place of a list breaks those who add to it
		}
	}
	d, err := Parse(meta, t, doc)
	if err != nil {
		return nil, err
	}
	if old != nil {
		d.PasswordHash = old.PasswordHash
	}
	if password != "" {
		d.PasswordHash, err = m.hashOf(password)
	}
	return d, err
}

// meta says what a document is called: what it was, or the id that it came with, or a new one.
func (m *Maker) meta(org string, doc core.Document, old *Document) (core.Meta, error) {
	meta := core.Meta{ID: doc.Text("id"), OrgID: org}
	if old != nil {
		if meta.ID != "" && meta.ID != old.ID {
			return meta, core.InField("id", "is %q, and the document that you are changing has %q", meta.ID, old.ID)
		}
		meta = old.Meta
	}
	if meta.ID == "" || meta.ID == core.ZeroID {
		meta.ID = core.NewID(m.now())
	}
	if !core.IsID(meta.ID) {
		return meta, core.InField("id", "must be 24 lower-case hex digits; leave it out to have one made")
	}
	return meta, nil
}

// developer takes the password out of a developer, and what only the server knows of it.
func (m *Maker) developer(
	doc core.Document,
	old *Document,
) (without core.Document, password string, err error) {
	switch p := doc.Get("password"); {
	case p.Exists() && p.Type != gjson.String && p.Type != gjson.Null:
		return nil, "", core.InField("password", "must be a string")
	case p.Str != "":
		if err := core.CheckPassword(p.Str, nil); err != nil {
			return nil, "", err
		}
		password = p.Str
	}
	for _, field := range []string{"password", "PWHistory"} {
		if doc.Get(field).Exists() {
			doc = doc.Without(field)
		}
	}
	if given := doc.Get("email"); given.Type == gjson.String && given.Str != core.NormalEmail(given.Str) {
		doc = doc.Set("email", core.NormalEmail(given.Str))
	}
	if !doc.Get("date_created").Exists() {
		created := m.now()
		if old != nil {
			created = old.CreatedAt
		}
		doc = doc.Set("date_created", created.UTC().Format(time.RFC3339))
	}
	return doc, password, nil
}

// hashOf hashes a password, which takes long, once.
func (m *Maker) hashOf(password string) (string, error) {
	if m.password == password {
		return m.hashed, nil
	}
	hashed, err := m.hash(password)
	if err == nil {
		m.password, m.hashed = password, hashed
	}
	return hashed, err
}

// Given is the merge patch that sets what a document says: what is null in it, or its id, says nothing. So who makes a
// catalogue that is there already, as scripts do, empties none.
func Given(doc core.Document) core.Document {
	patch := []byte{'{'}
	gjson.ParseBytes(doc).ForEach(func(name, v gjson.Result) bool {
		if v.Type == gjson.Null || name.Str == "id" {
			return true
		}
		if len(patch) > 1 {
			patch = append(patch, ',')
		}
		patch = append(append(append(patch, name.Raw...), ':'), v.Raw...)
		return true
	})
	return append(patch, '}')
}

// IsBlank tells whether a document holds nothing that anybody said: one that was made when it was first asked for.
func IsBlank(d *Document) bool {
	if !d.Type.IsOnly() {
		return false
	}
	shown := map[string]string{}
	for _, field := range known(d.Type).shown {
		shown[field[0]] = field[1]
	}
	blank := true
	gjson.ParseBytes(d.Document).ForEach(func(name, v gjson.Result) bool {
		blank = name.Str == "id" || name.Str == "org_id" || shown[name.Str] == v.Raw
		return blank
	})
	return blank
}
