package storetest

import (
	"strings"
	"testing"
	"time"

	"gatehouse/store"
)

func findCases() []testCase {
	return []testCase{
		{"a record comes back with everything that was written", func(t *testing.T, f *fixture) {
			r := record(1, orgA)
			r.Sealed = []byte(`{"password":"$2a$10$x"}`)
			r.UpdatedAt = r.CreatedAt.Add(7*time.Second + time.Microsecond)
			f.create(t, users, r)
			sameRecord(t, f.one(t, users, r.ID), r)
		}},
		{"by id returns those that exist and leaves the others out", func(t *testing.T, f *fixture) {
			f.create(t, apis, record(1, orgA), record(2, orgA), record(3, orgA))
			same(t, "ids", f.findIDs(t, apis, store.Org(orgA), "id", id(3), id(9), id(1)), []string{id(1), id(3)})
			same(t, "nothing", f.findIDs(t, apis, store.Org(orgA), "id", id(9)), nil)
			same(t, "no values", f.findIDs(t, apis, store.Org(orgA), "id"), nil)
		}},
		{"a value that is asked for twice is answered once", func(t *testing.T, f *fixture) {
			f.create(t, apis, record(1, orgA))
			same(t, "ids", f.findIDs(t, apis, store.Org(orgA), "id", id(1), id(1), id(1)), []string{id(1)})
		}},
		{"by a text field returns every record that has the value", func(t *testing.T, f *fixture) {
			r1, r2, r3 := record(1, orgA), record(2, orgA), record(3, orgA)
			r1.Text["email"], r2.Text["email"], r3.Text["email"] = "jo@example.org", "jo@example.org", "al@example.org"
			f.create(t, users, r1, r2, r3)
			same(t, "jo", f.findIDs(t, users, store.Org(orgA), "email", "jo@example.org"), []string{id(1), id(2)})
			same(
				t,
				"both",
				f.findIDs(t, users, store.Org(orgA), "email", "al@example.org", "jo@example.org"),
				[]string{id(1), id(2), id(3)},
			)
		}},
		{"by a unique value returns the one that has it", func(t *testing.T, f *fixture) {
			r1, r2 := record(1, orgA), record(2, orgB)
			r1.Unique["api_id"], r1.Unique["slug"] = "one", "shop"
			r2.Unique["api_id"], r2.Unique["slug"] = "two", "shop"
			f.create(t, apis, r1, r2)
			same(t, "global", f.findIDs(t, apis, store.AllTenants(), "api_id", "two", "none"), []string{id(2)})
			same(t, "in the organisation", f.findIDs(t, apis, store.Org(orgB), "slug", "shop"), []string{id(2)})
			same(t, "in all", f.findIDs(t, apis, store.AllTenants(), "slug", "shop"), []string{id(1), id(2)})
		}},
		{"values are compared byte for byte", func(t *testing.T, f *fixture) {
			values := []string{"shop", "Shop", "shop ", " shop", "shöp", "sho\u0308p", "shop\t", "ſhop"}
			for i, v := range values {
				r := record(i, orgA)
				r.Unique["policy_id"] = v
				r.Text["state"] = v
				r.Labels["tag"] = []string{v}
				f.create(t, policies, r)
			}
			for i, v := range values {
				same(t, "unique "+v, f.findIDs(t, policies, store.Org(orgA), "policy_id", v), []string{id(i)})
				same(t, "text "+v, f.findIDs(t, policies, store.Org(orgA), "state", v), []string{id(i)})
				page := f.list(
					t,
					policies,
					store.Query{Tenant: store.Org(orgA), Limit: 9, Where: []store.Cond{store.HasLabel("tag", v)}},
				)
				same(t, "label "+v, ids(page.Records), []string{id(i)})
			}
		}},
		{"an absent unique value is not found by the empty string", func(t *testing.T, f *fixture) {
			f.create(t, apis, record(1, orgA))
			same(t, "slug", f.findIDs(t, apis, store.Org(orgA), "slug", ""), nil)
		}},
		{"five thousand values are one call", func(t *testing.T, f *fixture) {
			want := make([]string, 0, 10)
			for i := range 10 {
				f.create(t, keys, record(i*500, orgA))
				want = append(want, id(i*500))
			}
			values := make([]string, 5000)
			for i := range values {
				values[i] = id(i)
			}
			same(t, "ids", f.findIDs(t, keys, store.Org(orgA), "id", values...), want)
		}},
		{"an id of 255 bytes is kept whole", func(t *testing.T, f *fixture) {
			r1, r2 := record(1, orgA), record(2, orgA)
			r1.ID, r2.ID = strings.Repeat("k", 254)+"1", strings.Repeat("k", 254)+"2"
			r1.Labels["tag"], r2.Labels["tag"] = []string{"gold"}, []string{"gold"}
			f.create(t, keys, r1, r2)
			sameRecord(t, f.one(t, keys, r2.ID), r2)
			same(t, "capitals", f.findIDs(t, keys, store.AllTenants(), "id", strings.ToUpper(r1.ID)), nil)
		}},
		{"hostile text is data", func(t *testing.T, f *fixture) {
			for i, v := range []string{`'; DROP TABLE keys; --`, `"`, `\`, `$1`, `?`, `%`, `{"$ne":""}`, "`", `'`} {
				r := record(i, orgA)
				r.Text["alias"] = v
				r.Labels["tag"] = []string{v}
				f.create(t, keys, r)
				same(t, v, f.findIDs(t, keys, store.Org(orgA), "alias", v), []string{id(i)})
			}
		}},
	}
}

func tenantCases() []testCase {
	setUp := func(t *testing.T, f *fixture) {
		for i, org := range []string{orgA, orgB, ""} {
			r := record(i, org)
			r.Text["name"] = "shop"
			r.Labels["tag"] = []string{"gold"}
			r.Unique["name_key"] = "shop"
			f.create(t, policies, r)
		}
	}
	tenants := []struct {
		name   string
		tenant store.Tenant
		want   []string
	}{
		{"the first organisation", store.Org(orgA), []string{id(0)}},
		{"the second organisation", store.Org(orgB), []string{id(1)}},
		{"objects without an organisation", store.Org(""), []string{id(2)}},
		{"an unknown organisation", store.Org("5e9d9544a1dcd60001d0ffff"), nil},
		{"the zero tenant", store.Tenant{}, nil},
		{"all tenants", store.AllTenants(), []string{id(0), id(1), id(2)}},
	}
	each := func(check func(t *testing.T, f *fixture, tenant store.Tenant, want []string)) func(*testing.T, *fixture) {
		return func(t *testing.T, f *fixture) {
			setUp(t, f)
			for _, tc := range tenants {
				t.Run(tc.name, func(t *testing.T) { check(t, f, tc.tenant, tc.want) })
			}
		}
	}
	return []testCase{
		{"find stays in the tenant", each(func(t *testing.T, f *fixture, tenant store.Tenant, want []string) {
			same(t, "by id", f.findIDs(t, policies, tenant, "id", id(0), id(1), id(2)), want)
			same(t, "by text", f.findIDs(t, policies, tenant, "name", "shop"), want)
			same(t, "by unique", f.findIDs(t, policies, tenant, "name_key", "shop"), want)
		})},
		{"list and count stay in the tenant", each(func(t *testing.T, f *fixture, tenant store.Tenant, want []string) {
			for _, where := range [][]store.Cond{
				nil,
				{store.In("id", id(0), id(1), id(2))},
				{store.HasLabel("tag", "gold")},
				{store.AnyOf(store.Contains("name", "sho"), store.In("name", "shop"))},
				{store.NoneOf(store.In("name", "bar"))},
			} {
				page := f.list(t, policies, store.Query{Tenant: tenant, Where: where, Limit: 10, Total: true})
				same(t, "list", ids(page.Records), want)
				if page.Total != len(want) || f.count(t, policies, tenant, where...) != len(want) {
					t.Fatalf("where %v: total %d, want %d", where, page.Total, len(want))
				}
			}
		})},
		{"labels stay in the tenant", each(func(t *testing.T, f *fixture, tenant store.Tenant, want []string) {
			top, err := f.TopByLabel(f.ctx, policies, tenant, "tag", []string{"gold"}, 10)
			if err != nil {
				t.Fatal(err)
			}
			if len(top["gold"]) != len(want) {
				t.Fatalf("TopByLabel: %d records, want %d", len(top["gold"]), len(want))
			}
			counts, err := f.CountByLabel(f.ctx, policies, tenant, "tag", nil)
			if err != nil || counts["gold"] != len(want) {
				t.Fatalf("CountByLabel: %v, %v, want %d", counts, err, len(want))
			}
		})},
		{"a write that names another organisation is stale", func(t *testing.T, f *fixture) {
			setUp(t, f)
			foreign := next(record(0, orgB))
			stale(t, f.Apply(f.ctx, updating(policies, foreign)))
			stale(t, f.Apply(f.ctx, deleting(policies, foreign, 1)))
			stale(t, f.Apply(f.ctx, deleting(policies, foreign, 0)))
			if got := f.one(t, policies, id(0)); got.OrgID != orgA || got.Revision != 1 {
				t.Fatalf("the record changed: %+v", got)
			}
		}},
	}
}
