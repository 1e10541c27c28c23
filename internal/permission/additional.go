package permission

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// The bounds of additional permissions.
const (
	maxAdditional = 100
	maxName       = 100
	maxLabel      = 200
)

// Additional are permissions that an organisation, or the configuration, makes up: what people call them, by their
// names. They open nothing by themselves; rules in Rego ask for them. Nil is not having said anything of them.
type Additional map[string]string

// Check says what is wrong with additional permissions: too many, a name that cannot be one or that has a meaning
// already, a label that is too long.
func (a Additional) Check() error {
	if len(a) > maxAdditional {
		return fmt.Errorf("names %d permissions, more than %d", len(a), maxAdditional)
	}
	for _, name := range slices.Sorted(maps.Keys(a)) {
		switch {
		case name == "":
			return errors.New("has a permission without a name")
		case len(name) > maxName || strings.ContainsFunc(name, unicode.IsControl):
			return fmt.Errorf("%.20q... is no name: it must have at most %d bytes, without control characters", name, maxName)
		case isTaken(name):
			return fmt.Errorf("%q is a permission with a meaning of its own: choose another name", name)
		case len(a[name]) > maxLabel || strings.ContainsFunc(a[name], unicode.IsControl):
			return fmt.Errorf(
				"the label of %q must have at most %d bytes, without control characters", name, maxLabel,
			)
		}
	}
	return nil
}

// isTaken tells whether a name, in whatever case of letters, has a meaning: people would take one for the other.
func isTaken(name string) bool {
	if strings.EqualFold(name, ResetPassword) {
		return true
	}
	for alias := range aliases {
		if strings.EqualFold(name, alias) {
			return true
		}
	}
	return slices.ContainsFunc(Known(), func(p Permission) bool { return strings.EqualFold(p.Name, name) })
}

// Permissions are the additional permissions, by name.
func (a Additional) Permissions() []Permission {
	out := make([]Permission, 0, len(a))
	for _, name := range slices.Sorted(maps.Keys(a)) {
		out = append(out, Permission{Name: name, Label: cmp.Or(a[name], name), Levels: []string{Read, Write}})
	}
	return out
}
