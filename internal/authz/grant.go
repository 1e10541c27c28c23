package authz

import (
	"gatehouse/internal/core"
	"gatehouse/internal/permission"
)

// MayGrant holds back an actor from giving somebody more than the actor has, or from changing somebody who has more.
// The sets are what users have with their groups, or what a group gives; next replaces old, nil is none. The admin
// secret gives everything.
func (a Actor) MayGrant(old, next permission.Set) error {
	if a.Admin || a.User == nil {
		return nil
	}
	for _, s := range []permission.Set{old, next} {
		if name, level := a.Permissions().Exceeding(s); name != "" {
			return core.Errorf(
				core.CodeForbidden,
				"access denied: you may not manage a user, or a group, with the permission %s: %s, which you do not have yourself",
				name,
				level,
			)
		}
	}
	return nil
}
