package recovery

import (
	"context"
	"errors"
	"strings"
	"time"

	"gatehouse/internal/core"
	"gatehouse/internal/edit"
	"gatehouse/store"
)

// Reset sets the password of the user whom a link was sent to, and ends all of their links, in one write. A link that
// was used, is over, or is none changes nothing; one whose password is refused can be tried again.
func (r *Recovery) Reset(ctx context.Context, token, password string) error {
	if wait := r.trying.Take(r.address(ctx)); wait > 0 {
		return tooMany(wait,
			"there were too many tries to set a new password from your address: wait as long as Retry-After says")
	}
	var held *core.Setting
	var before *core.User
	find := func() (_ *core.User, err error) {
		held, before, err = r.opened(ctx, token)
		return before, err
	}
	write := func(ctx context.Context, next *core.User) error {
		return r.o.Users.UpdateWith(ctx, before, next, r.o.Store.Settings.Deleting(held))
	}
	_, err := edit.Change(ctx, r.o.Editor, core.UserKind, write, nil, find, func(old *core.User) (*core.User, error) {
		next := *old
		return &next, r.o.Users.RecoverPassword(ctx, &next, password)
	})
	return err
}

// sweepEvery is how often notes are looked through whose links are over.
const sweepEvery = time.Hour

func (r *Recovery) sweeping(ctx context.Context) {
	for {
		if err := r.sweep(ctx); err != nil && ctx.Err() == nil {
			r.o.Log.WarnContext(ctx, "links to set new passwords could not be looked through", "error", err)
		}
		rest := time.NewTimer(sweepEvery)
		select {
		case <-ctx.Done():
			rest.Stop()
			return
		case <-rest.C:
		}
	}
}

// sweep forgets the notes that were not written for as long as a link holds.
func (r *Recovery) sweep(ctx context.Context) error {
	over := r.o.Store.Now().Add(-Lasts)
	q := store.Query{
		Tenant: store.AllTenants(), Sort: "id", Limit: 500, Where: []store.Cond{store.Contains("id", notePrefix)},
	}
	for {
		page, err := r.o.Store.Settings.List(ctx, q)
		if err != nil {
			return err
		}
		for _, n := range page.Objects {
			if !strings.HasPrefix(n.ID, notePrefix) || n.UpdatedAt.After(over) {
				continue
			}
			if err := r.o.Store.Settings.Delete(ctx, n); err != nil && !errors.Is(err, store.ErrStale) {
				return err
			}
		}
		if !page.More {
			return nil
		}
		q.After = page.Cursors[len(page.Cursors)-1]
	}
}
