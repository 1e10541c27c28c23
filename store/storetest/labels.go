package storetest

import (
	"fmt"
	"maps"
	"testing"

	"gatehouse/store"
)

func labelCases() []testCase {
	return []testCase{
		{"the newest records of each value", func(t *testing.T, f *fixture) {
			labelFixture(t, f)
			top, err := f.TopByLabel(f.ctx, keys, store.Org(orgA), "policy", []string{"gold", "silver", "none"}, 3)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "gold", ids(top["gold"]), []string{id(19), id(18), id(17)})
			same(t, "silver", ids(top["silver"]), []string{id(18), id(15), id(12)})
			if len(top["none"]) != 0 || len(top) > 3 {
				t.Fatalf("values that nothing carries: %v", top)
			}
			sameRecord(t, top["silver"][0], record(18, orgA))
		}},
		{"equally new records come by id, the last first", func(t *testing.T, f *fixture) {
			for i := range 4 {
				r := record(i, orgA)
				r.CreatedAt, r.Labels["policy"] = epoch, []string{"gold"}
				f.create(t, keys, r)
			}
			top, err := f.TopByLabel(f.ctx, keys, store.AllTenants(), "policy", []string{"gold"}, 3)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "gold", ids(top["gold"]), []string{id(3), id(2), id(1)})
		}},
		{"no values or no limit is no records", func(t *testing.T, f *fixture) {
			labelFixture(t, f)
			for _, tc := range []struct {
				values []string
				limit  int
			}{{nil, 5}, {[]string{"gold"}, 0}} {
				top, err := f.TopByLabel(f.ctx, keys, store.Org(orgA), "policy", tc.values, tc.limit)
				if err != nil || len(top["gold"]) != 0 {
					t.Fatalf("got %v, %v", top, err)
				}
			}
		}},
		{"counts by value", func(t *testing.T, f *fixture) {
			labelFixture(t, f)
			for _, tc := range []struct {
				tenant store.Tenant
				values []string
				want   map[string]int
			}{
				{store.Org(orgA), []string{"gold", "bronze"}, map[string]int{"gold": 20, "bronze": 1}},
				{store.Org(orgA), nil, map[string]int{"gold": 20, "silver": 7, "bronze": 1}},
				{store.Org(orgB), nil, map[string]int{"gold": 1}},
				{store.AllTenants(), nil, map[string]int{"gold": 21, "silver": 7, "bronze": 1}},
			} {
				got, err := f.CountByLabel(f.ctx, keys, tc.tenant, "policy", tc.values)
				if err != nil || !maps.Equal(got, tc.want) {
					t.Fatalf("values %q: got %v, %v, want %v", tc.values, got, err, tc.want)
				}
			}
			got, err := f.CountByLabel(f.ctx, keys, store.Org(orgA), "policy", []string{"none"})
			if err != nil || got["none"] != 0 {
				t.Fatalf("a value that nothing carries: %v, %v", got, err)
			}
		}},
		{"collections and fields do not mix", func(t *testing.T, f *fixture) {
			k, p := record(1, orgA), record(1, orgA)
			k.Labels["tag"], k.Labels["api"] = []string{"gold"}, []string{"silver"}
			p.Labels["tag"] = []string{"silver"}
			f.create(t, keys, k)
			f.create(t, policies, p)
			got, err := f.CountByLabel(f.ctx, keys, store.Org(orgA), "tag", nil)
			if err != nil || !maps.Equal(got, map[string]int{"gold": 1}) {
				t.Fatalf("got %v, %v", got, err)
			}
			if n := f.count(t, policies, store.Org(orgA), store.HasLabel("tag", "gold")); n != 0 {
				t.Fatalf("a policy carries the label of a key")
			}
			f.apply(t, deleting(policies, p, 1))
			if n := f.count(t, keys, store.Org(orgA), store.HasLabel("tag", "gold")); n != 1 {
				t.Fatalf("the key lost its label with the policy of the same id")
			}
		}},
		{"an update replaces the labels", func(t *testing.T, f *fixture) {
			r := record(1, orgA)
			r.Labels = map[string][]string{"tag": {"gold", "silver"}, "policy": {"p"}}
			f.create(t, keys, r)
			r = next(r)
			r.Labels = map[string][]string{"tag": {"silver", "bronze"}}
			f.apply(t, updating(keys, r))
			for field, want := range map[string]map[string]int{"tag": {"silver": 1, "bronze": 1}, "policy": {}} {
				got, err := f.CountByLabel(f.ctx, keys, store.Org(orgA), field, nil)
				if err != nil || !maps.Equal(got, want) {
					t.Fatalf("%s: got %v, %v, want %v", field, got, err, want)
				}
			}
		}},
		{"a deletion removes the labels", func(t *testing.T, f *fixture) {
			r := record(1, orgA)
			r.Labels["tag"] = []string{"gold"}
			f.create(t, keys, r)
			f.apply(t, deleting(keys, r, 1))
			r.Labels["tag"] = nil
			f.create(t, keys, r)
			got, err := f.CountByLabel(f.ctx, keys, store.Org(orgA), "tag", nil)
			if err != nil || len(got) != 0 {
				t.Fatalf("got %v, %v", got, err)
			}
		}},
		{"a thousand labels of one record", func(t *testing.T, f *fixture) {
			r := record(1, orgA)
			for i := range 1000 {
				r.Labels["api"] = append(r.Labels["api"], fmt.Sprintf("api-%d", i))
			}
			f.create(t, keys, r)
			got, err := f.CountByLabel(f.ctx, keys, store.Org(orgA), "api", nil)
			if err != nil || len(got) != 1000 {
				t.Fatalf("got %d values, %v", len(got), err)
			}
			top, err := f.TopByLabel(f.ctx, keys, store.Org(orgA), "api", r.Labels["api"], 2)
			if err != nil || len(top) != 1000 {
				t.Fatalf("TopByLabel: %d values, %v", len(top), err)
			}
		}},
	}
}

// labelFixture creates twenty keys that carry gold, every third of them silver, and one gold key in the second
// organisation.
func labelFixture(t *testing.T, f *fixture) {
	t.Helper()
	for i := range 20 {
		r := record(i, orgA)
		r.Labels["policy"] = []string{"gold"}
		if i%3 == 0 {
			r.Labels["policy"] = append(r.Labels["policy"], "silver")
		}
		if i == 7 {
			r.Labels["policy"] = append(r.Labels["policy"], "bronze")
		}
		r.Labels["tag"] = []string{"other"}
		f.create(t, keys, r)
	}
	r := record(100, orgB)
	r.Labels["policy"] = []string{"gold"}
	f.create(t, keys, r)
}
