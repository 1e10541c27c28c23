// Package definition knows which types gateways expect of the fields of API definitions, policies and sessions. One
// definition that a gateway cannot read makes it refuse them all, so what is saved here has to fit.
//
// Gateways decode with Go's encoding/json, so its rules count: names match whatever their case, null is fine almost
// everywhere, and numbers have to fit the integer that they go into. What gateways know is in fields.txt.
package definition

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

// Release is a release of gateways, by what it counts: a hundred times the first number and the second, so that 5.5 is
// 505.
type Release int

// Oldest is the first release whose gateways are supported, and newest the one that fields.txt was read from.
const (
	Oldest Release = 505
	newest Release = 515
)

// ParseRelease reads a release such as "5.5".
func ParseRelease(text string) (Release, error) {
	major, minor, ok := strings.Cut(text, ".")
	a, err1 := strconv.Atoi(major)
	b, err2 := strconv.Atoi(minor)
	if !ok || err1 != nil || err2 != nil || a < 0 || a > 99 || b < 0 || b > 99 {
		return 0, core.Errorf(core.CodeInvalid, "%q is no release of gateways, such as 5.5", clip(text))
	}
	return Release(100*a + b), nil
}

// Rules check documents for gateways from a release on. They are safe for concurrent use.
type Rules struct{ oldest Release }

// New returns the rules for an installation whose oldest gateway is of that release; 0 is Oldest.
func New(oldest Release) Rules {
	if oldest == 0 {
		oldest = Oldest
	}
	return Rules{oldest: oldest}
}

// rulesVersion grows with each change of what the rules find, so that what was found by earlier ones is looked at anew.
const rulesVersion = 9

// Version is the same for rules that find the same.
func (r Rules) Version() string { return fmt.Sprintf("%d-%d", rulesVersion, r.oldest) }

// Fault says why gateways must not be given a definition, wrapped or bare; "" where they may.
func (r Rules) Fault(doc core.Document) string {
	if _, err := r.CheckApi(doc); err != nil {
		return core.AsError(err).Message
	}
	return ""
}

// CheckApi checks a classic API definition, bare or under "api_definition". It returns an error with CodeInvalid that
// names the first field whose type gateways refuse, and what gateways may stumble over: fields that only newer ones
// know, or none. The document is valid JSON (core.ParseDocument).
func (r Rules) CheckApi(doc core.Document) (warnings []string, err error) {
	warnings, _, err = r.judgeApi(doc)
	return warnings, err
}

// judgeApi also tells which of the warnings are of what a save may not add.
func (r Rules) judgeApi(doc core.Document) (warnings []string, misreads []misread, err error) {
	c := checker{oldest: r.oldest, effect: "gateways would refuse all definitions with it", owned: ownedByApi}
	definition := gjson.ParseBytes(doc)
	wrapped := doc.Get("api_definition")
	if wrapped.Exists() {
		c.path = []step{{name: "api_definition"}}
		definition = wrapped
	}
	warnings, err = c.check("APIDefinition", definition)
	if wrapped.Exists() {
		warnings = append(warnings, misplaced(doc, warnings)...)
	}
	return warnings, c.misreads, err
}

// CheckPolicy checks a policy, as CheckApi does.
func (r Rules) CheckPolicy(doc core.Document) (warnings []string, err error) {
	c := checker{oldest: r.oldest, effect: "gateways would refuse all policies with it", owned: ownedByPolicy}
	return c.check("Policy", gjson.ParseBytes(doc))
}

// CheckSession checks the session of a key, as CheckApi does.
func (r Rules) CheckSession(doc core.Document) (warnings []string, err error) {
	c := checker{oldest: r.oldest, effect: "gateways could not read the key with it", owned: ownedBySession}
	return c.check("SessionState", gjson.ParseBytes(doc))
}

// Fields at the top of a document that dashboards keep for themselves, and gateways do not know.
var (
	ownedByApi = names(
		"created_at",
		"updated_at",
		"is_site",
		"hook_references",
		"user_owners",
		"user_group_owners",
		"sort_by",
		"api_model",
	)
	ownedByPolicy = names(
		"state",
		"access_rights_array",
		"auth_type",
		"auth_types",
		"graphql_enabled",
		"date_created",
		"user_owners",
		"user_group_owners",
	)
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

// misplaced warns of the fields of definitions that stand beside one, where gateways do not see them. Those that
// dashboards keep there are none, though some are called as a field is.
func misplaced(doc core.Document, already []string) (warnings []string) {
	known := types()["APIDefinition"].fields
	gjson.ParseBytes(doc).ForEach(func(key, _ gjson.Result) bool {
		name := key.Str
		if known[name] == nil || ownedByApi[name] || name == "id" || name == "org_id" {
			return true
		}
		if len(already)+len(warnings) >= maxWarnings {
			return false
		}
		warnings = append(warnings, name+" stands beside api_definition, where gateways do not read it: write it in there")
		return true
	})
	return warnings
}
