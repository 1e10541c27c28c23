// Package permission knows what people may do: the names of the permissions, their levels, what a document grants, and
// how the permissions of a person and of the groups that they belong to combine.
//
// The words are those of the legacy dashboard's user_permissions: {"apis": "write", "keys": "read"}. A permission that
// is not there grants nothing, and so does deny; read lets read, write and admin let read and write.
package permission

import (
	"encoding/json"
	"maps"
	"slices"
)

// The permissions with a meaning of their own; all others open a part of the API.
const (
	// IsAdmin makes an administrator, who may do all that no deny on their own record forbids. It has one level: admin.
	IsAdmin = "IsAdmin"
	// ResetPassword lets an administrator set the passwords of others. The admin secret alone gives it.
	ResetPassword = "ResetPassword"
	// OwnedAnalytics narrows Analytics to what the user owns.
	OwnedAnalytics = "owned_analytics"
)

// The levels of a permission, the lowest first.
const (
	Deny  = "deny"
	Read  = "read"
	Write = "write"
	Admin = "admin"
)

// ranks orders the levels. Any other text is as if the permission were not there.
var ranks = map[string]int{Deny: 1, Read: 2, Write: 3, Admin: 4}

// IsLevel tells whether a text is the name of a level.
func IsLevel(level string) bool { return ranks[level] > 0 }

// Permission is one that people can be given.
type Permission struct {
	// Name is that in documents.
	Name string
	// Label is what people call it.
	Label string
	// Levels are those that make a difference beside deny, the lowest first.
	Levels []string
}

// Known are the permissions that Gatehouse knows, in the order in which people are shown them. ResetPassword is not
// among them, since nobody gives it in a document.
func Known() []Permission {
	read, write := []string{Read}, []string{Read, Write}
	return []Permission{
		{IsAdmin, "Administrator", []string{Admin}},
		{"analytics", "Analytics", read},
		{OwnedAnalytics, "Analytics of owned APIs only", read},
		{"apis", "APIs", write},
		{"api_assets", "API templates", write},
		{"mcp", "MCP", write},
		{"keys", "Keys", write},
		{"oauth", "OAuth clients", write},
		{"policies", "Policies", write},
		{"portal", "Portal", write},
		{"hooks", "Webhooks", write},
		{"certs", "Certificates", write},
		{"users", "Users", write},
		{"user_groups", "User groups", write},
		{"idm", "Identity management", write},
		{"log", "Logs", read},
		{"audit_logs", "Audit logs", read},
		{"websockets", "Real-time notifications", read},
		{"system", "System", write},
	}
}

// aliases are other names under which documents have a permission.
var aliases = map[string]string{"certificates": "certs", "logs": "log", "policy": "policies"}

// Name is the name of a permission, which a document may have under another.
func Name(in string) string {
	if name, ok := aliases[in]; ok {
		return name
	}
	return in
}

// Set is what somebody is given: levels by the names of permissions. The zero Set is nothing.
type Set map[string]string

// Of reads a Set of what a document holds, as texts: names that are aliases are read as what they stand for, and the
// higher level of two for the same counts. IsAdmin is "admin" or nothing: documents have "true" and "false" for it,
// too.
func Of(given map[string]string) Set {
	s := make(Set, len(given))
	for name, level := range given {
		switch {
		case name == IsAdmin && level == "true":
			level = Admin
		case name == IsAdmin && level == "false":
			continue
		}
		s.raise(Name(name), level)
	}
	return s
}

// raise gives a permission a level, where it does not have a higher one.
func (s Set) raise(name, level string) {
	if have, ok := s[name]; !ok || ranks[level] > ranks[have] {
		s[name] = level
	}
}

// IsAdmin tells whether these are the permissions of an administrator.
func (s Set) IsAdmin() bool { return s[IsAdmin] == Admin }

// Denies tells whether a permission is denied in so many words.
func (s Set) Denies(name string) bool { return s[Name(name)] == Deny }

// Allows tells whether a permission lets do something: write, or else read. An administrator may do all that is not
// denied.
func (s Set) Allows(name string, write bool) bool {
	needed := ranks[Read]
	if write {
		needed = ranks[Write]
	}
	return ranks[s.Level(Name(name))] >= needed
}

// With are the permissions of somebody with these of their own who belongs to groups: of each the highest level.
// Groups make nobody an administrator, let nobody set passwords, and change nothing of what an administrator may.
func (s Set) With(groups ...Set) Set {
	if len(groups) == 0 || s.IsAdmin() {
		return s
	}
	out := make(Set, len(s))
	maps.Copy(out, s)
	for _, g := range groups {
		for name, level := range g {
			if name != IsAdmin && name != ResetPassword {
				out.raise(name, level)
			}
		}
	}
	return out
}

// Exceeding is the first permission, by name, that next grants and these do not; "" when they grant all of it. Levels
// that grant nothing are no level to reach. An administrator has everything but what is denied them.
func (s Set) Exceeding(next Set) (name, level string) {
	for _, name := range slices.Sorted(maps.Keys(next)) {
		level := next[name]
		if ranks[level] > ranks[Deny] && ranks[level] > ranks[s.Level(name)] {
			return name, level
		}
	}
	if next.IsAdmin() {
		for _, name := range slices.Sorted(maps.Keys(s)) {
			if s.Denies(name) && !next.Denies(name) {
				return name, Admin
			}
		}
	}
	return "", ""
}

// Level is the one of a permission that counts, of an administrator, too; "" where there is none.
func (s Set) Level(name string) string {
	if s.IsAdmin() && !s.Denies(name) {
		return Admin
	}
	return s[name]
}

// Document is a Set as JSON.
func (s Set) Document() []byte {
	if s == nil {
		return []byte("{}")
	}
	raw, _ := json.Marshal(s) // texts can always be written
	return raw
}
