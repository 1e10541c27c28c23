package api

import (
	"github.com/tidwall/gjson"

	"gatehouse/internal/authentication"
	"gatehouse/internal/core"
	"gatehouse/internal/input"
)

// Input is what a caller gives of an API, as the schema has it; nil is not given.
type Input struct {
	// Definition is a whole document, wrapped or not, which the other fields change further.
	Definition                              core.Document
	Name, Slug, APIID                       *string
	ListenPath, Domain, TargetURL           *string
	Active, Keyless, Internal               *bool
	Tags                                    []string
	OrgID                                   *string
	BaseAPIID, BaseVersionName, VersionName *string
	VersionIsDefault                        *bool
	Authentication                          *authentication.Input
}

// blank is what an API starts from that comes without a document: what a gateway needs to serve it.
const blank = `{"api_model":{},"api_definition":{"name":"","active":true,"use_keyless":false,` +
	`"auth":{"auth_header_name":"Authorization"},"definition":{"location":"header","key":"x-api-version"},` +
	`"version_data":{"not_versioned":true,"versions":{"Default":{"name":"Default","use_extended_paths":true}}},` +
	`"proxy":{"listen_path":"","target_url":"","strip_listen_path":true}},"hook_references":[]}`

// Document is the wrapped document that an input means, started from the stored one where there is one.
func Document(in Input, stored core.Document) (core.Document, error) {
	doc, err := input.Base(in.Definition, stored, blank)
	if err != nil {
		return nil, err
	}
	if !doc.Get("api_definition").Exists() &&
		(doc.Get("name").Exists() || doc.Get("proxy").Exists() || len(doc) == len("{}")) {
		doc = core.Document(`{}`).SetRaw("api_definition", doc)
	}
	if d := doc.Get("api_definition"); d.Exists() && !d.IsObject() {
		return nil, core.InField("api_definition", "must be an object that holds the API definition")
	}
	if proxy := doc.Get("api_definition.proxy"); proxy.Exists() && !proxy.IsObject() && proxy.Type != gjson.Null {
		return nil, core.InField("api_definition.proxy", "must be an object")
	}
	f := input.Fields{Doc: doc}
	f.Text("api_definition.name", in.Name)
	f.Text("api_definition.slug", in.Slug)
	f.Text("api_definition.api_id", in.APIID)
	f.Text("api_definition.domain", in.Domain)
	f.Truth("api_definition.active", in.Active)
	f.Truth("api_definition.use_keyless", in.Keyless)
	f.Truth("api_definition.internal", in.Internal)
	f.Texts("api_definition.tags", in.Tags)
	f.Text("api_definition.proxy.target_url", in.TargetURL)
	f.Text("api_definition.proxy.listen_path", in.ListenPath)
	if in.Authentication != nil && in.Authentication.Types != nil && in.Keyless != nil {
		return nil, core.InField("api_definition.use_keyless", "is given by the ways in: leave it out, or leave them out")
	}
	return f.Doc, authentication.Set(&f, in.Authentication)
}
