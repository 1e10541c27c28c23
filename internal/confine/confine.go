// Package confine holds documents for gateways to the organisation that each is of, and says which policies they name.
//
// It exists because gateways that organisations share ask nobody whose an API or a policy is: what a session, a policy
// or a definition names of others is taken out of it, before gateways are told of it. It needs no I/O, and is a part of
// the domain, as core.
package confine

import (
	"bytes"
	"strings"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

// Foreign tells what belongs to other organisations than the one that a document is of: public ids of APIs, and ids of
// policies.
type Foreign struct {
	Api    func(id string) bool
	Policy func(id string) bool
}

// NoPolicy is an id that no policy has. It stands where a document named a policy of another organisation: gateways
// refuse a key whose only policy does not exist, and would open everything to one without any.
const NoPolicy = core.ZeroID

// noRights is a right to an API that there is not: ids of APIs do not begin with a dot. Without any right, everything
// would be open.
const noRights = `".none":{"api_id":".none","versions":[]}`

// NamedPolicies are the ids of the policies that the session of a key applies.
func NamedPolicies(session core.Document) (ids []string) {
	core.Naming{Policy: textsInto(&ids)}.Session(gjson.ParseBytes(session))
	return ids
}

// CheckCustomPolicies holds for policies in the meta data of a session, of a policy or of an OAuth client, which
// gateways apply in the place of those that a key names: they are of the organisation, and there are some. Of an empty
// list gateways apply none, and let a key that has no rights of its own into everything.
func CheckCustomPolicies(org string, doc core.Document) (err error) {
	var n core.Naming
	n.Custom = func(v gjson.Result) {
		if err == nil && len(v.Array()) == 0 {
			err = core.InField(
				"meta_data.policies",
				"must not be an empty list, which gateways would apply in the place of the policies of a key: leave it out",
			)
		}
	}
	n.CustomOrg = func(v gjson.Result) {
		if err == nil && v.Type != gjson.Null && v.Str != org {
			err = core.InField("meta_data.policies", "must hold policies of the organisation, with its id as org_id")
		}
	}
	n.Session(gjson.ParseBytes(doc))
	return err
}

// PoliciesOfDefinition are the ids of the policies that the definition of an API gives to those who have no key of
// their own.
func PoliciesOfDefinition(definition core.Document) (ids []string) {
	core.Naming{Policy: textsInto(&ids)}.Definition(gjson.ParseBytes(definition))
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
	doc     core.Document
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

func (c *confined) naming() core.Naming {
	return core.Naming{
		Rights: func(v gjson.Result) {
			kept, dropped := rightsWithout(v, c.foreign.Api)
			if dropped {
				c.replace(v, kept)
			}
		},
		Policy: func(v gjson.Result) {
			if v.Type == gjson.String && c.foreign.Policy(v.Str) {
				c.text(v, NoPolicy)
				c.dropped = true
			}
		},
		Org: func(v gjson.Result) {
			c.owned = true
			c.text(v, c.org)
		},
		CustomOrg: func(v gjson.Result) { c.text(v, c.org) },
		Custom: func(v gjson.Result) {
			if len(v.Array()) == 0 {
				c.replace(v, "null")
			}
		},
	}
}

// end is the whole document.
func (c *confined) end() core.Document {
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

// Session returns the session of a key as gateways may have it: of its organisation, and without anything of others.
func Session(org string, session core.Document, foreign Foreign) core.Document {
	c := &confined{doc: session, foreign: foreign, org: org}
	c.naming().Session(gjson.ParseBytes(session))
	out := c.end()
	if c.dropped && len(core.NamedApis(out)) == 0 {
		// Gateways before 5.8 let a key into everything that names several policies, none of which there is.
		out = out.SetRaw("access_rights", []byte("{"+noRights+"}"))
	}
	return out
}

// Policy returns the document of a policy as gateways may have it, as Session does.
func Policy(p *core.Policy, foreign Foreign) core.Document {
	explicit := p.Document.Text("id")
	if explicit == NoPolicy {
		explicit = ""
	}
	doc := identified(Session(p.OrgID, p.Document, foreign), "_id", p.ID)
	return identified(doc, "id", explicit)
}

// Definition returns the definition of an API as gateways may have it, as Session does.
func Definition(a *core.Api, definition core.Document, foreign Foreign) core.Document {
	c := &confined{doc: definition, foreign: foreign, org: a.OrgID}
	c.naming().Definition(gjson.ParseBytes(definition))
	return identified(identified(c.end(), "id", a.ID), "api_id", a.ApiID)
}

// identified has the field say who the document is, in whichever capitals it is spelled.
func identified(doc core.Document, field, value string) core.Document {
	c := &confined{doc: doc, owned: true}
	gjson.ParseBytes(doc).ForEach(func(name, v gjson.Result) bool {
		if strings.EqualFold(name.Str, field) {
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
		for _, id := range core.NamedBy(key.Str, value) {
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
