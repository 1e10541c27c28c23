package authz

import "gatehouse/internal/core"

// ranks orders the levels of a permission.
var ranks = map[string]int{"deny": 0, "": 1, "read": 2, "write": 3, "admin": 4}

// MayManage holds back an actor who is no administrator from making a user who may do more than the actor, or from
// changing one who already may. old is what next replaces, nil for a new one.
func (a Actor) MayManage(next, old *core.User) error {
	if a.Admin || a.User == nil || a.User.IsAdmin() {
		return nil
	}
	for _, u := range []*core.User{old, next} {
		if u == nil {
			continue
		}
		for permission, level := range u.Permissions {
			if ranks[level] > ranks[a.User.Permissions[permission]] && ranks[level] > ranks["deny"] {
				return core.Errorf(
					core.CodeForbidden,
					"access denied: you may not manage a user with the permission %s: %s, which you do not have yourself",
					permission,
					level,
				)
			}
		}
	}
	return nil
}
