package storetest

import (
	"fmt"
	"math"
	"testing"
	"time"

	"gatehouse/store"
)

// names meets what goes wrong in searches: metacharacters of LIKE and of regular expressions, letters outside ASCII,
// digits, spaces, and values that differ in little.
var names = []string{
	"", "shop", "shop two", "SHOP", "100% gold", "100 gold", "a_b", "axb", `a\b`, `a\\b`, "ab", "été", "Été", "ÉTÉ", "straße", "STRASSE", "日本語", "日本",
	"İstanbul", "emoji 🎉 party", "a.b", "a*b", "(a|b)", "[ab]", "^a$", "o'brien", `say "hi"`, "z", "Z", "~", "tab\there", " lead", "trail ", "00", "0", "10", "9",
	"shop", "shop", "ÿ", "\U00010000", "\uffee",
}

// listFixture creates many keys with names, some in the second organisation, with equal times and numbers among them.
func listFixture(t *testing.T, f *fixture) []store.Record {
	t.Helper()
	var all []store.Record
	for i, name := range names {
		r := record(i, orgA)
		if i%7 == 3 {
			r.OrgID = orgB
		}
		if i%5 == 4 {
			r.ID = fmt.Sprintf("Key-%X-%d", 0xab0+i, i)
		}
		r.CreatedAt = epoch.Add(time.Duration((i*17)%11) * time.Microsecond)
		r.UpdatedAt = epoch.Add(time.Duration((i*5)%13) * time.Hour)
		r.Text["alias"] = store.Fold(name)
		r.Int["expires"] = int64((i*31)%7-3) * 1_000_000_000_000
		r.Int["inactive"] = int64(i % 2)
		for j, tag := range []string{"gold", "silver", "Gold", "été", "100%"} {
			if i%(j+2) == 0 {
				r.Labels["tag"] = append(r.Labels["tag"], tag)
			}
		}
		if i%3 == 0 {
			r.Labels["policy"] = []string{"gold"}
		}
		all = append(all, r)
	}
	f.create(t, keys, all...)
	return all
}

func listCases() []testCase {
	return []testCase{
		{"nothing is an empty page", func(t *testing.T, f *fixture) {
			page := f.list(t, apis, store.Query{Tenant: store.AllTenants(), Limit: 10, Total: true})
			if len(page.Records) != 0 || len(page.Cursors) != 0 || page.More || page.Total != 0 {
				t.Fatalf("got %+v", page)
			}
		}},
		{"the order is by creation unless said otherwise, ties by id", func(t *testing.T, f *fixture) {
			r1, r2, r3 := record(1, orgA), record(2, orgA), record(3, orgA)
			r1.CreatedAt = epoch.Add(time.Hour)
			r3.CreatedAt = r2.CreatedAt
			f.create(t, apis, r3, r1, r2)
			q := store.Query{Tenant: store.Org(orgA), Limit: 10}
			same(t, "up", ids(f.list(t, apis, q).Records), []string{id(2), id(3), id(1)})
			q.Desc = true
			same(t, "down", ids(f.list(t, apis, q).Records), []string{id(1), id(3), id(2)})
		}},
		{"text sorts by bytes", func(t *testing.T, f *fixture) {
			for i, alias := range []string{"b", "a", "é", "", "z", "~", "a b", "ab", "日", "\U00010000", "\uffee", "10", "9"} {
				r := record(i, orgA)
				r.Text["alias"] = alias
				f.create(t, keys, r)
			}
			page := f.list(t, keys, store.Query{Tenant: store.Org(orgA), Sort: "alias", Limit: 20})
			same(
				t,
				"order",
				ids(page.Records),
				[]string{id(3), id(11), id(12), id(1), id(6), id(7), id(0), id(4), id(5), id(2), id(8), id(10), id(9)},
			)
		}},
		{"a page has the documents unless only ids are asked for", func(t *testing.T, f *fixture) {
			r := record(1, orgA)
			r.Sealed = []byte(`{"password":"x"}`)
			f.create(t, users, r)
			q := store.Query{Tenant: store.Org(orgA), Limit: 1}
			sameRecord(t, f.list(t, users, q).Records[0], r)
			q.IDsOnly = true
			r.Doc, r.Sealed = nil, nil
			sameRecord(t, f.list(t, users, q).Records[0], r)
		}},
		{"every sort in both directions", func(t *testing.T, f *fixture) {
			all := listFixture(t, f)
			for _, field := range []string{"", "id", "created_at", "updated_at", "alias", "expires", "inactive", "oauth_client_id"} {
				for _, desc := range []bool{false, true} {
					for _, tenant := range []store.Tenant{store.Org(orgA), store.AllTenants()} {
						q := store.Query{Tenant: tenant, Sort: field, Desc: desc, Limit: 100}
						same(t, fmt.Sprintf("sort %q, desc %v", field, desc), ids(f.list(t, keys, q).Records), modelList(all, q))
					}
				}
			}
		}},
		{"contains takes its text literally and whatever the case", func(t *testing.T, f *fixture) {
			all := listFixture(t, f)
			for _, tc := range []struct {
				text string
				want int
			}{
				{"%", 1}, {"_", 1}, {`\`, 2}, {`\\`, 1}, {"a_", 1}, {"0%", 1}, {"ÉT", 3}, {"ét", 3}, {"SHOP", 5}, {"日本", 2}, {"🎉", 1}, {".", 1}, {"*", 1},
				{"(a|b)", 1}, {"[", 1}, {"^", 1}, {"$", 1}, {"'", 1}, {`"`, 1}, {"nothing like it", 0}, {"", len(names)}, {"straß", 1}, {"P T", 1}, {"\t", 1},
			} {
				where := store.Contains("alias", tc.text)
				q := store.Query{Tenant: store.AllTenants(), Where: []store.Cond{where}, Limit: 100}
				got := ids(f.list(t, keys, q).Records)
				same(t, "contains "+tc.text, got, modelList(all, q))
				if len(got) != tc.want {
					t.Fatalf("contains %q: %d records, want %d", tc.text, len(got), tc.want)
				}
			}
		}},
		{"contains finds parts of ids whatever the case", func(t *testing.T, f *fixture) {
			listFixture(t, f)
			for _, text := range []string{"key-AB4", "KEY-ab4", "y-ab4-4"} {
				same(t, text, ids(f.list(t, keys, store.Query{Tenant: store.AllTenants(), Limit: 9,
					Where: []store.Cond{store.Contains("id", text)}}).Records), []string{"Key-AB4-4"})
			}
		}},
		{"a label leads to records of another collection", func(t *testing.T, f *fixture) {
			api := func(i int, org, public string, viewers ...string) {
				r := record(i, org)
				r.Labels = map[string][]string{"public": {public}, "viewer": viewers}
				f.create(t, apis, r)
			}
			api(1, orgA, "open", "*")
			api(2, orgA, "theirs", "owned", "them")
			api(3, orgB, "foreign", "*")
			policy := record(11, orgA)
			policy.Labels = map[string][]string{"known": {"p"}, "api": {"theirs"}}
			f.create(t, policies, policy)
			key := func(i int, labels map[string][]string) {
				r := record(i, orgA)
				r.Labels = labels
				f.create(t, keys, r)
			}
			key(21, map[string][]string{"api": {"open"}})
			key(22, map[string][]string{"api": {"theirs", "open"}})
			key(23, map[string][]string{"api": {"theirs"}})
			key(24, map[string][]string{"api": {"foreign"}})
			key(25, map[string][]string{"api": {"gone"}})
			key(26, map[string][]string{"policy": {"p"}})
			key(27, nil)
			open := store.LeadsTo("api", apis, "public", store.HasLabel("viewer", "*"))
			owned := store.LeadsTo("api", apis, "public", store.HasLabel("viewer", "owned"))
			ownedByPolicy := store.LeadsTo("policy", policies, "known", owned)
			for _, tc := range []struct {
				name  string
				where []store.Cond
				want  []string
			}{
				{"to some", []store.Cond{open}, []string{id(21), id(22)}},
				{"to others", []store.Cond{owned}, []string{id(22), id(23)}},
				{"over two collections", []store.Cond{ownedByPolicy}, []string{id(26)}},
				{"to either", []store.Cond{store.AnyOf(owned, ownedByPolicy)}, []string{id(22), id(23), id(26)}},
				{"to none", []store.Cond{store.NoneOf(owned, ownedByPolicy)}, []string{id(21), id(24), id(25), id(27)}},
				{"to all", []store.Cond{open, owned}, []string{id(22)}},
				{"nowhere", []store.Cond{store.LeadsTo("api", apis, "public", store.HasLabel("viewer"))}, nil},
			} {
				q := store.Query{Tenant: store.Org(orgA), Where: tc.where, Sort: "id", Limit: 10, Total: true}
				page := f.list(t, keys, q)
				same(t, tc.name, ids(page.Records), tc.want)
				if n := f.count(t, keys, q.Tenant, tc.where...); page.Total != len(tc.want) || n != len(tc.want) {
					t.Fatalf("%s: total %d, count %d, want %d", tc.name, page.Total, n, len(tc.want))
				}
			}
		}},
		{"conditions and their combinations", func(t *testing.T, f *fixture) {
			all := listFixture(t, f)
			for i, where := range conditions(all) {
				for _, tenant := range []store.Tenant{store.Org(orgA), store.AllTenants()} {
					q := store.Query{Tenant: tenant, Where: where, Sort: "alias", Desc: i%2 == 0, Limit: 100, Total: true}
					page, want := f.list(t, keys, q), modelList(all, q)
					same(t, fmt.Sprintf("where %+v", where), ids(page.Records), want)
					if n := f.count(t, keys, tenant, where...); page.Total != len(want) || n != len(want) {
						t.Fatalf("where %+v: total %d, count %d, want %d", where, page.Total, n, len(want))
					}
				}
			}
		}},
		{"the largest and the smallest numbers", func(t *testing.T, f *fixture) {
			r1, r2, r3 := record(1, orgA), record(2, orgA), record(3, orgA)
			r1.Int["expires"], r3.Int["expires"] = math.MaxInt64, math.MinInt64
			f.create(t, keys, r1, r2, r3)
			q := store.Query{Tenant: store.Org(orgA), Sort: "expires", Limit: 3}
			same(t, "sorted", ids(f.list(t, keys, q).Records), []string{id(3), id(2), id(1)})
			q.Where = []store.Cond{store.Between("expires", 1, math.MaxInt64)}
			same(t, "largest", ids(f.list(t, keys, q).Records), []string{id(1)})
			q.Where = []store.Cond{store.Between("expires", math.MinInt64, -1)}
			same(t, "smallest", ids(f.list(t, keys, q).Records), []string{id(3)})
		}},
	}
}

func conditions(all []store.Record) [][]store.Cond {
	at := epoch.UnixMicro()
	gold, shop := store.HasLabel("tag", "gold"), store.Contains("alias", "shop")
	active := store.Between("inactive", 0, 0)
	many := make([]string, 700)
	for i := range many {
		many[i] = id(i * 3)
	}
	return [][]store.Cond{
		{store.In("id", all[0].ID, all[4].ID, "none")},
		{store.In("id")},
		{store.In("id", many...)},
		{store.In("org_id", orgB)},
		{store.In("org_id", orgA, orgB, "")},
		{store.In("alias", "shop", "été", "")},
		{store.In("alias", "SHOP")},
		{store.Between("expires", 0, 0)},
		{store.Between("expires", -1_000_000_000_000, 2_000_000_000_000)},
		{store.Between("expires", 1, 0)},
		{store.Between("created_at", at+2, at+5)},
		{store.Between("updated_at", at, at+3_600_000_000)},
		{gold},
		{store.HasLabel("tag", "gold", "silver")},
		{store.HasLabel("tag", "Gold")},
		{store.HasLabel("tag")},
		{store.HasLabel("policy", "gold")},
		{store.HasLabel("policy", "silver")},
		{store.HasLabel("tag", "100%", "été")},
		{gold, store.HasLabel("tag", "silver")},
		{gold, shop, active},
		{store.AnyOf(gold, shop)},
		{store.AnyOf(shop, store.Contains("id", "key-"))},
		{store.AnyOf()},
		{store.AnyOf(store.In("alias"))},
		{store.NoneOf(gold)},
		{store.NoneOf(gold, shop)},
		{store.NoneOf()},
		{store.NoneOf(store.AnyOf())},
		{store.NoneOf(store.NoneOf(gold))},
		{store.NoneOf(store.HasLabel("tag"))},
		{store.AnyOf(store.NoneOf(gold), store.NoneOf(active)), store.NoneOf(shop)},
		{
			store.AnyOf(
				store.NoneOf(store.AnyOf(gold, shop)),
				store.AnyOf(store.In("alias", "shop"), store.Between("expires", 1, math.MaxInt64)),
			),
		},
		{
			store.NoneOf(store.In("id", all[1].ID), store.Contains("alias", "a")),
			active,
			store.AnyOf(store.In("org_id", orgB), gold),
		},
	}
}
