package core

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"
)

// Api is a classic API definition. Definition is the whole document as REST shows it: the definition itself under
// api_definition, and beside it hook_references, owners and the rest. The other fields are read from it.
type Api struct {
	Meta
	// ApiID is the public id, under which gateways, keys and policies know the API. It is unique in the whole
	// installation.
	ApiID string
	// Name is the name as stored, with its #category tags.
	Name string
	Slug string
	// ListenPath is the path under which gateways serve the API; Domain is the host name that it is bound to, "" for any.
	ListenPath string
	Domain     string
	TargetURL  string
	ListenPort int
	Active     bool
	Internal   bool
	Protocol   string
	// Kind is one of ApiKinds.
	Kind string
	// AuthTypes are the ways in that are enabled, from AuthTypes; never empty.
	AuthTypes []string
	// Categories are the #tags of the name and the categories of the document, without the #, sorted, each once.
	Categories      []string
	UserOwners      []string
	UserGroupOwners []string
	// Tags are those of the gateways that load the API. TagsDisabled and DomainDisabled have gateways take no notice of
	// Tags and Domain.
	Tags                         []string
	TagsDisabled, DomainDisabled bool
	// Versions are the public ids of the APIs that are versions of this one.
	Versions   []string
	Definition Document
}

// ApiKinds lists what Api.Kind can be.
func ApiKinds() []string {
	return []string{"tcp", "rest", "graphql", "udg", "subgraph", "supergraph"}
}

const def = "api_definition."

// NewApi reads an Api from its document, which has been through ParseApi once. The definition is walked through once,
// however many fields are read: most have 5 KB and more, and lists read many.
func NewApi(meta Meta, doc Document) *Api {
	wrapped := doc.top()
	d := wrapped["api_definition"].Map()
	proxy := d["proxy"]
	a := &Api{Meta: meta, Definition: doc}
	a.ApiID = d["api_id"].String()
	a.Name = d["name"].String()
	a.Slug = d["slug"].String()
	a.ListenPath = proxy.Get("listen_path").String()
	a.TargetURL = proxy.Get("target_url").String()
	a.Domain = d["domain"].String()
	a.ListenPort = int(d["listen_port"].Int())
	a.Active = d["active"].Bool()
	a.Internal = d["internal"].Bool()
	a.Protocol = d["protocol"].String()
	a.Kind = apiKind(d)
	a.AuthTypes = apiAuthTypes(d)
	a.Categories = categories(a.Name, texts(wrapped["categories"]))
	a.UserOwners = texts(wrapped["user_owners"])
	a.UserGroupOwners = texts(wrapped["user_group_owners"])
	a.Tags = texts(d["tags"])
	a.TagsDisabled = d["tags_disabled"].Bool()
	a.DomainDisabled = d["domain_disabled"].Bool()
	d["definition"].Get("versions").ForEach(func(_, id gjson.Result) bool {
		if id.Type == gjson.String && id.Str != "" && id.Str != a.ApiID {
			a.Versions = append(a.Versions, id.Str)
		}
		return true
	})
	return a
}

// Owners are the ids of the users and of the groups that own the API; none is everybody.
func (a *Api) Owners() []string { return slices.Concat(a.UserOwners, a.UserGroupOwners) }

// ParseApi checks a document that came from outside and reads it. It accepts the wrapped form of the API
// ({"api_definition": {...}}) only. The error names the field and what it must be.
func ParseApi(meta Meta, doc Document) (*Api, error) {
	if !doc.Get("api_definition").IsObject() {
		return nil, InField("api_definition", "must be an object that holds the API definition")
	}
	if err := checkTypes(doc, apiTypes); err != nil {
		return nil, err
	}
	a := NewApi(meta, doc)
	return a, a.Validate()
}

// apiTypes are the fields that we reason about, with the JSON type that each must have when it is there.
var apiTypes = []fieldType{
	{def + "id", isString}, {def + "api_id", isString}, {def + "org_id", isString}, {def + "name", isString},
	{def + "slug", isString}, {def + "domain", isString}, {def + "protocol", isString}, {def + "listen_port", isNumber},
	{def + "active", isBool}, {def + "internal", isBool}, {def + "use_keyless", isBool}, {def + "proxy", isObject},
	{def + "proxy.listen_path", isString}, {def + "proxy.target_url", isString}, {def + "proxy.strip_listen_path", isBool},
	{def + "version_data", isObject}, {def + "event_handlers", isObject}, {def + "tags", isTexts},
	{def + "tags_disabled", isBool}, {def + "domain_disabled", isBool},
	{def + "definition", isObject}, {def + "graphql", isObject},
	{"hook_references", isArray}, {"user_owners", isTexts}, {"user_group_owners", isTexts}, {"categories", isTexts},
}

// IsApiID tells whether a text can be the public id of an API: 1 to 128 letters, digits, '-', '_' or '.', the first not
// a '.'.
func IsApiID(id string) bool { return apiIDPattern.MatchString(id) }

// Validate checks the rules that hold for every API: a name, a well-formed api_id and listen path, a target that is a
// URL.
func (a *Api) Validate() error {
	if err := checkName("api_definition.name", a.Name); err != nil {
		return err
	}
	if a.ApiID != "" && !IsApiID(a.ApiID) {
		return InField("api_definition.api_id", "must be 1 to 128 letters, digits, '-', '_' or '.', and not start with '.'")
	}
	if len(a.Slug) > 255 || hasControl(a.Slug) {
		return InField("api_definition.slug", "must be at most 255 bytes without control characters")
	}
	if a.ListenPath != "" &&
		(!strings.HasPrefix(a.ListenPath, "/") && !Deferred(a.ListenPath) || len(a.ListenPath) > 1024 || hasControl(a.ListenPath)) {
		return InField("api_definition.proxy.listen_path", "must start with / and be at most 1024 bytes")
	}
	if a.ListenPort < 0 || a.ListenPort > 65535 {
		return InField("api_definition.listen_port", "must be a port, 0 to 65535")
	}
	if len(a.Domain) > 255 || strings.ContainsAny(a.Domain, " \t\r\n\x00") {
		return InField("api_definition.domain", "must be a host name")
	}
	if a.TargetURL != "" && !Deferred(a.TargetURL) {
		if _, err := url.Parse(a.TargetURL); err != nil {
			return Wrap(CodeInvalid, err, "api_definition.proxy.target_url must be a URL")
		}
	}
	for _, owner := range append(append([]string{}, a.UserOwners...), a.UserGroupOwners...) {
		if !IsID(owner) {
			return Errorf(
				CodeInvalid,
				"user_owners and user_group_owners must hold ids of 24 hex digits, not %s",
				strconv.Quote(Clip(owner)),
			)
		}
	}
	return nil
}

// The public id turns up in paths of ours, in file names of the gateway and in Redis keys.
var apiIDPattern = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$`)

// Route is what must be unique among the APIs of an organisation that a gateway loads, so that it knows which of them a
// request is for: domain, port and listen path. A trailing slash does not make another path.
func (a *Api) Route() string {
	if a.Protocol == "tcp" || a.Protocol == "tls" {
		return a.Protocol + "://" + strings.ToLower(a.Domain) + ":" + strconv.Itoa(a.ListenPort)
	}
	return strings.ToLower(a.Domain) + ":" + strconv.Itoa(a.ListenPort) + "/" + strings.Trim(a.ListenPath, "/")
}

// NameAndID names the API in messages to its own organisation.
func (a *Api) NameAndID() string { return fmt.Sprintf("%q (%s)", a.Name, a.ApiID) }

// DisplayName is the name without its #category tags.
func (a *Api) DisplayName() string {
	words := strings.Fields(a.Name)
	kept := words[:0]
	for _, w := range words {
		if !isCategory(w) {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, " ")
}

// Slugify makes a slug of a name: lower-case words joined with hyphens, category tags left out.
func Slugify(name string) string {
	var out strings.Builder
	for _, w := range strings.Fields(strings.ToLower(name)) {
		if isCategory(w) {
			continue
		}
		w = strings.Trim(notSlug.ReplaceAllString(w, "-"), "-")
		if w == "" {
			continue
		}
		if out.Len() > 0 {
			out.WriteByte('-')
		}
		out.WriteString(w)
	}
	s := out.String()
	if len(s) > 200 {
		s = strings.TrimRight(s[:200], "-")
	}
	return s
}

var notSlug = regexp.MustCompile(`[^a-z0-9]+`)

func isCategory(word string) bool { return len(word) > 1 && word[0] == '#' }

func categories(name string, more []string) []string {
	seen := map[string]bool{}
	for _, w := range strings.Fields(name) {
		if isCategory(w) {
			seen[w[1:]] = true
		}
	}
	for _, c := range more {
		if c = strings.TrimPrefix(c, "#"); c != "" {
			seen[c] = true
		}
	}
	return sortedSet(seen)
}

func sortedSet(set map[string]bool) []string {
	if len(set) == 0 {
		return nil
	}
	out := make([]string, 0, len(set))
	for s := range set {
		out = append(out, s)
	}
	sort.Strings(out)
	return out
}

func apiKind(d map[string]gjson.Result) string {
	switch p := d["protocol"].String(); {
	case p == "tcp" || p == "tls":
		return "tcp"
	case d["graphql"].Get("enabled").Bool():
		switch d["graphql"].Get("execution_mode").String() {
		case "executionEngine":
			return "udg"
		case "subgraph":
			return "subgraph"
		case "supergraph":
			return "supergraph"
		}
		return "graphql"
	}
	return "rest"
}

// authFlags pairs each way in with the fields of a classic definition that enable it.
var authFlags = []struct {
	name   string
	fields []string
}{
	{"authToken", []string{"use_standard_auth"}},
	{"basic", []string{"use_basic_auth"}},
	{"coprocess", []string{"enable_coprocess_auth", "use_go_plugin_auth", "custom_plugin_auth_enabled"}},
	{"external_oauth", []string{"external_oauth.enabled"}},
	{"hmac", []string{"enable_signature_checking"}},
	{"jwt", []string{"enable_jwt"}},
	{"keyless", []string{"use_keyless"}},
	{"mtls", []string{"use_mutual_tls_auth"}},
	{"oauth", []string{"use_oauth2"}},
	{"oidc", []string{"use_openid"}},
}

// WithAuthTypes is a document of an API whose definition enables some ways in, by their names, and no others. Of a way
// in with several fields the ones that enable it already stay.
func WithAuthTypes(doc Document, types []string) Document {
	for _, f := range authFlags {
		had := slices.ContainsFunc(f.fields, func(field string) bool { return doc.Get(def + field).Bool() })
		switch wanted := slices.Contains(types, f.name); {
		case wanted && !had:
			doc = doc.Set(def+f.fields[0], true)
		case !wanted && had:
			for _, field := range f.fields {
				if doc.Get(def + field).Bool() {
					doc = doc.Set(def+field, false)
				}
			}
		}
	}
	return doc
}

// AuthTypes lists the names that Api.AuthTypes and the auth_type filter use; authToken is what a gateway falls back to.
func AuthTypes() []string {
	out := make([]string, len(authFlags))
	for i, f := range authFlags {
		out[i] = f.name
	}
	return out
}

// AuthTypeNamed finds the name of a way in, whatever the case, by the names that definitions and people use for it.
func AuthTypeNamed(given string) (string, bool) {
	name := strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(given))
	if alias, ok := map[string]string{"oauth2": "oauth", "openid": "oidc", "standard": "authToken", "token": "authToken", "open": "keyless",
		"mutualtls": "mtls", "custom": "coprocess", "customauth": "coprocess", "plugin": "coprocess", "basicauth": "basic"}[name]; ok {
		return alias, true
	}
	for _, known := range AuthTypes() {
		if strings.ReplaceAll(strings.ToLower(known), "_", "") == name {
			return known, true
		}
	}
	return "", false
}

func apiAuthTypes(d map[string]gjson.Result) []string {
	var out []string
	for _, f := range authFlags {
		for _, field := range f.fields {
			object, inner, nested := strings.Cut(field, ".")
			value := d[object]
			if nested {
				value = value.Get(inner)
			}
			if value.Bool() {
				out = append(out, f.name)
				break
			}
		}
	}
	if out == nil {
		return []string{"authToken"}
	}
	return out
}
