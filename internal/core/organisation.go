package core

import (
	"strings"

	"github.com/tidwall/gjson"

	"gatehouse/internal/permission"
)

// Organisation is a tenant: it owns users, APIs, policies, keys and webhooks. Document is what REST shows.
type Organisation struct {
	Meta
	// Name is owner_name in the document, Slug owner_slug.
	Name  string
	Slug  string
	Cname string
	// OpenPolicy is open_policy in the document: what the organisation says of rules in Rego.
	OpenPolicy RegoRules
	// AdditionalPermissions is additional_permissions in the document; nil where it says nothing of them.
	AdditionalPermissions permission.Additional
	Document              Document
}

// RegoRules are what an organisation says of rules in Rego. Enabled is nil where it leaves that to the server; Rules ""
// where it has none of its own.
type RegoRules struct {
	Enabled *bool
	Rules   string
}

// MaxRules is the longest text of rules, in bytes.
const MaxRules = 256 << 10

// NewOrganisation reads an Organisation from its document, which has been through ParseOrganisation once.
func NewOrganisation(meta Meta, doc Document) *Organisation {
	d := doc.top()
	return &Organisation{
		Meta:       meta,
		Name:       text(d["owner_name"]),
		Slug:       text(d["owner_slug"]),
		Cname:      text(d["cname"]),
		OpenPolicy: openPolicy(d["open_policy"]),
		Document:   doc,

		AdditionalPermissions: additionalPermissions(d["additional_permissions"]),
	}
}

func openPolicy(held gjson.Result) RegoRules {
	p := RegoRules{Rules: text(held.Get("rules"))}
	if enabled := held.Get("enabled"); enabled.IsBool() {
		p.Enabled = new(enabled.Bool())
	}
	return p
}

// additionalPermissions are those that a document holds, as far as they are texts.
func additionalPermissions(held gjson.Result) permission.Additional {
	if !held.IsObject() {
		return nil
	}
	out := permission.Additional{}
	held.ForEach(func(name, label gjson.Result) bool {
		out[name.Str] = label.Str
		return true
	})
	return out
}

// ParseOrganisation checks a document that came from outside and reads it.
func ParseOrganisation(meta Meta, doc Document) (*Organisation, error) {
	if err := checkTypes(doc, organisationTypes); err != nil {
		return nil, err
	}
	if err := checkLimits(doc); err != nil {
		return nil, err
	}
	if held := doc.Get("open_policy"); held.IsObject() {
		fields := []fieldType{{"enabled", isBool}, {"debug", isBool}, {"rules", isString}}
		if err := checkTypes(Document(held.Raw), fields); err != nil {
			return nil, Wrap(CodeInvalid, err, "in open_policy: %s", AsError(err).Message).In("open_policy")
		}
	}
	o := NewOrganisation(meta, doc)
	if len(o.OpenPolicy.Rules) > MaxRules {
		return nil, InField("open_policy.rules", "must be at most %d bytes", MaxRules)
	}
	if err := o.AdditionalPermissions.Check(); err != nil {
		return nil, InField("additional_permissions", "%s", err)
	}
	if err := checkName("owner_name", o.Name); err != nil {
		return nil, err
	}
	if len(o.Slug) > 255 || hasControl(o.Slug) {
		return nil, InField("owner_slug", "must be at most 255 bytes without control characters")
	}
	if len(o.Cname) > 255 || strings.ContainsAny(o.Cname, " \t\r\n\x00") {
		return nil, InField("cname", "must be a host name")
	}
	return o, nil
}

var organisationTypes = []fieldType{
	{"id", isString}, {"owner_name", isString}, {"owner_slug", isString}, {"cname", isString}, {"cname_enabled", isBool},
	{"apis", isArray}, {"developer_quota", isNumber}, {"developer_count", isNumber}, {"event_options", isObject},
	{"hybrid_enabled", isBool}, {"ui", isObject}, {"org_options_meta", isObject}, {"sso_enabled", isBool},
	{limitsField, isObject}, {"open_policy", isObject}, {"additional_permissions", isObject},
}

// OrgSession is what an organisation may ask of the gateways in all: a session for it, as keys have one.
type OrgSession struct {
	OrgID   string
	Session Document
}
