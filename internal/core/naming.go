package core

import (
	"strings"

	"github.com/tidwall/gjson"
)

// Naming is called for what a document for gateways names, in the order of the document. Names of fields match as
// gateways match them, whatever their case. What has no function is passed over.
type Naming struct {
	// Rights is called for each object of access rights.
	Rights func(v gjson.Result)
	// Policy is called for each id of a policy.
	Policy func(v gjson.Result)
	// Org is called for the id of the organisation, and CustomOrg for those in policies of the meta data.
	Org, CustomOrg func(v gjson.Result)
	// Custom is called for a list of policies in the meta data, before what is in it.
	Custom func(v gjson.Result)
}

// Session walks through the session of a key, or a policy. Policies that stand in the meta data are applied by gateways
// in the place of those that the key names.
func (n Naming) Session(doc gjson.Result) {
	doc.ForEach(func(name, value gjson.Result) bool {
		switch {
		case is(name, "access_rights") && value.IsObject():
			call(n.Rights, value)
		case is(name, "apply_policy_id"):
			call(n.Policy, value)
		case is(name, "apply_policies"):
			each(value, n.Policy)
		case is(name, "org_id"):
			call(n.Org, value)
		case is(name, "meta_data"):
			value.ForEach(func(name, policies gjson.Result) bool {
				if name.Str == "policies" && policies.IsArray() {
					call(n.Custom, policies)
					each(policies, n.customPolicy)
				}
				return true
			})
		}
		return true
	})
}

func (n Naming) customPolicy(policy gjson.Result) {
	policy.ForEach(func(name, value gjson.Result) bool {
		switch {
		case is(name, "access_rights") && value.IsObject():
			call(n.Rights, value)
		case is(name, "org_id"):
			call(n.CustomOrg, value)
		}
		return true
	})
}

// Definition walks through the definition of an API.
func (n Naming) Definition(doc gjson.Result) {
	doc.ForEach(func(name, value gjson.Result) bool {
		switch {
		case is(name, "org_id"):
			call(n.Org, value)
		case is(name, "jwt_default_policies"), is(name, "jwt_scope_to_policy_mapping"):
			each(value, n.Policy)
		case is(name, "scopes"):
			each(value, func(claims gjson.Result) { inside(claims, "scope_to_policy", n.Policy) })
		case is(name, "openid_options"):
			inside(value, "providers", func(provider gjson.Result) { inside(provider, "client_ids", n.Policy) })
		}
		return true
	})
}

// inside calls f for each element of the field of an object.
func inside(object gjson.Result, field string, f func(gjson.Result)) {
	object.ForEach(func(name, value gjson.Result) bool {
		if is(name, field) {
			each(value, f)
		}
		return true
	})
}

func is(name gjson.Result, field string) bool { return strings.EqualFold(name.Str, field) }

func call(f func(gjson.Result), v gjson.Result) {
	if f != nil {
		f(v)
	}
}

// each calls f for each element of a list, or each value of an object.
func each(v gjson.Result, f func(gjson.Result)) {
	if f == nil || !v.IsArray() && !v.IsObject() {
		return
	}
	v.ForEach(func(_, element gjson.Result) bool {
		f(element)
		return true
	})
}
