// Package claim gives out what gateways have only one of for all organisations: routes, and the ids by which keys and
// policies open APIs. Gateways take the first that comes, or mix them, so who claims what is decided here, when
// objects are saved.
//
// It guarantees that of two organisations one at most gets a route, or an id, also when they ask at once and by
// different servers, and that no organisation is told what another has. What was had before a rule is not judged again:
// it can be changed elsewhere, and switched off.
package claim

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/nodes"
	"gatehouse/internal/gateway/route"
	"gatehouse/internal/turn"
	"gatehouse/store"
)

// Sharing says what becomes of an API whose route clashes with one of another organisation.
type Sharing string

// What may be shared, the least first.
const (
	// Strict refuses a path that lies in a foreign /, too, and one for any host where another organisation has it on a
	// domain.
	Strict Sharing = "strict"
	// Default refuses the same path, and one inside of the other. Inside of a foreign / is accepted, with a warning on
	// both sides.
	Default Sharing = "default"
	// Loose refuses nothing.
	Loose Sharing = "loose"
)

// Rules say which routes may be had.
type Rules struct {
	Sharing Sharing
	// Routes says when two routes clash.
	Routes route.Rules
	// Duplicates lets APIs of one organisation share a listen path.
	Duplicates bool
}

// Claims decides who has what. It is safe for concurrent use.
type Claims struct {
	store *store.Store
	rules Rules
	log   *slog.Logger
	// tenant is what the caller of a context sees.
	tenant func(context.Context) store.Tenant
	// turns are those of writers that want the same routes.
	turns turn.Turns
}

// New makes the claims on what is in a store; tenant is what the caller of a context sees.
func New(s *store.Store, rules Rules, tenant func(context.Context) store.Tenant, log *slog.Logger) *Claims {
	return &Claims{store: s, rules: rules, tenant: tenant, log: log}
}

// Api is an API that is about to be written, with the one that it replaces; nil for a new one.
type Api struct {
	Next, Old *core.Api
	// Item is its place in the list that it came in, which errors name where there are several.
	Item int
}

// Write writes APIs, and what else belongs to the same change, or nothing of it. Routes and ids that they newly take
// are judged, and locked while they are: of two that clash, one is refused, whichever servers they come by. So are
// circles in which requests would run without an end.
func (c *Claims) Write(ctx context.Context, apis []Api, also ...store.Change) error {
	writes := make([]store.Change, 0, len(apis)+len(also))
	for _, w := range apis {
		if w.Old == nil {
			writes = append(writes, c.store.Apis.Creating(w.Next))
		} else {
			writes = append(writes, c.store.Apis.Updating(w.Next))
		}
	}
	writes = append(writes, also...)
	racer := c.turns.Racer()
	defer racer.End()
	for try := 1; ; try++ {
		claims, locks, err := c.judge(ctx, apis)
		if err != nil {
			return err
		}
		// The locks come last: who takes one after us has read it after our APIs were there to see, also where an engine
		// makes one write after the other.
		err = c.store.Apply(ctx, slices.Concat(writes, claims, locks)...)
		if err == nil {
			c.logSharing(ctx, apis)
			return nil
		}
		if try == turn.Tries {
			return err
		}
		if again, failure := c.lost(ctx, err, apis, len(locks)); failure != nil || !again {
			return errors.Join(failure, err)
		}
		if err := racer.Again(ctx, try, "routes"); err != nil {
			return err
		}
	}
}

// judge refuses what the writes may not have, and returns the writes by which they claim the rest. The locks are read
// before anything is judged.
func (c *Claims) judge(ctx context.Context, apis []Api) (claims, locks []store.Change, err error) {
	if locks, err = c.lockRoutes(ctx, apis); err != nil {
		return nil, nil, err
	}
	if claims, err = c.reserveIDs(ctx, apis); err != nil {
		return nil, nil, err
	}
	if err := c.judgeRoutes(ctx, apis); err != nil {
		return nil, nil, err
	}
	return claims, locks, c.judgeCircles(ctx, apis)
}

// lost tells whether a write failed only since another one held its locks.
func (c *Claims) lost(ctx context.Context, err error, apis []Api, locks int) (bool, error) {
	var taken *store.ConflictError
	if errors.As(err, &taken) {
		return taken.Collection == "settings", nil
	}
	if locks == 0 || !errors.Is(err, store.ErrStale) {
		return false, nil
	}
	revisions := map[string]int64{}
	var ids []string
	for _, w := range apis {
		if w.Old != nil {
			ids = append(ids, w.Old.ID)
			revisions[w.Old.ID] = w.Old.Revision
		}
	}
	now, err := c.store.Apis.FindMany(ctx, store.AllTenants(), "id", ids)
	if err != nil {
		return false, err
	}
	for _, a := range now {
		if revisions[a.ID] != a.Revision {
			return false, nil
		}
	}
	return len(now) == len(ids), nil
}

// judgeCircles refuses writes by which requests would be handed from API to API without an end, which takes down a
// gateway. What an API had before is not judged again; gateways are not told of it.
func (c *Claims) judgeCircles(ctx context.Context, apis []Api) error {
	judged := map[string][]*core.Api{} // by organisation
	for _, w := range apis {
		if w.Old == nil || w.Old.TargetURL != w.Next.TargetURL || !slices.Equal(w.Old.Versions, w.Next.Versions) ||
			w.Old.Name != w.Next.Name {
			judged[w.Next.OrgID] = append(judged[w.Next.OrgID], w.Next)
		}
	}
	for org, next := range judged {
		circling, err := nodes.Circling(ctx, c.store, org, next)
		if err != nil {
			return err
		}
		for _, a := range next {
			if circling[a.ID] {
				return core.InField(
					"api_definition.proxy.target_url",
					"leads through %s and its versions back to where it came from, without an end: a request would take down the gateway",
					a.NameAndID(),
				)
			}
		}
	}
	return nil
}
