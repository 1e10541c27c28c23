package storetest

import (
	"testing"

	"gatehouse/store"
)

func uniqueCases() []testCase {
	api := func(n int, org, apiID, slug string) store.Record {
		r := record(n, org)
		r.Unique = map[string]string{"api_id": apiID, "slug": slug}
		return r
	}
	return []testCase{
		{"an id is taken once", func(t *testing.T, f *fixture) {
			f.create(t, apis, record(1, orgA))
			conflict(t, f.Apply(f.ctx, creating(apis, record(1, orgA))), apis, "id", id(1), id(1))
			conflict(t, f.Apply(f.ctx, creating(apis, record(1, orgB))), apis, "id", id(1), id(1))
			f.create(t, policies, record(1, orgA))
		}},
		{"a global value is taken in every organisation", func(t *testing.T, f *fixture) {
			f.create(t, apis, api(1, orgA, "x", ""))
			conflict(t, f.Apply(f.ctx, creating(apis, api(2, orgA, "x", ""))), apis, "api_id", id(2), id(1))
			conflict(t, f.Apply(f.ctx, creating(apis, api(2, orgB, "x", ""))), apis, "api_id", id(2), id(1))
			f.create(t, apis, api(2, orgB, "y", ""))
		}},
		{"a value of the organisation is free in another", func(t *testing.T, f *fixture) {
			f.create(t, apis, api(1, orgA, "", "shop"), api(2, orgB, "", "shop"), api(3, "", "", "shop"))
			conflict(t, f.Apply(f.ctx, creating(apis, api(4, orgB, "", "shop"))), apis, "slug", id(4), id(2))
			conflict(t, f.Apply(f.ctx, creating(apis, api(4, "", "", "shop"))), apis, "slug", id(4), id(3))
		}},
		{"empty and absent values are not unique", func(t *testing.T, f *fixture) {
			f.create(t, apis, api(1, orgA, "", ""), api(2, orgA, "", ""), record(3, orgA), record(4, orgA))
		}},
		{"an update may not take a value either", func(t *testing.T, f *fixture) {
			f.create(t, apis, api(1, orgA, "x", "shop"), api(2, orgA, "y", "bar"))
			conflict(t, f.Apply(f.ctx, updating(apis, next(api(2, orgA, "y", "shop")))), apis, "slug", id(2), id(1))
			conflict(t, f.Apply(f.ctx, updating(apis, next(api(2, orgA, "x", "bar")))), apis, "api_id", id(2), id(1))
			if got := f.one(t, apis, id(2)); got.Revision != 1 {
				t.Fatal("the record changed")
			}
		}},
		{"an update keeps its own values", func(t *testing.T, f *fixture) {
			f.create(t, apis, api(1, orgA, "x", "shop"))
			f.apply(t, updating(apis, next(api(1, orgA, "x", "shop"))))
		}},
		{"a value is free again after its record lost it", func(t *testing.T, f *fixture) {
			f.create(t, apis, api(1, orgA, "x", "shop"), api(2, orgA, "y", "bar"))
			f.apply(t, updating(apis, next(api(1, orgA, "x", ""))), deleting(apis, api(2, orgA, "", ""), 1))
			f.create(t, apis, api(3, orgA, "y", "shop"))
		}},
		{"a value moves between records in one go", func(t *testing.T, f *fixture) {
			f.create(t, apis, api(1, orgA, "x", "shop"))
			f.apply(t, deleting(apis, api(1, orgA, "", ""), 1), creating(apis, api(2, orgA, "x", "shop")))
			same(t, "holder", f.findIDs(t, apis, store.AllTenants(), "api_id", "x"), []string{id(2)})
			f.apply(t, updating(apis, next(api(2, orgA, "x", ""))), creating(apis, api(3, orgA, "", "shop")))
			same(t, "holder", f.findIDs(t, apis, store.Org(orgA), "slug", "shop"), []string{id(3)})
		}},
		{"an id is free again after a deletion in the same go", func(t *testing.T, f *fixture) {
			f.create(t, apis, api(1, orgA, "x", "shop"))
			moved := api(1, orgB, "x", "shop")
			f.apply(t, deleting(apis, api(1, orgA, "", ""), 1), creating(apis, moved))
			sameRecord(t, f.one(t, apis, id(1)), moved)
		}},
		{"two writes of one go may not take the same value", func(t *testing.T, f *fixture) {
			conflict(
				t,
				f.Apply(f.ctx, creating(apis, api(1, orgA, "", "shop")), creating(apis, api(2, orgA, "", "shop"))),
				apis,
				"slug",
				id(2),
				id(1),
			)
			conflict(
				t,
				f.Apply(f.ctx, creating(apis, api(3, orgA, "", "")), creating(apis, api(3, orgA, "", ""))),
				apis,
				"id",
				id(3),
				id(3),
			)
			same(t, "nothing", f.findIDs(t, apis, store.AllTenants(), "id", id(1), id(2), id(3)), nil)
		}},
		{"values are unique by their bytes", func(t *testing.T, f *fixture) {
			for i, v := range []string{"shop", "Shop", "shop ", "shöp", "SHOP", "sho\u0308p", "ſhop"} {
				f.create(t, apis, api(i, orgA, v, v))
			}
		}},
	}
}
