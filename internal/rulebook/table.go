package rulebook

import (
	"cmp"
	"regexp"

	"gatehouse/internal/core"
	"gatehouse/internal/rules"
)

// expression is a row that is ready to match.
type expression struct {
	rules.Row
	rx *regexp.Regexp
}

// Table are the permissions with the expressions of the paths that need them, in the words of the legacy dashboard. Of
// one permission, the first expression that matches counts.
func Table() []rules.Row {
	return []rules.Row{
		{Permission: "analytics", Expression: `^/api/(usage|uptime|activity|analytics)(/|$)`},
		{Permission: "keys", Expression: `^/api/keys(/|$)`},
		{Permission: "keys", Expression: `^/api/apis/keys(/|$)`},
		{Permission: "keys", Expression: `^/api/apis/[^/]+/keys(/|$)`},
		{Permission: "oauth", Expression: `^/api/apis/oauth(/|$)`},
		{Permission: "oauth", Expression: `^/api/apis/[^/]+/(authorize-client|revoke|revoke_all)$`},
		{Permission: "apis", Expression: `^/api/apis(/|$)`},
		{Permission: "apis", Expression: `^/api/schemas?(/|$)`},
		{Permission: "apis", Expression: `^/api/(examples|data-graphs|cache)(/|$)`},
		{Permission: "apis", Expression: `^/api/proxy$`},
		{Permission: "api_assets", Expression: `^/api/assets(/|$)`},
		{Permission: "mcp", Expression: `^/api/mcps(/|$)`},
		{Permission: "policies", Expression: `^/api/portal/policies(/|$)`},
		{Permission: "portal", Expression: `^/api/portal(/|$)`},
		{Permission: "hooks", Expression: `^/api/hooks(/|$)`},
		{Permission: "certs", Expression: `^/api/certs(/|$)`},
		{Permission: "certs", Expression: `^/api/org/notifications$`},
		{Permission: "ResetPassword", Expression: `^/api/users/[^/]+/actions/reset$`},
		{Permission: "users", Expression: `^/api/users(/|$)`},
		{Permission: "user_groups", Expression: `^/api/usergroups(/|$)`},
		{Permission: "idm", Expression: `^/api/tib(/|$)`},
		{Permission: "log", Expression: `^/api/logs(/|$)`},
		{Permission: "websockets", Expression: `^/api/changes$`},
		{Permission: "system", Expression: `^/api/system(/|$)`},
		{Permission: "system", Expression: `^/api/gateways(/|$)`},
		{Permission: "audit_logs", Expression: `^/api/audit-logs(/|$)`},
		{Permission: "IsAdmin", Expression: `^/api/org/(opa|opa/rehearsal|permissions|access)$`},
	}
}

// row is the one of a permission that judges a path. A path that no row of it matches has one of its own: what an
// operation needs is what its @operation says.
func (b *Book) row(permission, path string) rules.Row {
	for _, e := range b.rows {
		if e.Permission == permission && e.rx.MatchString(path) {
			return e.Row
		}
	}
	return rules.Row{Permission: permission, Expression: "^" + regexp.QuoteMeta(path) + "$"}
}

// collection is the path that stands for all that a permission opens.
func collection(permission string) string {
	return "/api/" + cmp.Or(map[string]string{
		"policies": "portal/policies", "user_groups": "usergroups", "oauth": "apis/oauth", "audit_logs": "audit-logs",
		"analytics": "usage", "idm": "tib", "log": "logs", "mcp": "mcps", "api_assets": "assets", "websockets": "changes",
	}[permission], permission)
}

// shape says how the body of a REST request shows a document, and what a changed body makes of it.
type shape struct {
	body     func(doc core.Document) core.Document
	document func(doc, body core.Document) core.Document
}

// carried tells whether a call of an operation leads to a document, which its rules judge, and how they see it.
func carried(operation string) (shape, bool) {
	switch operation {
	case "createApi", "updateApi", "patchApi",
		"createPolicy", "updatePolicy", "patchPolicy",
		"createKey", "createBasicAuthUser", "updateKey", "patchKey",
		"createUser", "updateUser", "patchUser",
		"createUserGroup", "updateUserGroup", "patchUserGroup",
		"createWebhook", "updateWebhook", "patchWebhook",
		"createPortalDocument", "updatePortalDocument", "patchPortalDocument":
		return shape{
			body:     func(doc core.Document) core.Document { return doc },
			document: func(_, body core.Document) core.Document { return body },
		}, true
	case "setApiOwners":
		return shape{ownersOf, withOwners}, true
	}
	return shape{}, false
}

// owners are the fields of the body of /access, and those of the document that they are.
var owners = [][2]string{{"userIds", "user_owners"}, {"userGroupIds", "user_group_owners"}}

func ownersOf(doc core.Document) core.Document {
	body := core.Document("{}")
	for _, o := range owners {
		if v := doc.Get(o[1]); v.IsArray() {
			body = body.SetRaw(o[0], []byte(v.Raw))
		}
	}
	return body
}

func withOwners(doc, body core.Document) core.Document {
	for _, o := range owners {
		if v := body.Get(o[0]); v.Exists() {
			doc = doc.SetRaw(o[1], []byte(v.Raw))
		}
	}
	return doc
}
