package core

import (
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// deferring are what gateways replace by a value of theirs, wherever it stands in a text.
var deferring = []string{"env://", "secrets://", "consul://", "vault://", "kv://", "$secret_", "$kv{", "$env{"}

// Deferred tells whether a text, or a part of it, is put in by the gateway, from its environment, its configuration, a
// file or a store of secrets: it is not judged as if it were the value.
func Deferred(text string) bool {
	return strings.HasPrefix(text, "file://") ||
		slices.ContainsFunc(deferring, func(mark string) bool { return strings.Contains(text, mark) })
}

// Added are those of names that were not there before, in their order: a save is judged by what it adds, so that what
// dangles already can be switched off, patched, and put back.
func Added(names, before []string) []string {
	had := make(map[string]bool, len(before))
	for _, name := range before {
		had[name] = true
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return had[name] })
}

// MissingApis refuses access rights to APIs that there are not; none is fine. The words are the same for what nobody
// has and for what is another organisation's: who asks does not learn more.
func MissingApis(ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	return InField("access_rights", "name APIs that do not exist in the organisation: %s", SomeOf(ids)).
		In("access_rights." + ids[0])
}

// MissingPolicies refuses policies of a key that there are not; none is fine.
func MissingPolicies(ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	return InField("apply_policies", "names policies that do not exist in the organisation: %s", SomeOf(ids)).
		In("apply_policies." + ids[0])
}

// DanglingApis and DanglingPolicies say of what is kept that it names what there is not (yet, or any more).
func DanglingApis(ids []string) string {
	return "access_rights name APIs that do not exist in the organisation: " + SomeOf(ids)
}

// DanglingPolicies does so for the policies of a key.
func DanglingPolicies(ids []string) string {
	return "apply_policies name policies that do not exist in the organisation: " + SomeOf(ids)
}

// WithPolicyIDs returns a session that names policies by the ids under which gateways know them. known are those ids,
// by what the session may have for them; each policy stands in the list once.
func (d Document) WithPolicyIDs(known map[string]string) Document {
	if one := d.Text("apply_policy_id"); known[one] != "" && known[one] != one {
		d = d.Set("apply_policy_id", known[one])
	}
	list := d.Get("apply_policies")
	changed, seen, named := false, map[string]bool{}, []string{}
	list.ForEach(func(_, id gjson.Result) bool {
		name := id.Str
		if other := known[name]; other != "" && other != name {
			name, changed = other, true
		}
		if !seen[name] {
			named = append(named, name)
		}
		seen[name] = true
		return true
	})
	if !changed {
		return d
	}
	return d.Set("apply_policies", named)
}
