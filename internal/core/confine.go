package core

import (
	"bytes"
	"strings"

	"github.com/tidwall/gjson"
)

// Foreign tells what belongs to other organisations than the one that a document is of: public ids of APIs, and ids of
// policies.
type Foreign struct {
	Api    func(id string) bool
	Policy func(id string) bool
}

// NoPolicy is an id that no policy has. It stands where a document named a policy of another organisation: gateways
// refuse a key whose only policy does not exist, and would open everything to one without any.
const NoPolicy = ZeroID

// noRights is a right to an API that there is not: ids of APIs do not begin with a dot. Without any right, everything
// would be open.
const noRights = `".none":{"api_id":".none","versions":[]}`

// naming is called for what a document for gateways names, in the order of the document. Names of fields match as
// gateways match them, whatever their case.
type naming struct {
	// rights is called for each object of access rights.
	rights func(v gjson.Result)
	// policy is called for each id of a policy.
	policy func(v gjson.Result)
	// org is called for the id of the organisation, and customOrg for those in policies of the meta data.
	org, customOrg func(v gjson.Result)
	// custom is called for a list of policies in the meta data, before what is in it.
	custom func(v gjson.Result)
}

// unnamed ignores everything.
func unnamed() naming {
	ignore := func(gjson.Result) {}
	return naming{rights: ignore, policy: ignore, org: ignore, customOrg: ignore, custom: ignore}
}

// session walks through the session of a key, or a policy. Policies that stand in the meta data are applied by gateways
// in the place of those that the key names.
func (n naming) session(doc gjson.Result) {
	doc.ForEach(func(name, value gjson.Result) bool {
		switch {
		case is(name, "access_rights") && value.IsObject():
			n.rights(value)
		case is(name, "apply_policy_id"):
			n.policy(value)
		case is(name, "apply_policies"):
			each(value, n.policy)
		case is(name, "org_id"):
			n.org(value)
		case is(name, "meta_data"):
			value.ForEach(func(name, policies gjson.Result) bool {
				if name.Str == "policies" && policies.IsArray() {
					n.custom(policies)
					each(policies, n.customPolicy)
				}
				return true
			})
		}
		return true
	})
}

func (n naming) customPolicy(policy gjson.Result) {
	policy.ForEach(func(name, value gjson.Result) bool {
		switch {
		case is(name, "access_rights") && value.IsObject():
			n.rights(value)
		case is(name, "org_id"):
			n.customOrg(value)
		}
		return true
	})
}

// definition walks through the definition of an API.
func (n naming) definition(doc gjson.Result) {
	doc.ForEach(func(name, value gjson.Result) bool {
		switch {
		case is(name, "org_id"):
			n.org(value)
		case is(name, "jwt_default_policies"), is(name, "jwt_scope_to_policy_mapping"):
			each(value, n.policy)
		case is(name, "scopes"):
			each(value, func(claims gjson.Result) { inside(claims, "scope_to_policy", n.policy) })
		case is(name, "openid_options"):
			inside(value, "providers", func(provider gjson.Result) { inside(provider, "client_ids", n.policy) })
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

// each calls f for each element of a list, or each value of an object.
func each(v gjson.Result, f func(gjson.Result)) {
	if !v.IsArray() && !v.IsObject() {
		return
	}
	v.ForEach(func(_, element gjson.Result) bool {
		f(element)
		return true
	})
}

// NamedPolicies are the ids of the policies that the session of a key applies.
func NamedPolicies(session Document) (ids []string) {
	n := unnamed()
	n.policy = textsInto(&ids)
	n.session(gjson.ParseBytes(session))
	return ids
}

// CheckCustomPolicies holds for policies in the meta data of a session, of a policy or of an OAuth client, which
// gateways apply in the place of those that a key names: they are of the organisation, and there are some. Of an empty
// list gateways apply none, and let a key that has no rights of its own into everything.
func CheckCustomPolicies(org string, doc Document) (err error) {
	n := unnamed()
	n.custom = func(v gjson.Result) {
		if err == nil && len(v.Array()) == 0 {
			err = InField(
				"meta_data.policies",
				"must not be an empty list, which gateways would apply in the place of the policies of a key: leave it out",
			)
		}
	}
	n.customOrg = func(v gjson.Result) {
		if err == nil && v.Type != gjson.Null && v.Str != org {
			err = InField("meta_data.policies", "must hold policies of the organisation, with its id as org_id")
		}
	}
	n.session(gjson.ParseBytes(doc))
	return err
}

// PoliciesOfDefinition are the ids of the policies that the definition of an API gives to those who have no key of
// their own.
func PoliciesOfDefinition(definition Document) (ids []string) {
	n := unnamed()
	n.policy = textsInto(&ids)
	n.definition(gjson.ParseBytes(definition))
	return ids
}

func textsInto(ids *[]string) func(gjson.Result) {
	return func(v gjson.Result) {
		if v.Type == gjson.String && v.Str != "" {
			*ids = append(*ids, v.Str)
		}
	}
}

// confined collects what is written anew of a document. The rest of its text stays.
type confined struct {
	doc     Document
	foreign Foreign
	org     string
	// owned tells that the document says whose it is, and dropped that it named a policy of another organisation.
	owned, dropped bool
	out            bytes.Buffer
	last           int
}

// replace puts text in the place of a value, which lies behind the one before.
func (c *confined) replace(v gjson.Result, text string) {
	c.out.Write(c.doc[c.last:v.Index])
	c.out.WriteString(text)
	c.last = v.Index + len(v.Raw)
}

func (c *confined) text(v gjson.Result, text string) {
	if v.Type != gjson.String || v.Str != text {
		c.replace(v, string(gjson.AppendJSONString(nil, text)))
	}
}

func (c *confined) naming() naming {
	return naming{
		rights: func(v gjson.Result) {
			kept, dropped := rightsWithout(v, c.foreign.Api)
			if dropped {
				c.replace(v, kept)
			}
		},
		policy: func(v gjson.Result) {
			if v.Type == gjson.String && c.foreign.Policy(v.Str) {
				c.text(v, NoPolicy)
				c.dropped = true
			}
		},
		org: func(v gjson.Result) {
			c.owned = true
			c.text(v, c.org)
		},
		customOrg: func(v gjson.Result) { c.text(v, c.org) },
		custom: func(v gjson.Result) {
			if len(v.Array()) == 0 {
				c.replace(v, "null")
			}
		},
	}
}

// end is the whole document.
func (c *confined) end() Document {
	doc := c.doc
	if c.last > 0 {
		c.out.Write(c.doc[c.last:])
		doc = c.out.Bytes()
	}
	if !c.owned && c.org != "" {
		doc = doc.Set("org_id", c.org)
	}
	return doc
}

// ConfineSession returns the session of a key as gateways may have it: of its organisation, and without anything of
// others.
func ConfineSession(org string, session Document, foreign Foreign) Document {
	c := &confined{doc: session, foreign: foreign, org: org}
	c.naming().session(gjson.ParseBytes(session))
	out := c.end()
	if c.dropped && len(NamedApis(out)) == 0 {
		// Gateways before 5.8 let a key into everything that names several policies, none of which there is.
		out = out.SetRaw("access_rights", []byte("{"+noRights+"}"))
	}
	return out
}

// ConfinePolicy returns the document of a policy as gateways may have it, as ConfineSession does.
func ConfinePolicy(p *Policy, foreign Foreign) Document {
	explicit := p.Document.Text("id")
	if explicit == NoPolicy {
		explicit = ""
	}
	return ConfineSession(p.OrgID, p.Document, foreign).identified("_id", p.ID).identified("id", explicit)
}

// ConfineDefinition returns the definition of an API as gateways may have it, as ConfineSession does.
func ConfineDefinition(a *Api, definition Document, foreign Foreign) Document {
	c := &confined{doc: definition, foreign: foreign, org: a.OrgID}
	c.naming().definition(gjson.ParseBytes(definition))
	return c.end().identified("id", a.ID).identified("api_id", a.ApiID)
}

// identified has the field say who the document is, in whichever capitals it is spelled.
func (d Document) identified(field, value string) Document {
	c := &confined{doc: d, owned: true}
	gjson.ParseBytes(d).ForEach(func(name, v gjson.Result) bool {
		if is(name, field) {
			c.text(v, value)
		}
		return true
	})
	return c.end()
}

// rightsWithout is the text of access rights without those to some APIs, where there are such, and with noRights where
// nothing else is left.
func rightsWithout(rights gjson.Result, foreign func(apiID string) bool) (text string, dropped bool) {
	var kept []string
	rights.ForEach(func(key, value gjson.Result) bool {
		for _, id := range namedBy(key.Str, value) {
			if foreign(id) {
				dropped = true
				return true
			}
		}
		kept = append(kept, key.Raw+":"+value.Raw)
		return true
	})
	if dropped && kept == nil {
		kept = []string{noRights}
	}
	return "{" + strings.Join(kept, ",") + "}", dropped
}
