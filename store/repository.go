package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"gatehouse/internal/core"
)

// Repository keeps the objects of one kind. It is the typed face of an Engine; its objects are shared with a read
// cache, so callers change a copy, never what they were given.
//
// A read may come from the cache. It is never older than the last write that this process acknowledged, nor than one
// second.
type Repository[T any] struct {
	kind  kind[T]
	store *Store
	cache *cache[T]
	// viewer is who sees the objects; nil sees all.
	viewer *viewer
}

// Find returns the object with the database id, or ErrNotFound.
func (r *Repository[T]) Find(ctx context.Context, t Tenant, id string) (*T, error) {
	return r.FindBy(ctx, t, "id", id)
}

// FindBy returns the object whose unique value (or "id") is value, or ErrNotFound. A unique value that holds in one
// organisation only is looked up in a tenant that is one organisation.
func (r *Repository[T]) FindBy(ctx context.Context, t Tenant, unique, value string) (*T, error) {
	if value == "" {
		return nil, ErrNotFound
	}
	t = r.as(t)
	// What is unique everywhere is asked for without the tenant, so that one cached answer serves all; the tenant is
	// checked below.
	within := t.whole()
	if r.isGlobal(unique) {
		within = AllTenants()
	}
	object, err := r.cache.get(cacheKey{unique, within, Exact(value)}, func() (*T, int, error) {
		found, err := r.records(ctx, within, unique, []string{value})
		if err != nil || len(found) == 0 {
			return nil, 0, err
		}
		objects, err := r.decode(found[:1])
		if err != nil {
			return nil, 0, err
		}
		return objects[0], len(found[0].Doc), nil
	})
	if err != nil {
		return nil, err
	}
	if object == nil || !t.Includes(r.kind.meta(object).OrgID) {
		return nil, ErrNotFound
	}
	seen, err := r.onlySeen(ctx, t, []*T{object})
	if err != nil || len(seen) == 0 {
		return nil, cmp.Or(err, ErrNotFound)
	}
	return object, nil
}

// FindMany returns the objects whose unique value (or "id") is one of values, in no particular order, in one call to
// the engine. Those that do not exist in the tenant are left out.
func (r *Repository[T]) FindMany(ctx context.Context, t Tenant, unique string, values []string) ([]*T, error) {
	t = r.as(t)
	records, err := r.records(ctx, t, unique, values)
	if err != nil {
		return nil, err
	}
	objects, err := r.decode(records)
	if err != nil {
		return nil, err
	}
	return r.onlySeen(ctx, t, objects)
}

func (r *Repository[T]) records(ctx context.Context, t Tenant, field string, values []string) ([]Record, error) {
	stored := r.kind.stored(field, values)
	if len(stored) == 0 {
		return nil, nil
	}
	records, err := r.store.engine.Find(ctx, r.kind.Collection, t, field, stored)
	if err != nil {
		return nil, failure(err, "find %s", r.kind.Name)
	}
	return records, nil
}

// List returns one page of the objects that match q. See Query for order and paging.
func (r *Repository[T]) List(ctx context.Context, q Query) (*List[T], error) {
	if err := q.checkCursor(r.kind.Collection); err != nil {
		return nil, err
	}
	q.Tenant = r.as(q.Tenant)
	q.Where = r.kind.storedAll(r.seen(q.Tenant, q.Where))
	page, err := r.store.engine.List(ctx, r.kind.Collection, q)
	if err != nil {
		return nil, failure(err, "list %s", r.kind.Name)
	}
	objects, err := r.decode(page.Records)
	if err != nil {
		return nil, err
	}
	return &List[T]{Objects: objects, Cursors: page.Cursors, More: page.More, Total: page.Total}, nil
}

// List is a page of objects.
type List[T any] struct {
	Objects []*T
	// Cursors holds the cursor of each object; More tells whether there are objects behind the page.
	Cursors []string
	More    bool
	// Total is the number of all matches when the Query asked for it.
	Total int
}

// Count returns how many objects of the tenant match.
func (r *Repository[T]) Count(ctx context.Context, t Tenant, where ...Cond) (int, error) {
	t = r.as(t)
	n, err := r.store.engine.Count(ctx, r.kind.Collection, t, r.kind.storedAll(r.seen(t, where)))
	if err != nil {
		return 0, failure(err, "count %s", r.kind.Name)
	}
	return n, nil
}

// TopByLabel returns, for each of values, the first limit objects that carry it, the newest first, in one call to the
// engine.
func (r *Repository[T]) TopByLabel(
	ctx context.Context,
	t Tenant,
	label string,
	values []string,
	limit int,
) (map[string][]*T, error) {
	if t = r.as(t); t.viewer != nil && r.kind.seen != nil {
		return r.topSeen(ctx, t, label, values, limit)
	}
	groups, err := r.store.engine.TopByLabel(ctx, r.kind.Collection, t, label, exacts(values), limit)
	if err != nil {
		return nil, failure(err, "list %s by %s", r.kind.Name, label)
	}
	// What carries several of the values is one object.
	known := map[string]*T{}
	out := make(map[string][]*T, len(groups))
	for _, v := range values {
		objects := make([]*T, 0, len(groups[Exact(v)]))
		for _, rec := range groups[Exact(v)] {
			if known[rec.ID] == nil {
				decoded, err := r.decode([]Record{rec})
				if err != nil {
					return nil, err
				}
				known[rec.ID] = decoded[0]
			}
			objects = append(objects, known[rec.ID])
		}
		out[v] = objects
	}
	return out, nil
}

// Bytes returns how long the documents of the tenant are together.
func (r *Repository[T]) Bytes(ctx context.Context, t Tenant) (int64, error) {
	n, err := r.store.engine.Bytes(ctx, r.kind.Collection, t)
	if err != nil {
		return 0, failure(err, "measure %s", r.kind.Name)
	}
	return n, nil
}

// CountByLabel returns how many objects carry each of values; no values means all that occur.
func (r *Repository[T]) CountByLabel(
	ctx context.Context,
	t Tenant,
	label string,
	values ...string,
) (map[string]int, error) {
	if t = r.as(t); t.viewer != nil && r.kind.seen != nil {
		return r.countSeen(ctx, t, label, values)
	}
	counts, err := r.store.engine.CountByLabel(ctx, r.kind.Collection, t, label, exacts(values))
	if err != nil {
		return nil, failure(err, "count %s by %s", r.kind.Name, label)
	}
	for _, v := range values {
		if n, ok := counts[Exact(v)]; ok {
			counts[v] = n
		}
	}
	return counts, nil
}

// Create writes a new object with the id, organisation and document that it has; revision and times are set in it. It
// returns a *ConflictError when the id or a unique value is taken.
func (r *Repository[T]) Create(ctx context.Context, object *T) error {
	return r.store.Apply(ctx, r.Creating(object))
}

// Update writes an object over the one of the revision before. It returns ErrStale when the stored object has another
// revision or is gone, and a *ConflictError when a unique value is taken. Revision and update time are set in object.
func (r *Repository[T]) Update(ctx context.Context, object *T) error {
	return r.store.Apply(ctx, r.Updating(object))
}

// Delete removes the object if it still has its revision, and returns ErrStale otherwise.
func (r *Repository[T]) Delete(ctx context.Context, object *T) error {
	return r.store.Apply(ctx, r.Deleting(object))
}

// Creating is the write of Create, for Store.Apply.
func (r *Repository[T]) Creating(object *T) Change {
	m := r.kind.meta(object)
	return r.change(object, func(now time.Time) Write {
		m.Revision, m.UpdatedAt = 1, now
		if m.CreatedAt.IsZero() {
			m.CreatedAt = now
		}
		return Write{Record: r.record(object)}
	})
}

// Updating is the write of Update.
func (r *Repository[T]) Updating(object *T) Change {
	m := r.kind.meta(object)
	was := m.Revision
	return r.change(object, func(now time.Time) Write {
		m.Revision, m.UpdatedAt = was+1, now
		return Write{Record: r.record(object), Was: was}
	})
}

// Deleting is the write of Delete.
func (r *Repository[T]) Deleting(object *T) Change {
	m := r.kind.meta(object)
	return r.change(object, func(time.Time) Write {
		return Write{Record: Record{ID: m.ID, OrgID: m.OrgID}, Was: m.Revision, Delete: true}
	})
}

// surfacing is the write of the fields of the object, of Text, Int and Labels, and of nothing else; ok is false where
// they are all empty, as they are in a record that lacks them.
func (r *Repository[T]) surfacing(object *T, fields []string) (change Change, ok bool) {
	full := r.record(object)
	part := Record{ID: full.ID, OrgID: full.OrgID, Revision: full.Revision, CreatedAt: full.CreatedAt,
		Text: map[string]string{}, Int: map[string]int64{}, Labels: map[string][]string{}}
	for _, name := range fields {
		switch {
		case full.Text[name] != "":
			part.Text[name] = full.Text[name]
		case full.Int[name] != 0:
			part.Int[name] = full.Int[name]
		case len(full.Labels[name]) > 0:
			part.Labels[name] = full.Labels[name]
		default:
			continue
		}
		ok = true
	}
	return r.change(object, func(time.Time) Write { return Write{Record: part, Was: full.Revision, Surface: true} }), ok
}

func (r *Repository[T]) change(object *T, write func(time.Time) Write) Change {
	return Change{
		write: func(now time.Time) Write {
			w := write(now)
			w.Collection = r.kind.Collection
			return w
		},
		forget: r.cache.forget,
	}
}

func (r *Repository[T]) record(object *T) Record {
	m := r.kind.meta(object)
	rec := r.kind.encode(object)
	rec.ID, rec.OrgID, rec.Revision, rec.CreatedAt, rec.UpdatedAt = m.ID, m.OrgID, m.Revision, m.CreatedAt, m.UpdatedAt
	for name, v := range rec.Text {
		rec.Text[name] = Fold(v)
	}
	for name, v := range rec.Unique {
		rec.Unique[name] = Exact(v)
	}
	for name, values := range rec.Labels {
		rec.Labels[name] = distinct(exacts(values))
	}
	return rec
}

func (r *Repository[T]) decode(records []Record) ([]*T, error) {
	out := make([]*T, len(records))
	for i, rec := range records {
		meta := core.Meta{
			ID:        rec.ID,
			OrgID:     rec.OrgID,
			Revision:  rec.Revision,
			CreatedAt: rec.CreatedAt.UTC(),
			UpdatedAt: rec.UpdatedAt.UTC(),
		}
		object, err := r.kind.decode(meta, rec)
		if err != nil {
			return nil, err
		}
		out[i] = object
	}
	return out, nil
}

// stored returns values in the form in which the field is kept, without those that cannot be stored at all.
func (c *Collection) stored(field string, values []string) []string {
	out := make([]string, 0, len(values))
	for _, v := range values {
		switch {
		case slices.Contains(c.Text, field):
			out = append(out, Fold(v))
		case field != "id" && field != "org_id":
			out = append(out, Exact(v))
		case isText(v): // ids are kept as they are
			out = append(out, v)
		}
	}
	return out
}

// storedAll returns conditions with their values in the form in which the fields are kept.
func (c *Collection) storedAll(where []Cond) []Cond {
	out := slices.Clone(where)
	for i, cond := range out {
		switch cond.Op {
		case OpIn, OpLabel:
			out[i].Values = c.stored(cond.Field, cond.Values)
		case OpAny, OpNot:
			out[i].Any = c.storedAll(cond.Any)
		case OpLead:
			lead := *cond.Lead
			lead.Where = lead.Collection.storedAll([]Cond{lead.Where})[0]
			out[i].Lead = &lead
		}
	}
	return out
}

// isGlobal tells whether at most one record anywhere has a value of the field.
func (r *Repository[T]) isGlobal(field string) bool {
	return field == "id" || slices.Contains(r.kind.Unique, Unique{Name: field, Global: true})
}

func exacts(values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = Exact(v)
	}
	return out
}

// distinct keeps the first of equal values and drops empty ones.
func distinct(values []string) []string {
	seen := make(map[string]bool, len(values))
	out := values[:0]
	for _, v := range values {
		if v != "" && !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	return out
}
