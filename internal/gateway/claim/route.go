package claim

import (
	"context"
	"slices"
	"strconv"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/route"
	"gatehouse/store"
)

// claimed are the routes that a write newly takes: what clashes with them, for gateways of which segments.
type claimed struct {
	clashes, segments []string
	// route is what no other API of the organisation may have; "" where it had it before.
	route string
}

// newly is what a write newly takes; ok is false for nothing.
func (r Rules) newly(w Api) (c claimed, ok bool) {
	if !route.Serves(w.Next) {
		return claimed{}, false
	}
	c = claimed{clashes: route.Clashes(w.Next, r.Routes), segments: route.Segments(w.Next), route: w.Next.Route()}
	if w.Old == nil || !route.Serves(w.Old) || !route.CoversSegments(route.Segments(w.Old), c.segments) {
		return c, true
	}
	if w.Old.Route() == c.route {
		c.route = ""
	}
	had := route.Clashes(w.Old, r.Routes)
	c.clashes = slices.DeleteFunc(c.clashes, func(label string) bool {
		_, found := slices.BinarySearch(had, label)
		return found
	})
	return c, c.route != "" || len(c.clashes) > 0
}

// routeLock is the name of the setting that is the lock of a number.
func routeLock(n int) string { return "route-lock-" + strconv.Itoa(n) }

// lockRoutes reads the locks that the writes need, and returns the writes that take them.
func (c *Claims) lockRoutes(ctx context.Context, apis []Api) ([]store.Change, error) {
	var numbers []int
	for _, w := range apis {
		if _, ok := c.rules.newly(w); ok {
			numbers = append(numbers, route.Locks(w.Next, c.rules.Routes.Strict)...)
		}
	}
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	names := make([]string, len(numbers))
	for i, n := range numbers {
		names[i] = routeLock(n)
	}
	found, err := c.store.Settings.FindMany(ctx, store.AllTenants(), "id", names)
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
			locks[i] = c.store.Settings.Updating(lock)
			continue
		}
		locks[i] = c.store.Settings.Creating(&core.Setting{Meta: core.Meta{ID: name}, Value: core.Document(`{}`)})
	}
	return locks, nil
}

// judgeRoutes refuses writes that take a route which is another's, in the store or among the writes before.
func (c *Claims) judgeRoutes(ctx context.Context, apis []Api) error {
	among := newBatch(c.rules)
	for _, w := range apis {
		taken, ok := c.rules.newly(w)
		if !ok {
			continue
		}
		err := among.take(w.Next, taken)
		if err == nil {
			err = c.judgeRoute(ctx, w.Next, taken)
		}
		if err != nil && len(apis) > 1 {
			return core.InList("apis", w.Item, err)
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

// errRouteOfOwn is the refusal of a route that another API of the same organisation has.
func errRouteOfOwn(other string) error {
	return core.Errorf(
		core.CodeConflict,
		"the listen path on this domain is taken by the API %s: give another listen path or domain",
		other,
	).In(
		listenPathField,
	)
}

// labelsAtOnce is how many labels are looked up at once: more than that, and databases look at each API instead.
const labelsAtOnce = 60

// judgeRoute refuses an API that takes a route which is another's in the store.
func (c *Claims) judgeRoute(ctx context.Context, a *core.Api, taken claimed) error {
	if taken.route != "" && !c.rules.Duplicates {
		other, err := c.sharer(
			ctx,
			store.Org(a.OrgID),
			taken,
			store.HasLabel("listens", taken.route),
			store.NoneOf(store.In("id", a.ID)),
		)
		if err != nil {
			return err
		}
		if other != nil {
			return errRouteOfOwn(c.nameOf(ctx, other))
		}
	}
	if c.rules.Sharing == Loose {
		return nil
	}
	for labels := range slices.Chunk(taken.clashes, labelsAtOnce) {
		other, err := c.sharer(
			ctx,
			store.AllTenants(),
			taken,
			store.HasLabel("claim", labels...),
			store.NoneOf(store.In("org_id", a.OrgID)),
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

// sharer finds an API that a gateway may load which loads one with what is claimed; nil where there is none. Of it, the
// ids are read alone.
func (c *Claims) sharer(ctx context.Context, t store.Tenant, taken claimed, where ...store.Cond) (*core.Api, error) {
	if segments := route.SharingSegments(taken.segments); segments != nil {
		where = append(where, store.HasLabel("segment", segments...))
	}
	l, err := c.store.Apis.List(ctx, store.Query{Tenant: t, Where: where, Limit: 1, Sort: "id", IDsOnly: true})
	if err != nil || len(l.Objects) == 0 {
		return nil, err
	}
	return l.Objects[0], nil
}

// nameOf names an API of the caller's organisation, where the caller sees it.
func (c *Claims) nameOf(ctx context.Context, a *core.Api) string {
	found, err := c.store.Apis.Find(ctx, c.tenant(ctx).Narrow(a.OrgID), a.ID)
	if err != nil {
		return "that was there first"
	}
	return found.NameAndID()
}

// batch holds the routes of writes that are made together.
type batch struct {
	rules Rules
	// claims and listens are those that took a label or, in an organisation, a route.
	claims, listens map[string][]*core.Api
}

func newBatch(rules Rules) *batch {
	return &batch{rules: rules, claims: map[string][]*core.Api{}, listens: map[string][]*core.Api{}}
}

func (b *batch) take(a *core.Api, c claimed) error {
	share := func(other *core.Api) bool {
		wanted := route.SharingSegments(c.segments)
		return wanted == nil ||
			slices.ContainsFunc(route.Segments(other), func(s string) bool { return slices.Contains(wanted, s) })
	}
	if c.route != "" && !b.rules.Duplicates {
		for _, other := range b.listens[a.OrgID+a.Route()] {
			if share(other) {
				return errRouteOfOwn(other.NameAndID())
			}
		}
	}
	if b.rules.Sharing != Loose {
		for _, label := range c.clashes {
			for _, other := range b.claims[label] {
				if other.OrgID != a.OrgID && share(other) {
					return errRouteTaken
				}
			}
		}
	}
	b.listens[a.OrgID+a.Route()] = append(b.listens[a.OrgID+a.Route()], a)
	for _, label := range route.Claims(a) {
		b.claims[label] = append(b.claims[label], a)
	}
	return nil
}
