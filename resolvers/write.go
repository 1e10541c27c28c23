package resolvers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// object is a pointer to one of the stored types.
type object[T any] interface {
	*T
	Base() *core.Meta
}

// writer is the part of a repository, or of the key space, that changes objects.
type writer[T any] interface {
	Update(ctx context.Context, object *T) error
	Delete(ctx context.Context, object *T) error
}

// lastWins is how often a write that names no revision is tried again when another came between. Each try means that somebody
// else's write went through, so a caller runs out of tries only behind as many others.
const lastWins = 50

// edit changes one object. find reads it, past the read cache; change returns what it shall be, or nil when nothing changes.
// With a revision, a stale one gets CodeStale; without, the last write wins. What is returned is stored and announced.
func edit[T any, P object[T]](ctx context.Context, r *Resolver, name string, repo writer[T], revision *int,
	find func() (*T, error), change func(old *T) (*T, error)) (*T, error) {
	racer := racer{r: r}
	defer racer.end()
	for try := 1; ; try++ {
		old, err := find()
		if err != nil {
			return nil, err
		}
		if err := fresh(P(old).Base(), revision); err != nil {
			return nil, err
		}
		next, err := change(old)
		if err != nil {
			return nil, err
		}
		if next == nil {
			return old, nil
		}
		switch err := r.growing(ctx, P(next).Base().OrgID, old, next, func() error { return repo.Update(ctx, next) }); {
		case err == nil:
			r.changed(ctx, core.ChangeUpdated, name, P(next).Base())
			return next, nil
		case errors.Is(err, store.ErrStale) && revision == nil && try < lastWins:
			if err := racer.again(ctx, try, P(old).Base().ID); err != nil {
				return nil, err
			}
		default:
			return nil, r.writeError(ctx, name, err)
		}
	}
}

// remove deletes one object; the rest is as in edit.
func remove[T any, P object[T]](ctx context.Context, r *Resolver, name string, repo writer[T], revision *int, find func() (*T, error)) (*T, error) {
	racer := racer{r: r}
	defer racer.end()
	for try := 1; ; try++ {
		old, err := find()
		if err != nil {
			return nil, err
		}
		if err := fresh(P(old).Base(), revision); err != nil {
			return nil, err
		}
		switch err := repo.Delete(ctx, old); {
		case err == nil:
			r.measured.add(P(old).Base().OrgID, -size(old))
			r.changed(ctx, core.ChangeDeleted, name, P(old).Base())
			return old, nil
		case errors.Is(err, store.ErrStale) && revision == nil && try < lastWins:
			if err := racer.again(ctx, try, P(old).Base().ID); err != nil {
				return nil, err
			}
		default:
			return nil, r.writeError(ctx, name, err)
		}
	}
}

func fresh(m *core.Meta, revision *int) error {
	if revision == nil || int64(*revision) == m.Revision {
		return nil
	}
	return core.Errorf(core.CodeStale, "the object is at revision %d, not %d: read it again, and make the change to what you find", m.Revision, *revision)
}

// racer is a caller whose writes may come behind those of others.
type racer struct {
	r *Resolver
	// turn ends the turn that it has of the object that it changes; nil while it has none.
	turn func()
}

// again waits before another try: first for those of this process that want the same object and came before, then, with the turn, for
// other servers.
func (c *racer) again(ctx context.Context, try int, id string) error {
	if c.turn != nil {
		return pause(ctx, try)
	}
	end, err := c.r.turns.Take(ctx, id)
	if err != nil {
		return core.Wrap(core.CodeUnavailable, err, "the request took too long")
	}
	c.turn = end
	return nil
}

func (c *racer) end() {
	if c.turn != nil {
		c.turn()
	}
}

// pause waits a little, longer and at random with each try, so that racers part.
func pause(ctx context.Context, try int) error {
	select {
	case <-time.After(time.Duration(rand.IntN(try*2000)+100) * time.Microsecond): //nolint:gosec // racers part; nothing is secret
		return nil
	case <-ctx.Done():
		return core.Wrap(core.CodeUnavailable, ctx.Err(), "the request took too long")
	}
}

// one makes a finder of an object past the read cache.
func one[T any](ctx context.Context, name string, find func(ctx context.Context, t store.Tenant, unique string, ids []string) ([]*T, error),
	t store.Tenant, lookups ...[2]string) (*T, error) {
	for _, l := range lookups {
		if l[1] == "" {
			continue
		}
		found, err := find(ctx, t, l[0], []string{l[1]})
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			return found[0], nil
		}
	}
	return nil, notFound(name)
}

// notFound is the same for what does not exist and for what is another organisation's.
func notFound(name string) error {
	return core.Errorf(core.CodeNotFound, "there is no such %s", label(name))
}

// label is the name of a type in a sentence.
func label(name string) string {
	switch name {
	case "Api":
		return "API"
	case "Organisation":
		return "organisation"
	case "Policy":
		return "policy"
	case "Key":
		return "key"
	case "User":
		return "user"
	case "Webhook":
		return "webhook"
	case "OauthClient":
		return "OAuth client"
	case "Certificate":
		return "certificate"
	}
	return name
}

// hidden turns the store's not-found into "no object": GraphQL fields that look one object up are null then.
func hidden[T any](object *T, err error) (*T, error) {
	if core.CodeOf(err) == core.CodeNotFound || errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return object, err
}

// writeError says what stood in the way of a write.
func (r *Resolver) writeError(ctx context.Context, name string, err error) error {
	var taken *store.ConflictError
	switch {
	case errors.Is(err, store.ErrStale):
		return core.Wrap(core.CodeStale, err, "the %s changed, or went, while it was being written: read it again", label(name))
	case !errors.As(err, &taken):
		return err
	}
	switch taken.Collection + "." + taken.Unique {
	case "apis.id", "apis.api_id":
		return core.Wrap(core.CodeConflict, err, "Found API with the same ID").In("api_definition.api_id")
	case "apis.slug":
		return core.Wrap(core.CodeConflict, err, "the slug is taken by the API %s: give another slug", r.apiName(ctx, taken.OtherID)).In("api_definition.slug")
	case "policies.name_key":
		return core.Wrap(core.CodeConflict, err, "This policy name has already been used. Enter a unique policy name.").In("name")
	case "users.email_key":
		return core.Wrap(core.CodeConflict, err, "User email already exists for this org.").In("email_address")
	case "webhooks.webhook_id":
		return core.Wrap(core.CodeConflict, err, "Duplicate webhook_id.").In("webhook_id")
	case "organisations.slug":
		return core.Wrap(core.CodeConflict, err, "another organisation has this owner_slug").In("owner_slug")
	case "organisations.cname":
		return core.Wrap(core.CodeConflict, err, "another organisation has this cname").In("cname")
	}
	return core.Wrap(core.CodeConflict, err, "another %s has the same ID", label(name))
}

// apiName names the API that holds what the caller wanted; only one of the caller's own organisation.
func (r *Resolver) apiName(ctx context.Context, id string) string {
	a, err := r.store.Apis.Find(ctx, tenant(ctx), id)
	if err != nil {
		return "that was there first"
	}
	return describe(a)
}

// inList says which element of a list an error is about.
func inList(list string, i int, err error) error {
	e := core.AsError(err)
	if e.Code == core.CodeInternal {
		return err
	}
	return core.Wrap(e.Code, err, "%s", fmt.Sprintf("%s[%d]: %s", list, i, e.Message))
}
