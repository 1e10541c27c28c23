package trail

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/core"
	"gatehouse/store"
)

// Filter says which records are meant: those for which all of it holds. What is nil says nothing.
type Filter struct {
	User, Object, Action, Method, IP, URL *string
	Status                                *int
	Failed                                *bool
	From, Until                           *time.Time
	OrgID                                 *string
}

// Search finds records in the store. Its lists are in the order of time.
type Search struct {
	Store  *store.Store
	Redact *audit.Redactor
}

// Where are the conditions of a filter in a tenant.
func (s Search) Where(ctx context.Context, t store.Tenant, f *Filter) ([]store.Cond, error) {
	if f == nil {
		return nil, nil
	}
	var where []store.Cond
	if f.User != nil && *f.User != "" {
		ids, err := s.users(ctx, t, *f.User)
		if err != nil {
			return nil, err
		}
		where = append(where, store.In("actor", ids...))
	}
	for _, one := range []struct {
		field string
		value *string
	}{{"object", s.object(f.Object)}, {"action", squeezed(f.Action)}, {"method", f.Method}, {"ip", f.IP}} {
		if one.value != nil && *one.value != "" {
			where = append(where, store.In(one.field, *one.value))
		}
	}
	if f.URL != nil && *f.URL != "" {
		where = append(where, store.Contains("url", *f.URL))
	}
	if f.Status != nil {
		where = append(where, store.Between("status", int64(*f.Status), int64(*f.Status)))
	}
	if f.Failed != nil {
		failed := store.Between("status", 400, 999)
		if !*f.Failed {
			failed = store.Between("status", 0, 399)
		}
		where = append(where, failed)
	}
	if f.From != nil || f.Until != nil {
		from, until := int64(0), int64(1<<62)
		if f.From != nil {
			from = f.From.UnixMicro()
		}
		if f.Until != nil {
			until = f.Until.UnixMicro() - 1
		}
		where = append(where, store.Between("created_at", from, until))
	}
	return where, nil
}

// users are the ids of who is meant by an id or an e-mail address: somebody may have one address in several
// organisations.
func (s Search) users(ctx context.Context, t store.Tenant, named string) ([]string, error) {
	ids := []string{named}
	if !strings.Contains(named, "@") {
		return ids, nil
	}
	l, err := s.Store.Users.List(ctx, store.Query{Tenant: t, Limit: 100, IDsOnly: true,
		Where: []store.Cond{store.In("email", named)}})
	if err != nil {
		return nil, err
	}
	for _, u := range l.Objects {
		ids = append(ids, u.ID)
	}
	return ids, nil
}

// object is the name of an object as records have it.
func (s Search) object(named *string) *string {
	if named == nil {
		return nil
	}
	id, isKey := strings.CutPrefix(*named, core.KeyKind.Name+"/")
	if !isKey {
		return named
	}
	return new(audit.Object(core.KeyKind.Name, s.Redact.Secret(id)))
}

// squeezed is a root field of the words for it.
func squeezed(action *string) *string {
	if action == nil {
		return nil
	}
	return new(strings.ReplaceAll(*action, " ", ""))
}

// List returns a page of records. An object is looked for among the first ones of records and among the others.
func (s Search) List(ctx context.Context, q store.Query) (*store.List[audit.Record], error) {
	at := objectIn(q.Where)
	if at < 0 {
		return s.Store.AuditRecords.List(ctx, q)
	}
	cursor, ok := store.ParseCursor(q.After)
	if ok && cursor.ID == "" && cursor.Offset > 0 {
		q.After, q.Limit = "", q.Limit+cursor.Offset
	}
	l, err := s.Store.AuditRecords.List(ctx, q)
	if err != nil {
		return nil, err
	}
	q.Where = alsoIn(q.Where, at)
	more, err := s.Store.AuditRecords.List(ctx, q)
	if err != nil {
		return nil, err
	}
	l = merged(l, more, q)
	if skip := min(cursor.Offset, len(l.Objects)); ok && cursor.ID == "" {
		l.Objects, l.Cursors = l.Objects[skip:], l.Cursors[skip:]
	}
	return l, nil
}

// Count returns how many records match.
func (s Search) Count(ctx context.Context, t store.Tenant, where ...store.Cond) (int, error) {
	n, err := s.Store.AuditRecords.Count(ctx, t, where...)
	at := objectIn(where)
	if err != nil || at < 0 {
		return n, err
	}
	more, err := s.Store.AuditRecords.Count(ctx, t, alsoIn(where, at)...)
	return n + more, err
}

func objectIn(where []store.Cond) int {
	return slices.IndexFunc(where, func(c store.Cond) bool { return c.Op == store.OpIn && c.Field == "object" })
}

// alsoIn are conditions that look for an object among the others of records.
func alsoIn(where []store.Cond, at int) []store.Cond {
	out := slices.Clone(where)
	out[at] = store.HasLabel("also", where[at].Values...)
	return out
}

// merged are the first of two lists in the order of q.
func merged(a, b *store.List[audit.Record], q store.Query) *store.List[audit.Record] {
	out := &store.List[audit.Record]{Total: a.Total + b.Total, More: a.More || b.More}
	for i, j := 0, 0; i < len(a.Objects) || j < len(b.Objects); {
		if len(out.Objects) == q.Limit {
			out.More = true
			break
		}
		if j == len(b.Objects) || i < len(a.Objects) && before(a.Objects[i], b.Objects[j], q.Desc) {
			out.Objects, out.Cursors = append(out.Objects, a.Objects[i]), append(out.Cursors, a.Cursors[i])
			i++
			continue
		}
		out.Objects, out.Cursors = append(out.Objects, b.Objects[j]), append(out.Cursors, b.Cursors[j])
		j++
	}
	return out
}

func before(a, b *audit.Record, desc bool) bool {
	order := cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	if desc {
		return order > 0
	}
	return order < 0
}
