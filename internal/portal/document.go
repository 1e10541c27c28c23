package portal

import (
	"net/mail"
	"strings"
	"unicode"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

// Document is a document of the portal. Document is what REST shows.
type Document struct {
	core.Meta
	Type Type
	// Name is what people call it by: the e-mail address of a developer, the title of a page.
	Name string
	// SsoKey is by which an identity broker finds a developer; "" for none.
	SsoKey   string
	Document core.Document
	// PasswordHash is that of a developer, bcrypt; it is in no answer.
	PasswordHash string
}

// Type says what a document is.
type Type string

// The types of documents. Of the first two, an organisation has one.
const (
	Configuration Type = "CONFIGURATION"
	Catalogue     Type = "CATALOGUE"
	Documentation Type = "DOCUMENTATION"
	Page          Type = "PAGE"
	Developer     Type = "DEVELOPER"
)

// IsKnown tells whether there is such a type.
func (t Type) IsKnown() bool { return known(t).fields != nil }

// IsOnly tells whether an organisation has one of the type at most.
func (t Type) IsOnly() bool { return t == Configuration || t == Catalogue }

// Size is the length of the document.
func (d *Document) Size() int64 { return int64(len(d.Document)) }

// DocumentText is the text of Document.
func (d *Document) DocumentText() string { return string(d.Document) }

// Key is what only one document of an organisation may have; "" where many may be alike.
func (d *Document) Key() string {
	if d.Type == Developer {
		return string(d.Type) + " " + d.Name
	}
	return OnlyKey(d.Type)
}

// OnlyKey is the Key of the document of a type of which an organisation has one; "" for other types.
func OnlyKey(t Type) string {
	if t.IsOnly() {
		return string(t)
	}
	return ""
}

// New reads a Document that has been through Parse once.
func New(meta core.Meta, t Type, doc core.Document, passwordHash string) *Document {
	d := &Document{Meta: meta, Type: t, Document: doc, PasswordHash: passwordHash}
	switch t {
	case Developer:
		d.Name, d.SsoKey = core.NormalEmail(doc.Text("email")), doc.Text("sso_key")
	case Page:
		d.Name = doc.Text("title")
	case Documentation:
		d.Name = doc.Text("doc_type")
	}
	return d
}

// Parse checks a document that came from outside; the password of a developer has been taken out of it.
func Parse(meta core.Meta, t Type, doc core.Document) (*Document, error) {
	if err := doc.CheckFields(known(t).fields); err != nil {
		return nil, err
	}
	d := New(meta, t, doc, "")
	switch t {
	case Catalogue:
		if err := elementsAreObjects("apis", doc); err != nil {
			return nil, err
		}
	case Developer:
		if addr, err := mail.ParseAddress(d.Name); err != nil || addr.Address != d.Name || len(d.Name) > 150 {
			return nil, core.InField("email", "must be an e-mail address such as jo@example.org, of at most 150 bytes")
		}
		if len(d.SsoKey) > 190 || strings.ContainsFunc(d.SsoKey, unicode.IsControl) {
			return nil, core.InField("sso_key", "must be at most 190 bytes without control characters")
		}
	}
	if len(d.Name) > 255 || strings.ContainsRune(d.Name, 0) {
		return nil, core.InField(map[Type]string{Page: "title", Documentation: "doc_type"}[t], "must be at most 255 bytes")
	}
	return d, nil
}

// elementsAreObjects refuses a list with entries that are none: programs read fields of each.
func elementsAreObjects(field string, doc core.Document) (err error) {
	doc.Get(field).ForEach(func(_, entry gjson.Result) bool {
		if !entry.IsObject() {
			err = core.InField(field, "must be an array of objects")
		}
		return err == nil
	})
	return err
}

// CheckCname tells what is wrong with the host name that users of an organisation give its portal; "" is none.
func CheckCname(cname string) error {
	for _, label := range strings.Split(strings.ToLower(cname), ".") {
		odd := strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != ""
		if cname != "" && (label == "" || len(label) > 63 || odd) {
			return core.InField("cname", "must be a host name such as portal.example.org")
		}
	}
	return nil
}

// shape is what is known of the documents of a type: the JSON types of fields, and what programs read of each document,
// with what that is where nobody set it.
type shape struct {
	fields map[string]string
	shown  [][2]string
}

func known(t Type) shape {
	switch t {
	case Configuration:
		return shape{
			map[string]string{
				"string": "id org_id email redirect_to", "array": "signup_fields key_request_fields",
				"bool": "require_key_approval enable_dcr disable_login disable_signup disable_auto_login " +
					"catalogue_login_only override",
				"object": "mail_options dcr_options", "number": "oauth_usage_limit",
			},
			[][2]string{{"signup_fields", "[]"}, {"key_request_fields", "[]"}},
		}
	case Catalogue:
		return shape{
			map[string]string{"string": "id org_id email", "array": "apis"},
			[][2]string{{"apis", "[]"}, {"email", `""`}},
		}
	case Documentation:
		return shape{
			map[string]string{"string": "id org_id api_id doc_type documentation swagger_custom_url"},
			[][2]string{{"api_id", `""`}},
		}
	case Page:
		return shape{
			map[string]string{"string": "id org_id template_name title slug", "bool": "is_homepage", "object": "fields"},
			[][2]string{{"fields", "{}"}},
		}
	case Developer:
		return shape{
			map[string]string{
				// password and PWHistory have been taken out; in another spelling they would stay, for everybody to read.
				"string": "id org_id email nonce sso_key password", "array": "PWHistory", "bool": "inactive",
				"object": "keys subscriptions fields oauth_clients", "number": "password_max_days",
			},
			[][2]string{{"inactive", "false"}, {"keys", "{}"}, {"subscriptions", "{}"}, {"fields", "{}"},
				{"nonce", `""`}, {"sso_key", `""`}, {"oauth_clients", "{}"}, {"password_max_days", "0"}},
		}
	}
	return shape{}
}
