// Package definition knows which types gateways expect of the fields of API definitions, policies and sessions. One definition
// that a gateway cannot read makes it refuse them all, so what is saved here has to fit.
//
// Gateways decode with Go's encoding/json, so its rules count: names match whatever their case, null is fine almost everywhere,
// and numbers have to fit the integer that they go into. What gateways know is in fields.txt.
package definition

import (
	"fmt"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

// CheckApi checks a classic API definition, bare or under "api_definition". It returns an error with CodeInvalid that names the
// first field whose type gateways refuse, and what gateways may stumble over: fields that only newer ones know, or none. The
// document is valid JSON (core.ParseDocument).
func CheckApi(doc core.Document) (warnings []string, err error) {
	c := checker{effect: "gateways would refuse all definitions with it", owned: ownedByApi}
	if wrapped := doc.Get("api_definition"); wrapped.Exists() {
		c.path = []step{{name: "api_definition"}}
		return c.check("APIDefinition", wrapped)
	}
	return c.check("APIDefinition", gjson.ParseBytes(doc))
}

// CheckPolicy checks a policy, as CheckApi does.
func CheckPolicy(doc core.Document) (warnings []string, err error) {
	c := checker{effect: "gateways would refuse all policies with it", owned: ownedByPolicy}
	return c.check("Policy", gjson.ParseBytes(doc))
}

// CheckSession checks the session of a key, as CheckApi does.
func CheckSession(doc core.Document) (warnings []string, err error) {
	c := checker{effect: "gateways could not read the key with it", owned: ownedBySession}
	return c.check("SessionState", gjson.ParseBytes(doc))
}

// Fields at the top of a document that dashboards keep for themselves, and gateways do not know.
var (
	ownedByApi     = names("created_at", "updated_at", "is_site", "hook_references", "user_owners", "user_group_owners", "sort_by", "api_model")
	ownedByPolicy  = names("state", "access_rights_array", "auth_type", "auth_types", "graphql_enabled", "date_created", "user_owners", "user_group_owners")
	ownedBySession = names("_id", "key_id", "key_hash", "access_rights_array")
)

func names(list ...string) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, name := range list {
		set[name] = true
	}
	return set
}

// maxWarnings is how many warnings are spelled out.
const maxWarnings = 20

// summary is the warnings, with the number of those that were not spelled out.
func summary(warnings []string, more int) []string {
	if more > 0 {
		warnings = append(warnings, fmt.Sprintf("and %d more", more))
	}
	return warnings
}
