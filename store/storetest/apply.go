package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"gatehouse/store"
)

func applyCases() []testCase {
	return []testCase{
		{"nothing to do is done", func(t *testing.T, f *fixture) { f.apply(t) }},
		{"an update replaces everything and adds one to the revision", func(t *testing.T, f *fixture) {
			r := record(1, orgA)
			r.Text["name"], r.Int["active"], r.Unique["slug"] = "old", 1, "old"
			f.create(t, apis, r)
			r = next(r)
			r.Doc, r.Sealed = []byte(`{"new":true}`), []byte(`{"s":1}`)
			r.Text, r.Int, r.Unique = map[string]string{"name": "new"}, nil, map[string]string{"api_id": "new"}
			f.apply(t, updating(apis, r))
			sameRecord(t, f.one(t, apis, r.ID), r)
			same(t, "new name", f.findIDs(t, apis, store.Org(orgA), "name", "new"), []string{r.ID})
			same(t, "old name", f.findIDs(t, apis, store.Org(orgA), "name", "old"), nil)
			same(t, "old slug", f.findIDs(t, apis, store.Org(orgA), "slug", "old"), nil)
			if n := f.count(t, apis, store.Org(orgA), store.Between("active", 1, 1)); n != 0 {
				t.Fatal("an absent number kept its old value")
			}
		}},
		{"the documents of an organisation are measured in bytes", func(t *testing.T, f *fixture) {
			measure := func(t *testing.T, tenant store.Tenant, want int64) {
				t.Helper()
				got, err := f.Bytes(f.ctx, apis, tenant)
				if err != nil || got != want {
					t.Fatalf("%d bytes, %v; want %d", got, err, want)
				}
			}
			measure(t, store.Org(orgA), 0)
			r1, r2, r3 := record(1, orgA), record(2, orgA), record(3, orgB)
			r1.Doc, r2.Doc, r3.Doc = []byte(`{"ü":"日本"}`), []byte(`{}`), []byte(`{"b":1}`)
			f.create(t, apis, r1, r2, r3)
			measure(t, store.Org(orgA), int64(len(r1.Doc)+len(r2.Doc)))
			measure(t, store.Org(orgB), int64(len(r3.Doc)))
			measure(t, store.AllTenants(), int64(len(r1.Doc)+len(r2.Doc)+len(r3.Doc)))
		}},
		{"an update of an older revision is stale and changes nothing", func(t *testing.T, f *fixture) {
			r1 := record(1, orgA)
			r2 := next(r1)
			f.create(t, apis, r1)
			f.apply(t, updating(apis, r2))
			late := next(r1)
			late.Doc = []byte(`{"late":true}`)
			stale(t, f.Apply(f.ctx, updating(apis, late)))
			stale(t, f.Apply(f.ctx, updating(apis, next(next(r2)))))
			sameRecord(t, f.one(t, apis, r1.ID), r2)
		}},
		{"an update of what is not there is stale", func(t *testing.T, f *fixture) {
			stale(t, f.Apply(f.ctx, updating(apis, next(record(1, orgA)))))
		}},
		{"a deletion removes the record", func(t *testing.T, f *fixture) {
			f.create(t, apis, record(1, orgA), record(2, orgA))
			f.apply(t, deleting(apis, record(1, orgA), 1))
			same(t, "rest", f.findIDs(t, apis, store.Org(orgA), "id", id(1), id(2)), []string{id(2)})
		}},
		{"a deletion checks the revision unless it names none", func(t *testing.T, f *fixture) {
			r := record(1, orgA)
			f.create(t, apis, r)
			f.apply(t, updating(apis, next(r)))
			stale(t, f.Apply(f.ctx, deleting(apis, r, 1)))
			f.apply(t, deleting(apis, r, 0))
			stale(t, f.Apply(f.ctx, deleting(apis, r, 0)))
			stale(t, f.Apply(f.ctx, deleting(apis, r, 2)))
		}},
		{"several writes are made together and in their order", func(t *testing.T, f *fixture) {
			r := record(1, orgA)
			org := record(2, "")
			org.Unique["slug"] = "acme"
			f.apply(
				t,
				creating(organisations, org),
				creating(apis, r),
				updating(apis, next(r)),
				creating(apis, record(3, orgA)),
				deleting(apis, record(3, orgA), 1),
			)
			if got := f.one(t, apis, r.ID); got.Revision != 2 {
				t.Fatalf("revision %d, want 2", got.Revision)
			}
			same(t, "deleted again", f.findIDs(t, apis, store.Org(orgA), "id", id(3)), nil)
			f.one(t, organisations, org.ID)
		}},
		{"a failing last write undoes the others", func(t *testing.T, f *fixture) {
			old, gone := record(1, orgA), record(2, orgA)
			old.Labels["api"], gone.Labels["api"] = []string{"old"}, []string{"gone"}
			f.create(t, policies, old, gone)
			changed := next(old)
			changed.Doc, changed.Labels = []byte(`{"changed":true}`), map[string][]string{"api": {"changed"}}
			for name, last := range map[string]store.Write{
				"stale":    updating(policies, next(next(next(record(1, orgA))))),
				"conflict": creating(keys, record(5, orgA)),
				"missing":  deleting(policies, record(9, orgA), 0),
			} {
				err := f.Apply(
					f.ctx,
					creating(keys, record(5, orgA)),
					updating(policies, changed),
					deleting(policies, gone, 1),
					creating(apis, record(6, orgA)),
					updating(apis, next(record(6, orgA))),
					last,
				)
				if err == nil {
					t.Fatalf("%s: Apply made it", name)
				}
				sameRecord(t, f.one(t, policies, old.ID), old)
				sameRecord(t, f.one(t, policies, gone.ID), gone)
				same(t, "created", f.findIDs(t, keys, store.Org(orgA), "id", id(5)), nil)
				same(t, "created", f.findIDs(t, apis, store.Org(orgA), "id", id(6)), nil)
				counts, err := f.CountByLabel(f.ctx, policies, store.Org(orgA), "api", nil)
				if err != nil || counts["old"] != 1 || counts["gone"] != 1 || counts["changed"] != 0 {
					t.Fatalf("%s: labels are %v, %v", name, counts, err)
				}
			}
		}},
		{"the first failing write is the one that is reported", func(t *testing.T, f *fixture) {
			f.create(t, apis, record(1, orgA))
			stale(t, f.Apply(f.ctx, updating(apis, next(next(record(1, orgA)))), creating(apis, record(1, orgA))))
			conflict(
				t,
				f.Apply(f.ctx, creating(apis, record(1, orgA)), updating(apis, next(next(record(1, orgA))))),
				apis,
				"id",
				id(1),
				id(1),
			)
		}},
		{"a cancelled context is refused and changes nothing", func(t *testing.T, f *fixture) {
			f.create(t, apis, record(1, orgA))
			ctx, cancel := context.WithCancel(f.ctx)
			cancel()
			if err := f.Apply(ctx, creating(apis, record(2, orgA))); !errors.Is(err, context.Canceled) {
				t.Fatalf("Apply: %v", err)
			}
			if _, err := f.Find(ctx, apis, store.Org(orgA), "id", []string{id(1)}); !errors.Is(err, context.Canceled) {
				t.Fatalf("Find: %v", err)
			}
			if _, err := f.List(ctx, apis, store.Query{Tenant: store.Org(orgA), Limit: 1}); !errors.Is(err, context.Canceled) {
				t.Fatalf("List: %v", err)
			}
			if _, err := f.Count(ctx, apis, store.Org(orgA), nil); !errors.Is(err, context.Canceled) {
				t.Fatalf("Count: %v", err)
			}
			same(t, "created", f.findIDs(t, apis, store.Org(orgA), "id", id(2)), nil)
		}},
		{"a deadline that has passed is reported as such", func(t *testing.T, f *fixture) {
			ctx, cancel := context.WithDeadline(f.ctx, time.Now().Add(-time.Second))
			defer cancel()
			if err := f.Apply(ctx, creating(apis, record(2, orgA))); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("Apply: %v", err)
			}
		}},
	}
}
