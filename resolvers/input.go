package resolvers

import (
	"time"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

// fields sets the fields of an input that are given in a document.
type fields struct {
	doc core.Document
}

func (f *fields) text(path string, v *string) {
	if v != nil {
		f.doc = f.doc.Set(path, *v)
	}
}

func (f *fields) truth(path string, v *bool) {
	if v != nil {
		f.doc = f.doc.Set(path, *v)
	}
}

func (f *fields) number(path string, v *float64) {
	if v != nil {
		f.doc = f.doc.Set(path, *v)
	}
}

func (f *fields) integer(path string, v *int64) {
	if v != nil {
		f.doc = f.doc.Set(path, *v)
	}
}

func (f *fields) texts(path string, v []string) {
	if v != nil {
		f.doc = f.doc.Set(path, v)
	}
}

func (f *fields) unix(path string, v *time.Time) {
	if v != nil {
		f.doc = f.doc.Set(path, v.Unix())
	}
}

func (f *fields) object(path string, v core.Document) error {
	if v == nil {
		return nil
	}
	doc, err := core.ParseDocument(v)
	if err != nil {
		return err
	}
	f.doc = f.doc.SetRaw(path, doc)
	return nil
}

// lowered puts an e-mail address into the form in which addresses are compared.
func (f *fields) lowered(path string) {
	if given := f.doc.Get(path); given.Type == gjson.String && given.Str != core.NormalEmail(given.Str) {
		f.doc = f.doc.Set(path, core.NormalEmail(given.Str))
	}
}

// absent sets a raw JSON value where the document has none.
func (f *fields) absent(path, raw string) {
	if !f.doc.Get(path).Exists() {
		f.doc = f.doc.SetRaw(path, []byte(raw))
	}
}

// What new objects start from that come without a document: what a gateway needs to serve them, and what people expect.
const (
	blankApi = `{"api_model":{},"api_definition":{"name":"","active":true,"use_keyless":false,"auth":{"auth_header_name":"Authorization"},` +
		`"definition":{"location":"header","key":"x-api-version"},"version_data":{"not_versioned":true,"versions":{"Default":{"name":"Default",` +
		`"use_extended_paths":true}}},"proxy":{"listen_path":"","target_url":"","strip_listen_path":true}},"hook_references":[]}`
	blankPolicy = `{"name":"","active":true,"is_inactive":false,"state":"active","rate":1000,"per":60,"quota_max":-1,"quota_renewal_rate":3600,` +
		`"access_rights":{},"hmac_enabled":false,"key_expires_in":0,"tags":[],"partitions":{"quota":false,"rate_limit":false,"acl":false,` +
		`"complexity":false,"per_api":false}}`
	blankKey = `{"alias":"","allowance":1000,"rate":1000,"per":60,"expires":0,"quota_max":-1,"quota_renews":0,"quota_remaining":-1,` +
		`"quota_renewal_rate":3600,"access_rights":{},"apply_policies":[],"tags":[],"meta_data":{},"is_inactive":false}`
	blank = `{}`
)

// base is the document that an input starts from: its own, the stored one, or a blank one.
func base(given, stored core.Document, blank string) (core.Document, error) {
	if given != nil {
		return core.ParseDocument(given)
	}
	if stored != nil {
		return stored, nil
	}
	return core.Document(blank), nil
}

// deref is what an optional argument holds, "" when it is absent.
func deref[T ~string](s *T) T {
	if s == nil {
		return ""
	}
	return *s
}
