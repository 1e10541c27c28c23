package reference

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"gatehouse/internal/core"
)

// namedOfEach is how many of each kind a refusal names.
const namedOfEach = 3

// Unused refuses, with core.CodeConflict, an object that another needs to work as it does. It names the first of each
// kind that may be read, by their names alone: the id of a key may be its token. Who may not see a kind learns that
// there are others, and not how many.
//
// It is asked right before the object is deleted, and what is saved in between dangles, as what is saved afterwards.
func (u *Uses) Unused(ctx context.Context, kind *core.Kind, o core.Object) error {
	name, uses := u.of(o)
	var by []string
	hidden := false
	for _, use := range uses {
		if !use.breaks {
			continue
		}
		n, err := use.source.Count(ctx, o.Base().OrgID, name)
		switch {
		case err != nil:
			return err
		case n == 0:
			continue
		case !u.may(ctx, use.by.Name):
			hidden = true
			continue
		}
		found, _, err := use.source.namers(ctx, o.Base().OrgID, name, namedOfEach, nil)
		if err != nil {
			return err
		}
		by = append(by, described(use.by, n, found))
	}
	if hidden {
		by = append(by, "others that you may not see")
	}
	if len(by) == 0 {
		return nil
	}
	return core.Errorf(core.CodeConflict, "the %s is in use, by %s: change them first, or delete it with force: true",
		kind.Word, strings.Join(by, ", and by "))
}

// described is how many there are of a kind, with the names of some.
func described(kind *core.Kind, n int, some []named) string {
	what := kind.Plural
	if n == 1 {
		what = kind.Word
	}
	var names []string
	for _, o := range some {
		if o.Name != "" {
			names = append(names, strconv.Quote(core.Clip(o.Name)))
		}
	}
	if len(names) == 0 {
		return fmt.Sprintf("%d %s", n, what)
	}
	if n > len(names) {
		names = append(names, "...")
	}
	return fmt.Sprintf("%d %s (%s)", n, what, strings.Join(names, ", "))
}

// UnlessUsed is a finder of an object to delete that refuses what is in use, unless force is true.
func UnlessUsed[T any, P interface {
	*T
	core.Object
}](ctx context.Context, u *Uses, kind *core.Kind, force *bool, find func() (*T, error)) func() (*T, error) {
	return func() (*T, error) {
		o, err := find()
		if err != nil || force != nil && *force {
			return o, err
		}
		return o, u.Unused(ctx, kind, P(o))
	}
}
