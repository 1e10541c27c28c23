package core

import (
	"regexp"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// Policy is a security policy: rate, quota and access rights that keys share. Document is what REST shows.
type Policy struct {
	Meta
	// PolicyID is the id under which keys apply the policy: the explicit id that its author gave, or the database id.
	PolicyID   string
	Name       string
	Active     bool
	IsInactive bool
	// State is active, draft or deny; "active" when the document has none.
	State string
	// ApiIDs are the public ids of the APIs in the access rights, in the order of the document.
	ApiIDs     []string
	AuthTypes  []string
	Tags       []string
	Partitions Partitions
	// KeyExpiresIn is the life of keys made with this policy, in seconds; 0 is for ever.
	KeyExpiresIn int64
	Document     Document
}

// Partitions says which parts of a policy a key takes; none set means all of them.
type Partitions struct {
	Quota, RateLimit, Acl, Complexity, PerApi bool
}

// PolicyStates lists what Policy.State can be.
func PolicyStates() []string { return []string{"active", "draft", "deny"} }

// NewPolicy reads a Policy from its document, which has been through ParsePolicy once.
func NewPolicy(meta Meta, doc Document) *Policy {
	p := &Policy{Meta: meta, Document: doc}
	d := doc.top()
	p.PolicyID = text(d["id"])
	if p.PolicyID == "" {
		p.PolicyID = meta.ID
	}
	p.Name = text(d["name"])
	p.Active = d["active"].Bool()
	p.IsInactive = d["is_inactive"].Bool()
	if p.State = text(d["state"]); p.State == "" {
		p.State = "active"
	}
	p.ApiIDs = accessRights(d["access_rights"])
	p.AuthTypes = texts(d["auth_types"])
	if one := text(d["auth_type"]); one != "" && len(p.AuthTypes) == 0 {
		p.AuthTypes = []string{one}
	}
	p.Tags = texts(d["tags"])
	part := d["partitions"]
	p.Partitions = Partitions{
		Quota:      part.Get("quota").Bool(),
		RateLimit:  part.Get("rate_limit").Bool(),
		Acl:        part.Get("acl").Bool(),
		Complexity: part.Get("complexity").Bool(),
		PerApi:     part.Get("per_api").Bool(),
	}
	p.KeyExpiresIn = d["key_expires_in"].Int()
	return p
}

// ParsePolicy checks a document that came from outside and reads it. unsafeIDs allows any printable explicit id
// (allow_unsafe_policy_ids); otherwise the rule of the gateway holds: letters, digits, '.', '_', '-' and '~'.
func ParsePolicy(meta Meta, doc Document, unsafeIDs bool) (*Policy, error) {
	if err := checkTypes(doc, policyTypes); err != nil {
		return nil, err
	}
	if err := checkAccessRights(doc); err != nil {
		return nil, err
	}
	p := NewPolicy(meta, doc)
	if err := checkName("name", p.Name); err != nil {
		return nil, err
	}
	if len(p.PolicyID) > 128 || hasControl(p.PolicyID) ||
		(!unsafeIDs && !policyIDPattern.MatchString(p.PolicyID) && p.PolicyID != "") {
		return nil, InField("id", "must be at most 128 letters, digits, '.', '_', '-' or '~'")
	}
	if !slices.Contains(PolicyStates(), p.State) {
		return nil, InField("state", "must be active, draft or deny, not %s", excerpt(p.State))
	}
	if pt := p.Partitions; pt.PerApi && (pt.Quota || pt.RateLimit || pt.Acl || pt.Complexity) {
		// The gateway refuses to apply such a policy: "cannot apply policy which has per_api and any of partitions set".
		if pt.Quota || pt.RateLimit || pt.Complexity {
			return nil, InField("partitions.per_api", "excludes partitions.quota, rate_limit and complexity: set one kind only")
		}
	}
	return p, nil
}

var policyTypes = []fieldType{
	{
		"_id",
		isString,
	}, {"id", isString}, {"org_id", isString}, {"name", isString}, {"active", isBool}, {"is_inactive", isBool},
	{"state", isString}, {"rate", isNumber}, {"per", isNumber}, {"quota_max", isNumber}, {"quota_renewal_rate", isNumber},
	{
		"throttle_interval",
		isNumber,
	}, {"throttle_retry_limit", isNumber}, {"max_query_depth", isNumber}, {"key_expires_in", isNumber},
	{
		"access_rights",
		isObject,
	}, {"hmac_enabled", isBool}, {"tags", isTexts}, {"auth_types", isTexts}, {"auth_type", isString},
	{"partitions", isObject}, {"partitions.quota", isBool}, {"partitions.rate_limit", isBool}, {"partitions.acl", isBool},
	{"partitions.complexity", isBool}, {"partitions.per_api", isBool}, {"meta_data", isObject},
}

var policyIDPattern = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)

// accessRights reads the public ids of the APIs under access_rights.
func accessRights(rights gjson.Result) []string {
	var out []string
	if rights.IsObject() {
		rights.ForEach(func(key, _ gjson.Result) bool {
			out = append(out, key.Str)
			return true
		})
	}
	return out
}

// checkAccessRights holds for policies and for sessions: each entry is an object, and the API that it names inside,
// where it names one, is the one that it stands under (otherwise a gateway and we would read different rights).
func checkAccessRights(doc Document) error {
	rights := doc.Get("access_rights")
	err := atMost("access_rights", rights, maxRights, "APIs")
	if err != nil {
		return err
	}
	rights.ForEach(func(key, value gjson.Result) bool {
		if !value.IsObject() {
			err = InField("access_rights."+excerpt(key.Str), "must be an object")
			return false
		}
		if strings.TrimSpace(key.Str) == "" {
			err = InField("access_rights", "has an entry without an API id")
			return false
		}
		if err = spelledAs(value, "api_id"); err != nil {
			return false
		}
		if inner := value.Get("api_id"); inner.Exists() && inner.Str != "" && inner.Str != key.Str {
			err = InField(
				"access_rights."+excerpt(key.Str),
				"names another API inside, api_id %s: the two must be the same",
				excerpt(inner.Raw),
			)
			return false
		}
		return true
	})
	return err
}
