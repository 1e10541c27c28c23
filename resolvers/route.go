package resolvers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// RoutePolicy says what becomes of an API whose route clashes with one of another organisation.
type RoutePolicy string

// The policies, the strictest first.
const (
	// RoutesStrict refuses a path that lies in a foreign /, too, and one for any host where another organisation has it on
	// a domain.
	RoutesStrict RoutePolicy = "strict"
	// RoutesDefault refuses the same path, and one inside of the other. Inside of a foreign / is accepted, with a warning
	// on both sides.
	RoutesDefault RoutePolicy = "default"
	// RoutesLoose refuses nothing.
	RoutesLoose RoutePolicy = "loose"
)

// apiWrite is an API that is about to be written, with the one that it replaces; nil for a new one.
type apiWrite struct {
	next, old *core.Api
	// item is its place in the list that it came in.
	item int
}

// claimed are the routes that a write newly takes: what clashes with them, for gateways of which segments.
type claimed struct {
	clashes, segments []string
	// route is what no other API of the organisation may have; "" where it had it before.
	route string
}

// applyApis writes APIs, and what else belongs to the same change, or nothing of it. Routes that they newly take are
// judged, and locked while they are: of two that clash, one is refused, whichever servers they come by. What an API had
// before is not judged again, so that one that clashes already can be changed elsewhere, and switched off.
func (r *Resolver) applyApis(ctx context.Context, apis []apiWrite, also ...store.Change) error {
	writes := make([]store.Change, 0, len(apis)+len(also))
	for _, w := range apis {
		if w.old == nil {
			writes = append(writes, r.store.Apis.Creating(w.next))
		} else {
			writes = append(writes, r.store.Apis.Updating(w.next))
		}
	}
	writes = append(writes, also...)
	racer := racer{r: r}
	defer racer.end()
	for try := 1; ; try++ {
		locks, err := r.lockRoutes(ctx, apis)
		if err != nil {
			return err
		}
		ids, err := r.reserveIDs(ctx, apis)
		if err != nil {
			return err
		}
		if err := r.judgeRoutes(ctx, apis); err != nil {
			return err
		}
		if err := r.judgeLoops(ctx, apis); err != nil {
			return err
		}
		// The locks come last: who takes one after us has read it after our APIs were there to see, also where an engine
		// makes one write after the other.
		err = r.store.Apply(ctx, slices.Concat(writes, ids, locks)...)
		if err == nil {
			r.logSharing(ctx, apis)
			return nil
		}
		if try == lastWins {
			return err
		}
		if again, failure := r.lost(ctx, err, apis, len(locks)); failure != nil || !again {
			return errors.Join(failure, err)
		}
		if err := racer.again(ctx, try, "routes"); err != nil {
			return err
		}
	}
}

// lost tells whether a write failed only since another one held its locks.
func (r *Resolver) lost(ctx context.Context, err error, apis []apiWrite, locks int) (bool, error) {
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
		if w.old != nil {
			ids = append(ids, w.old.ID)
			revisions[w.old.ID] = w.old.Revision
		}
	}
	now, err := r.store.Apis.FindMany(ctx, store.AllTenants(), "id", ids)
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

// claims are the routes that a write newly takes; ok is false for none.
func (r *Resolver) claims(w apiWrite) (c claimed, ok bool) {
	if !w.next.Serves() {
		return claimed{}, false
	}
	c = claimed{clashes: w.next.Clashes(r.settings.RouteRules), segments: w.next.Segments(), route: w.next.Route()}
	if w.old == nil || !w.old.Serves() || !core.CoversSegments(w.old.Segments(), c.segments) {
		return c, true
	}
	if w.old.Route() == c.route {
		c.route = ""
	}
	had := w.old.Clashes(r.settings.RouteRules)
	c.clashes = slices.DeleteFunc(c.clashes, func(label string) bool {
		_, found := slices.BinarySearch(had, label)
		return found
	})
	return c, c.route != "" || len(c.clashes) > 0
}

// routeLock is the name of the setting that is the lock of a number.
func routeLock(n int) string { return "route-lock-" + strconv.Itoa(n) }

// lockRoutes reads the locks that the writes need, and returns the writes that take them.
func (r *Resolver) lockRoutes(ctx context.Context, apis []apiWrite) ([]store.Change, error) {
	var numbers []int
	for _, w := range apis {
		if _, ok := r.claims(w); ok {
			numbers = append(numbers, w.next.Locks(r.settings.RouteRules.Strict)...)
		}
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	names := make([]string, len(numbers))
	for i, n := range numbers {
		names[i] = routeLock(n)
	}
	found, err := r.store.Settings.FindMany(ctx, store.AllTenants(), "id", names)
	if err != nil {
		return nil, err
	}
	held := make(map[string]*core.Setting, len(found))
	for _, lock := range found {
		held[lock.ID] = lock
	}
	locks := make([]store.Change, len(names))
	for i, name := range names {
		if lock := held[name]; lock != nil {
			locks[i] = r.store.Settings.Updating(lock)
			continue
		}
		locks[i] = r.store.Settings.Creating(&core.Setting{Meta: core.Meta{ID: name}, Value: core.Document(`{}`)})
	}
	return locks, nil
}

// judgeRoutes refuses writes that take a route which is another's, in the store or among the writes before.
func (r *Resolver) judgeRoutes(ctx context.Context, apis []apiWrite) error {
	batch := newRouteBatch(r.settings)
	for _, w := range apis {
		c, ok := r.claims(w)
		if !ok {
			continue
		}
		err := batch.take(w.next, c)
		if err == nil {
			err = r.judgeRoute(ctx, w.next, c)
		}
		if err != nil && len(apis) > 1 {
			return inList("apis", w.item, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// listenPathField is what an error about a route points at.
const listenPathField = "api_definition.proxy.listen_path"

var errRouteTaken = core.Errorf(
	core.CodeConflict,
	"the route is taken: give another listen path, domain, listen port, or tags of other gateways",
).In(
	listenPathField,
)

// clashPage is how many labels are looked up at once: more than that, and databases look at each API instead.
const clashPage = 60

func (r *Resolver) judgeRoute(ctx context.Context, a *core.Api, c claimed) error {
	shared := func(where ...store.Cond) []store.Cond {
		if segments := core.SharingSegments(c.segments); segments != nil {
			where = append(where, store.HasLabel("segment", segments...))
		}
		return where
	}
	first := func(t store.Tenant, where []store.Cond) (*core.Api, error) {
		l, err := r.store.Apis.List(ctx, store.Query{Tenant: t, Where: where, Limit: 1, Sort: "id", IDsOnly: true})
		if err != nil || len(l.Objects) == 0 {
			return nil, err
		}
		return l.Objects[0], nil
	}
	if c.route != "" && !r.settings.DuplicateRoutes {
		other, err := first(
			store.Org(a.OrgID),
			shared(store.HasLabel("listens", c.route), store.NoneOf(store.In("id", a.ID))),
		)
		if err != nil {
			return err
		}
		if other != nil {
			return r.routeOfOwn(ctx, other.ID)
		}
	}
	if r.settings.Routes == RoutesLoose {
		return nil
	}
	for labels := range slices.Chunk(c.clashes, clashPage) {
		other, err := first(
			store.AllTenants(),
			shared(store.HasLabel("claim", labels...), store.NoneOf(store.In("org_id", a.OrgID))),
		)
		if err != nil {
			return err
		}
		if other != nil {
			return errRouteTaken
		}
	}
	return nil
}

// routeOfOwn is the refusal of a route that another API of the same organisation has.
func (r *Resolver) routeOfOwn(ctx context.Context, id string) error {
	return core.Errorf(
		core.CodeConflict,
		"the listen path on this domain is taken by the API %s: give another listen path or domain",
		r.apiName(ctx, id),
	).In(
		listenPathField,
	)
}

// routeBatch holds the routes of writes that are made together.
type routeBatch struct {
	settings Settings
	// claims and listens are those that took a label or, in an organisation, a route.
	claims, listens map[string][]*core.Api
}

func newRouteBatch(s Settings) *routeBatch {
	return &routeBatch{settings: s, claims: map[string][]*core.Api{}, listens: map[string][]*core.Api{}}
}

func (b *routeBatch) take(a *core.Api, c claimed) error {
	share := func(other *core.Api) bool {
		wanted := core.SharingSegments(c.segments)
		return wanted == nil ||
			slices.ContainsFunc(other.Segments(), func(s string) bool { return slices.Contains(wanted, s) })
	}
	if c.route != "" && !b.settings.DuplicateRoutes {
		for _, other := range b.listens[a.OrgID+a.Route()] {
			if share(other) {
				return core.Errorf(
					core.CodeConflict,
					"the listen path on this domain is taken by the API %s: give another listen path or domain",
					describe(other),
				).In(
					listenPathField,
				)
			}
		}
	}
	if b.settings.Routes != RoutesLoose {
		for _, label := range c.clashes {
			for _, other := range b.claims[label] {
				if other.OrgID != a.OrgID && share(other) {
					return errRouteTaken
				}
			}
		}
	}
	b.listens[a.OrgID+a.Route()] = append(b.listens[a.OrgID+a.Route()], a)
	for _, label := range a.Claims() {
		b.claims[label] = append(b.claims[label], a)
	}
	return nil
}

func describe(a *core.Api) string { return fmt.Sprintf("%q (%s)", a.Name, a.ApiID) }
