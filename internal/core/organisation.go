package core

import "strings"

// Organisation is a tenant: it owns users, APIs, policies, keys and webhooks. Document is what REST shows.
type Organisation struct {
	Meta
	// Name is owner_name in the document, Slug owner_slug.
	Name     string
	Slug     string
	Cname    string
	Document Document
}

// NewOrganisation reads an Organisation from its document, which has been through ParseOrganisation once.
func NewOrganisation(meta Meta, doc Document) *Organisation {
	d := doc.top()
	return &Organisation{
		Meta:     meta,
		Name:     text(d["owner_name"]),
		Slug:     text(d["owner_slug"]),
		Cname:    text(d["cname"]),
		Document: doc,
	}
}

// ParseOrganisation checks a document that came from outside and reads it.
func ParseOrganisation(meta Meta, doc Document) (*Organisation, error) {
	if err := checkTypes(doc, organisationTypes); err != nil {
		return nil, err
	}
	if err := checkLimits(doc); err != nil {
		return nil, err
	}
	o := NewOrganisation(meta, doc)
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
	{limitsField, isObject},
}

// OrgSession is what an organisation may ask of the gateways in all: a session for it, as keys have one.
type OrgSession struct {
	OrgID   string
	Session Document
}
