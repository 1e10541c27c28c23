package rest

import (
	"gatehouse/graph/model"
	"gatehouse/internal/core"
)

var openPolicyRoutes = []route{
	{"GET", "/api/org/opa", "openPolicy", (*call).getOpenPolicy, nil},
	{"PUT", "/api/org/opa", "setOpenPolicy", (*call).setOpenPolicy, legacyErrors{
		core.CodeMalformed: malformed400,
	}},
}

// openPolicy is what the legacy API shows of rules, with the name that it has for it.
type openPolicy struct {
	OpenPolicy struct {
		Enabled bool   `json:"enabled"`
		Rules   string `json:"rules"`
	} `json:"open_policy"`
}

func (c *call) getOpenPolicy() (reply, error) {
	p, err := found(c.Query.OpenPolicy(c.ctx))
	if err != nil {
		return nil, err
	}
	var out openPolicy
	out.OpenPolicy.Enabled, out.OpenPolicy.Rules = p.Enabled, p.Rules
	return shown(out), nil
}

// setOpenPolicy changes what the body has of enabled and rules; older clients send debug, too, which is a setting of
// the server.
func (c *call) setOpenPolicy() (reply, error) {
	doc, err := c.document()
	if err != nil {
		return nil, err
	}
	held := doc.Get("open_policy")
	if !held.IsObject() {
		return nil, core.InField("open_policy", "is required: an object with enabled, rules or both")
	}
	var in model.OpenPolicyInput
	switch enabled := held.Get("enabled"); {
	case enabled.IsBool():
		in.Enabled = new(enabled.Bool())
	case enabled.Exists():
		return nil, core.InField("open_policy.enabled", "must be true or false")
	}
	switch rules := held.Get("rules"); {
	case rules.Type.String() == "String":
		in.Rules = new(rules.Str)
	case rules.Exists():
		return nil, core.InField("open_policy.rules", "must be a string")
	}
	if _, err := c.Mutation.SetOpenPolicy(c.ctx, in); err != nil {
		return nil, err
	}
	return done("OPA rules has been updated on org level", nil), nil
}
