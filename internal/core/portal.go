package core

import (
	"net/mail"
	"strings"

	"github.com/tidwall/gjson"
)

// PortalDocument is a document of the classic developer portal. No portal is served here: the documents are kept for
// the programs that write and read them. Document is what REST shows.
type PortalDocument struct {
	Meta
	Type PortalType
	// Name is what people call it by: the e-mail address of a developer, the title of a page.
	Name string
	// SsoKey is by which an identity broker finds a developer; "" for none.
	SsoKey   string
	Document Document
	// PasswordHash is that of a developer, bcrypt; it is in no answer.
	PasswordHash string
}

// PortalType says what a document of the portal is.
type PortalType string

// The types of the portal's documents. Of the first two, an organisation has one.
const (
	PortalConfiguration PortalType = "CONFIGURATION"
	PortalCatalogue     PortalType = "CATALOGUE"
	PortalDocumentation PortalType = "DOCUMENTATION"
	PortalPage          PortalType = "PAGE"
	PortalDeveloper     PortalType = "DEVELOPER"
)

// IsKnown tells whether there is such a type.
func (t PortalType) IsKnown() bool { return portalTypes[t] != nil }

// IsOnly tells whether an organisation has one of the type at most.
func (t PortalType) IsOnly() bool { return t == PortalConfiguration || t == PortalCatalogue }

// Size is the length of the document.
func (d *PortalDocument) Size() int64 { return int64(len(d.Document)) }

// Key is what only one document of an organisation may have; "" where many may be alike.
func (d *PortalDocument) Key() string {
	if d.Type == PortalDeveloper {
		return string(d.Type) + " " + d.Name
	}
	return OnlyKey(d.Type)
}

// OnlyKey is the Key of the document of a type of which an organisation has one; "" for other types.
func OnlyKey(t PortalType) string {
	if t.IsOnly() {
		return string(t)
	}
	return ""
}

// NewPortalDocument reads a PortalDocument that has been through ParsePortalDocument once.
func NewPortalDocument(meta Meta, t PortalType, doc Document, passwordHash string) *PortalDocument {
	d := &PortalDocument{Meta: meta, Type: t, Document: doc, PasswordHash: passwordHash}
	switch t {
	case PortalDeveloper:
		d.Name, d.SsoKey = NormalEmail(doc.Text("email")), doc.Text("sso_key")
	case PortalPage:
		d.Name = doc.Text("title")
	case PortalDocumentation:
		d.Name = doc.Text("doc_type")
	}
	return d
}

// ParsePortalDocument checks a document that came from outside; the password of a developer has been taken out of it.
func ParsePortalDocument(meta Meta, t PortalType, doc Document) (*PortalDocument, error) {
	if err := checkTypes(doc, portalTypes[t]); err != nil {
		return nil, err
	}
	if err := elementsAreObjects(doc, t); err != nil {
		return nil, err
	}
	d := NewPortalDocument(meta, t, doc, "")
	if t == PortalDeveloper {
		if addr, err := mail.ParseAddress(d.Name); err != nil || addr.Address != d.Name || len(d.Name) > 150 {
			return nil, InField("email", "must be an e-mail address such as jo@example.org, of at most 150 bytes")
		}
		if len(d.SsoKey) > 190 || hasControl(d.SsoKey) {
			return nil, InField("sso_key", "must be at most 190 bytes without control characters")
		}
	}
	if len(d.Name) > 255 || strings.ContainsRune(d.Name, 0) {
		field := map[PortalType]string{PortalPage: "title", PortalDocumentation: "doc_type"}[t]
		return nil, InField(field, "must be at most 255 bytes")
	}
	return d, nil
}

// elementsAreObjects refuses a catalogue with entries that are none: programs read fields of each.
func elementsAreObjects(doc Document, t PortalType) (err error) {
	if t != PortalCatalogue {
		return nil
	}
	doc.Get("apis").ForEach(func(_, entry gjson.Result) bool {
		if !entry.IsObject() {
			err = InField("apis", "must be an array of objects, not of %s", clip(entry.Raw))
		}
		return err == nil
	})
	return err
}

// PortalShown are the fields that programs read of each document of a type, with what they are where nobody set them.
func PortalShown(t PortalType) [][2]string {
	switch t {
	case PortalCatalogue:
		return [][2]string{{"apis", "[]"}, {"email", `""`}}
	case PortalConfiguration:
		return [][2]string{{"signup_fields", "[]"}, {"key_request_fields", "[]"}}
	case PortalDocumentation:
		return [][2]string{{"api_id", `""`}}
	case PortalPage:
		return [][2]string{{"fields", "{}"}}
	}
	return [][2]string{{"inactive", "false"}, {"keys", "{}"}, {"subscriptions", "{}"}, {"fields", "{}"},
		{"nonce", `""`}, {"sso_key", `""`}, {"oauth_clients", "{}"}, {"password_max_days", "0"}}
}

var portalTypes = map[PortalType][]fieldType{
	PortalConfiguration: {
		{"id", isString}, {"org_id", isString}, {"signup_fields", isArray}, {"key_request_fields", isArray},
		{"email", isString}, {"mail_options", isObject}, {"require_key_approval", isBool}, {"redirect_to", isString},
		{"enable_dcr", isBool}, {"disable_login", isBool}, {"disable_signup", isBool}, {"disable_auto_login", isBool},
		{"catalogue_login_only", isBool}, {"oauth_usage_limit", isNumber}, {"dcr_options", isObject}, {"override", isBool},
	},
	PortalCatalogue: {{"id", isString}, {"org_id", isString}, {"apis", isArray}, {"email", isString}},
	PortalDocumentation: {
		{"id", isString}, {"org_id", isString}, {"api_id", isString}, {"doc_type", isString}, {"documentation", isString},
		{"swagger_custom_url", isString},
	},
	PortalPage: {
		{"id", isString}, {"org_id", isString}, {"is_homepage", isBool}, {"template_name", isString}, {"title", isString},
		{"slug", isString}, {"fields", isObject},
	},
	PortalDeveloper: {
		{"id", isString}, {"org_id", isString}, {"email", isString}, {"inactive", isBool}, {"keys", isObject},
		{"subscriptions", isObject}, {"fields", isObject}, {"nonce", isString}, {"sso_key", isString},
		{"oauth_clients", isObject}, {"password_max_days", isNumber},
		// These have been taken out; in another spelling they would stay, for everybody to read.
		{"password", isString}, {"PWHistory", isArray},
	},
}
