// Package portal makes the documents of the classic developer portal of what comes from outside: ids and owner set,
// passwords taken out, and what programs read of each filled in. It is pure: what it makes is written by its callers.
package portal

import (
	"time"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

// Maker makes documents of the portal.
type Maker struct {
	// Hash hashes the password of a developer.
	Hash func(password string) (string, error)
	Now  func() time.Time
}

// Make makes a document of a type for an organisation, of one that came from outside. old is what it replaces, nil for a
// new one; a developer who comes without a password keeps the one of old.
func (m Maker) Make(t core.PortalType, org string, given core.Document, old *core.PortalDocument) (*core.PortalDocument, error) {
	doc, err := core.ParseDocument(given)
	if err != nil {
		return nil, err
	}
	meta := core.Meta{ID: doc.Text("id"), OrgID: org}
	if old != nil {
		if meta.ID != "" && meta.ID != old.ID {
			return nil, core.InField("id", "is %q, and the document that you are changing has %q", meta.ID, old.ID)
		}
		meta = old.Meta
	}
	if meta.ID == "" || meta.ID == core.ZeroID {
		meta.ID = core.NewID(m.Now())
	}
	if !core.IsID(meta.ID) {
		return nil, core.InField("id", "must be 24 lower-case hex digits; leave it out to have one made")
	}
	hash := ""
	if old != nil {
		hash = old.PasswordHash
	}
	if t == core.PortalDeveloper {
		if doc, hash, err = m.developer(doc, hash, old); err != nil {
			return nil, err
		}
	}
	for _, owned := range [][2]string{{"id", meta.ID}, {"org_id", org}} {
		if doc, err = doc.Owned("", owned[0], owned[1]); err != nil {
			return nil, err
		}
	}
	for _, field := range core.PortalShown(t) {
		if v := doc.Get(field[0]); !v.Exists() || v.Type == gjson.Null && field[1] == "[]" {
			doc = doc.SetRaw(field[0], []byte(field[1])) // a null in the place of a list breaks those who add to it
		}
	}
	return core.ParsePortalDocument(meta, t, doc, hash)
}

// developer takes the password out of a developer, and what only the server knows of it.
func (m Maker) developer(doc core.Document, hash string, old *core.PortalDocument) (core.Document, string, error) {
	switch p := doc.Get("password"); {
	case p.Exists() && p.Type != gjson.String && p.Type != gjson.Null:
		return nil, "", core.InField("password", "must be a string")
	case p.Str != "":
		if err := core.CheckPassword(p.Str, nil); err != nil {
			return nil, "", err
		}
		var err error
		if hash, err = m.Hash(p.Str); err != nil {
			return nil, "", err
		}
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
		created := m.Now()
		if old != nil {
			created = old.CreatedAt
		}
		doc = doc.Set("date_created", created.UTC().Format(time.RFC3339))
	}
	return doc, hash, nil
}
