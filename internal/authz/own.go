package authz

import (
	"slices"

	"gatehouse/internal/core"
)

// StaysOwner refuses to have an actor, who sees less than there is, leave an API without them among its owners. What
// nobody owns yet, they may make theirs. next replaces old; nil is none.
func (a Actor) StaysOwner(next, old *core.Api) error {
	owners := next.Owners()
	if len(owners) == 0 && (old == nil || len(old.Owners()) == 0) {
		return nil
	}
	if slices.ContainsFunc(a.Owning, func(id string) bool { return slices.Contains(owners, id) }) {
		return nil
	}
	return core.Errorf(core.CodeForbidden,
		"access denied: only an administrator may leave an API without you, or a group of yours, among its owners",
	).In("user_owners")
}
