// Package authentication reads and writes what the definition of an API says of how its callers show who they are: the
// ways in, where a gateway looks for what callers show, and how it judges JSON Web Tokens. It is pure: a definition
// goes in, a definition comes out, by the rules of gateways.
package authentication

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
	"gatehouse/internal/input"
	"gatehouse/internal/page"
)

// Settings is how callers of an API show who they are, as its definition says it to gateways.
type Settings struct {
	// Types are the ways in, from core.AuthTypes.
	Types []string
	// BaseIdentity is the way in whose session counts where there are several; nil for the first that a gateway asks for.
	BaseIdentity *string
	// StripAuthorizationData takes what callers show out of the request before it goes upstream.
	StripAuthorizationData bool
	// Sources are where callers put what they show, for each of Types for which the definition can say it.
	Sources []Source
	JWT     JWT
}

// Source is where callers put what they show. What is nil is not looked at.
type Source struct {
	Type                      string
	Header, Parameter, Cookie *string
}

// JWT are how gateways judge JSON Web Tokens. The times are in seconds.
type JWT struct {
	// SigningMethod is hmac, rsa or ecdsa; nil where the definition says none of them.
	SigningMethod                              *string
	Source, IdentityClaim, PolicyClaim         string
	DefaultPolicyIDs                           []string
	IssuedAtSkew, ExpiresAtSkew, NotBeforeSkew int64
}

// Input is what a caller gives of Settings; nil is not given.
type Input struct {
	Types                  []string
	BaseIdentity           *string
	StripAuthorizationData *bool
	Sources                []Source
	JWT                    *JWTInput
}

// JWTInput is what a caller gives of JWT; nil is not given.
type JWTInput struct {
	SigningMethod                              *string
	Source, IdentityClaim, PolicyClaim         *string
	DefaultPolicyIDs                           []string
	IssuedAtSkew, ExpiresAtSkew, NotBeforeSkew *int64
}

// SigningMethods lists what JWT.SigningMethod can be.
func SigningMethods() []string { return []string{"hmac", "rsa", "ecdsa"} }

const definitionPath = "api_definition."

// described are the ways in of which a definition says more than whether they are enabled: the name under
// which auth_configs has where callers put what they show, and the word of base_identity_provided_by.
var described = map[string]struct{ config, identity string }{
	"authToken":      {"authToken", "auth_token"},
	"basic":          {"basic", "basic_auth_user"},
	"coprocess":      {"coprocess", "custom_auth"},
	"external_oauth": {"externalOAuth", ""},
	"hmac":           {"hmac", "hmac_key"},
	"jwt":            {"jwt", "jwt_claim"},
	"oauth":          {"oauth", "oauth_key"},
	"oidc":           {"oidc", "oidc_user"},
}

// defaultHeader is where gateways look when the definition names no header.
const defaultHeader = "Authorization"

// Of reads how callers of an API show who they are, by the rules of gateways: a way in without a source
// of its own is shown in the Authorization header, but for tokens and JWTs, which then have that of `auth`.
func Of(a *core.Api) *Settings {
	d := fieldsOf(a.Definition)
	out := &Settings{
		Types:                  a.AuthTypes,
		StripAuthorizationData: d["strip_auth_data"].Bool(),
		Sources:                []Source{},
		JWT: JWT{
			SigningMethod:    oneOf(SigningMethods(), d["jwt_signing_method"].String()),
			Source:           d["jwt_source"].String(),
			IdentityClaim:    d["jwt_identity_base_field"].String(),
			PolicyClaim:      d["jwt_policy_field_name"].String(),
			DefaultPolicyIDs: []string{},
			IssuedAtSkew:     d["jwt_issued_at_validation_skew"].Int(),
			ExpiresAtSkew:    d["jwt_expires_at_validation_skew"].Int(),
			NotBeforeSkew:    d["jwt_not_before_validation_skew"].Int(),
		},
	}
	for _, id := range d["jwt_default_policies"].Array() {
		out.JWT.DefaultPolicyIDs = append(out.JWT.DefaultPolicyIDs, id.String())
	}
	identity := d["base_identity_provided_by"].String()
	for _, name := range core.AuthTypes() {
		known, ok := described[name]
		if ok && known.identity == identity && identity != "" {
			out.BaseIdentity = &name
		}
		if ok && slices.Contains(a.AuthTypes, name) {
			out.Sources = append(out.Sources, sourceOf(name, configOf(d["auth_configs"], d["auth"], name)))
		}
	}
	return out
}

// fieldsOf are the fields of a definition that Of goes by, from one walk: a definition may have megabytes, and a list
// of APIs asks for these of every one.
func fieldsOf(document core.Document) map[string]gjson.Result {
	fields := make(map[string]gjson.Result, 12)
	definition := document.Get("api_definition")
	if !definition.IsObject() {
		return fields
	}
	definition.ForEach(func(name, value gjson.Result) bool {
		switch name.Str {
		case "auth", "auth_configs", "base_identity_provided_by", "strip_auth_data", "jwt_signing_method", "jwt_source",
			"jwt_identity_base_field", "jwt_policy_field_name", "jwt_default_policies", "jwt_issued_at_validation_skew",
			"jwt_expires_at_validation_skew", "jwt_not_before_validation_skew":
			fields[name.Str] = value
		}
		return true
	})
	return fields
}

// configOf is what a definition says, in its fields auth_configs and auth, of where callers put what they show for a
// way in.
func configOf(configs, auth gjson.Result, name string) gjson.Result {
	config := configs.Get(described[name].config)
	if !config.Exists() && (name == "authToken" || name == "jwt") {
		return auth
	}
	return config
}

// sourceOf reads a source as gateways do: a parameter or a cookie without a name has that of the header.
func sourceOf(name string, config gjson.Result) Source {
	s, fallback := Source{Type: name}, defaultHeader
	named := func(field string) *string {
		text := config.Get(field).String()
		if text == "" {
			text = fallback
		}
		return &text
	}
	if !config.Get("disable_header").Bool() {
		s.Header = named("auth_header_name")
		fallback = *s.Header
	}
	if config.Get("use_param").Bool() {
		s.Parameter = named("param_name")
	}
	if config.Get("use_cookie").Bool() {
		s.Cookie = named("cookie_name")
	}
	return s
}

func oneOf(words []string, given string) *string {
	if slices.Contains(words, given) {
		return &given
	}
	return nil
}

// Set sets what is given in the document of an API. An error names the part of the input by its name in the schema.
func Set(f *input.Fields, in *Input) error {
	if in == nil {
		return nil
	}
	if in.Types != nil {
		if err := setAuthTypes(f, in.Types); err != nil {
			return err
		}
	}
	if in.BaseIdentity != nil {
		known := described[*in.BaseIdentity]
		if known.identity == "" {
			return core.InField("authentication.baseIdentity", "must be a way in that brings a session of its own")
		}
		f.Text(definitionPath+"base_identity_provided_by", &known.identity)
	}
	f.Truth(definitionPath+"strip_auth_data", in.StripAuthorizationData)
	for i, source := range in.Sources {
		at := "authentication.sources[" + strconv.Itoa(i) + "]"
		if slices.ContainsFunc(in.Sources[:i], func(s Source) bool { return s.Type == source.Type }) {
			return core.InField(at, "is of a way in that stands before it: give each once")
		}
		if err := setSource(f, at, source); err != nil {
			return err
		}
	}
	return setJWT(f, in.JWT)
}

// setAuthTypes enables ways in, and no others.
func setAuthTypes(f *input.Fields, types []string) error {
	switch {
	case len(types) > len(core.AuthTypes()):
		return core.InField("authentication.types", "must name each way in once")
	case len(types) == 0:
		return core.InField("authentication.types", "must name a way in: KEYLESS lets everybody in")
	case len(types) > 1 && slices.Contains(types, "keyless"):
		return core.InField("authentication.types", "must name KEYLESS alone: it lets everybody in, whatever else is named")
	}
	f.Doc = core.WithAuthTypes(f.Doc, types)
	return nil
}

// setSource sets where callers put what they show for a way in. What else the definition says there stays.
func setSource(f *input.Fields, at string, s Source) error {
	known, ok := described[s.Type]
	if !ok {
		return core.InField(at, "must be of another way in: for this one nothing is read from where a source says")
	}
	if s.Header == nil && s.Parameter == nil && s.Cookie == nil {
		return core.InField(at, "must name a place: give a header, a parameter or a cookie")
	}
	path := definitionPath + "auth_configs." + known.config
	d := f.Doc.Get("api_definition")
	if configs := d.Get("auth_configs"); !configs.Get(known.config).IsObject() {
		config := "{}"
		if had := configOf(configs, d.Get("auth"), s.Type); had.IsObject() {
			config = had.Raw
		}
		if !configs.IsObject() {
			f.Doc = f.Doc.SetRaw(definitionPath+"auth_configs", []byte("{}"))
		}
		f.Doc = f.Doc.SetRaw(path, []byte(config))
	}
	for _, place := range []struct {
		on, name string
		given    *string
	}{
		{"", "auth_header_name", s.Header},
		{"use_param", "param_name", s.Parameter},
		{"use_cookie", "cookie_name", s.Cookie},
	} {
		on := place.given != nil
		if on && (*place.given == "" || strings.ContainsAny(*place.given, " \t\r\n\x00")) {
			return core.InField(at, "must have names, and no spaces in them")
		}
		if place.on != "" {
			f.Truth(path+"."+place.on, &on)
		} else {
			f.Truth(path+".disable_header", new(!on))
		}
		f.Text(path+"."+place.name, place.given)
	}
	return nil
}

func setJWT(f *input.Fields, in *JWTInput) error {
	if in == nil {
		return nil
	}
	if err := page.Choices("authentication.jwt.defaultPolicyIds", in.DefaultPolicyIDs); err != nil {
		return err
	}
	f.Text(definitionPath+"jwt_signing_method", in.SigningMethod)
	f.Text(definitionPath+"jwt_source", in.Source)
	f.Text(definitionPath+"jwt_identity_base_field", in.IdentityClaim)
	f.Text(definitionPath+"jwt_policy_field_name", in.PolicyClaim)
	f.Texts(definitionPath+"jwt_default_policies", in.DefaultPolicyIDs)
	f.Integer(definitionPath+"jwt_issued_at_validation_skew", in.IssuedAtSkew)
	f.Integer(definitionPath+"jwt_expires_at_validation_skew", in.ExpiresAtSkew)
	f.Integer(definitionPath+"jwt_not_before_validation_skew", in.NotBeforeSkew)
	return nil
}
