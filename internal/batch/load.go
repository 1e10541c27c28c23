package batch

import (
	"context"
	"slices"

	"gatehouse/internal/core"
	"gatehouse/internal/page"
	"gatehouse/store"
)

// Met is told of objects that were loaded together, so that what they lead to can be announced.
type Met[T any] func(ctx context.Context, objects []*T)

// Find reads objects by an id of theirs, as store.Repository.FindMany does.
type Find[T any] func(ctx context.Context, t store.Tenant, unique string, ids []string) ([]*T, error)

// ByID loads objects by an id of theirs.
type ByID[T any] struct{ batch[*T] }

// NewByID makes a loader of what find finds by a unique field, whose value in an object key reads.
func NewByID[T any](find Find[T], unique string, key func(*T) Key, met Met[T]) *ByID[T] {
	return &ByID[T]{batch[*T]{fetch: func(ctx context.Context, _ int, keys []Key) (map[Key]*T, error) {
		values := make([]string, len(keys))
		for i, k := range keys {
			values[i] = k.Value
		}
		found, err := find(ctx, store.AllTenants(), unique, values)
		met(ctx, found)
		out := make(map[Key]*T, len(found))
		for _, o := range found {
			out[key(o)] = o
		}
		return out, err
	}}}
}

// Expect announces which ids a sibling will ask for, if the first of them asks at all. ids is kept, not copied: a list
// of thousands may be announced of which nobody asks for more than a page.
func (b *ByID[T]) Expect(org string, ids ...string) { b.expect(org, ids...) }

// One loads one object; nil where it does not exist in the organisation.
func (b *ByID[T]) One(ctx context.Context, org, id string) (*T, error) {
	o, _, err := b.start(ctx, 0, 1, Key{org, id})[0].wait(ctx)
	return o, err
}

// All loads those of ids that exist in the organisation, in their order; siblings is how many of the ids that each
// sibling names are loaded along.
func (b *ByID[T]) All(ctx context.Context, org string, ids []string, siblings int) ([]*T, error) {
	found, err := b.Each(ctx, org, ids, siblings)
	return slices.DeleteFunc(found, func(o *T) bool { return o == nil }), err
}

// Each is All, with nil in the place of what does not exist.
func (b *ByID[T]) Each(ctx context.Context, org string, ids []string, siblings int) ([]*T, error) {
	keys := make([]Key, len(ids))
	for i, id := range ids {
		keys[i] = Key{org, id}
	}
	out := make([]*T, len(ids))
	for i, l := range b.start(ctx, 0, siblings, keys...) {
		o, found, err := l.wait(ctx)
		if err != nil {
			return nil, err
		}
		if found {
			out[i] = o
		}
	}
	return out, nil
}

// Labelled is the part of a repository, or of the key space, that finds objects by a label.
type Labelled[T any] interface {
	List(ctx context.Context, q store.Query) (*store.List[T], error)
	TopByLabel(ctx context.Context, t store.Tenant, label string, values []string, limit int) (map[string][]*T, error)
	CountByLabel(ctx context.Context, t store.Tenant, label string, values ...string) (map[string]int, error)
}

// ByLabel loads the newest objects that carry a label, and how many there are. P is *T.
type ByLabel[T any, P interface {
	*T
	core.Object
}] struct {
	// of names the lists in their cursors, from are where the objects come from.
	of, label string
	from      Labelled[T]
	met       Met[T]
	lists     batch[[]*T]
	counts    batch[int]
}

// NewByLabel makes a loader of lists; of names them in their cursors.
func NewByLabel[T any, P interface {
	*T
	core.Object
}](of string, from Labelled[T], label string, met Met[T]) *ByLabel[T, P] {
	return &ByLabel[T, P]{
		of: of, label: label, from: from, met: met,
		lists: batch[[]*T]{fetch: func(ctx context.Context, limit int, keys []Key) (map[Key][]*T, error) {
			return perOrganisation(keys, func(org string, values []string) (map[string][]*T, error) {
				found, err := from.TopByLabel(ctx, store.Org(org), label, values, limit)
				for _, objects := range found {
					met(ctx, objects)
				}
				return found, err
			})
		}},
		counts: batch[int]{fetch: func(ctx context.Context, _ int, keys []Key) (map[Key]int, error) {
			return perOrganisation(keys, func(org string, values []string) (map[string]int, error) {
				return from.CountByLabel(ctx, store.Org(org), label, values...)
			})
		}},
	}
}

// Expect announces of which value a sibling will ask for the list.
func (l *ByLabel[T, P]) Expect(org, value string) {
	l.lists.expect(org, value)
	l.counts.expect(org, value)
}

// Count is how many objects carry the value.
func (l *ByLabel[T, P]) Count(ctx context.Context, org, value string) (int, error) {
	n, _, err := l.counts.start(ctx, 0, 1, Key{org, value})[0].wait(ctx)
	return n, err
}

// Page is a page of the objects that carry the value, the newest first. First pages are loaded for all siblings at
// once; a cursor is of one object, so there is no page behind it to load for others.
func (l *ByLabel[T, P]) Page(
	ctx context.Context,
	org, value string,
	limit int,
	after *string,
) (nodes []*T, info page.Info, err error) {
	of := l.Of(value)
	// One more than asked for tells whether there are more.
	if after != nil && *after != "" {
		nodes, err = l.behind(ctx, of, Key{org, value}, limit+1, *after)
	} else {
		nodes, _, err = l.lists.start(ctx, limit+1, 1, Key{org, value})[0].wait(ctx)
	}
	if err != nil {
		return nil, info, err
	}
	if len(nodes) > limit {
		nodes, info.HasNextPage = nodes[:limit], true
	}
	if n := len(nodes); n > 0 {
		end := l.Cursor(value, nodes[n-1])
		info.EndCursor = &end
	}
	return nodes, info, nil
}

// Of names the list of the objects that carry the value, as its cursors do.
func (l *ByLabel[T, P]) Of(value string) string { return l.of + " " + value }

// Cursor leads to what follows an object in the list of those that carry the value.
func (l *ByLabel[T, P]) Cursor(value string, object *T) string {
	m := P(object).Base()
	return core.Cursor{Of: l.Of(value), Int: m.CreatedAt.UnixMicro(), ID: m.ID}.Encode()
}

// behind lists what follows a cursor among the objects that carry a value.
func (l *ByLabel[T, P]) behind(ctx context.Context, of string, key Key, limit int, after string) ([]*T, error) {
	c, ok := core.ParseCursor(after)
	switch {
	case !ok:
		return nil, page.ErrNoCursor
	case c.Of != of || c.Offset > 0:
		return nil, page.ErrForeignCursor
	}
	found, err := l.from.List(
		ctx,
		store.Query{Tenant: store.Org(key.Org), Where: []store.Cond{store.HasLabel(l.label, key.Value)}, Desc: true,
			Limit: limit, After: core.Cursor{Int: c.Int, ID: c.ID}.Encode()},
	)
	if err != nil {
		return nil, err
	}
	l.met(ctx, found.Objects)
	return found.Objects, nil
}

// perOrganisation fetches the values of each organisation: in one call, for everybody who belongs to one organisation.
func perOrganisation[V any](
	keys []Key,
	fetch func(org string, values []string) (map[string]V, error),
) (map[Key]V, error) {
	groups := map[string][]string{}
	for _, k := range keys {
		groups[k.Org] = append(groups[k.Org], k.Value)
	}
	out := make(map[Key]V, len(keys))
	for org, values := range groups {
		found, err := fetch(org, values)
		if err != nil {
			return nil, err
		}
		for _, v := range values {
			out[Key{org, v}] = found[v]
		}
	}
	return out, nil
}
