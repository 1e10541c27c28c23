package storetest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// letters make texts in which much is alike, and everything that a search may take for something else.
var letters = []string{
	"a",
	"b",
	"ab",
	"abc",
	"aaa",
	"1",
	"42",
	" ",
	"-",
	"%",
	"_",
	`\`,
	`"`,
	"'",
	"*",
	"(",
	")",
	":",
	"^",
	"é",
	"ß",
	"ǆ",
	"日",
	"本",
	"🎉",
	"e\u0301",
	"\u200d",
	"\ufffd",
	"\uffff",
	"AND",
	"NOT",
	"OR",
	"NEAR",
	"\t",
	"\u00a0",
	"İ",
	"\U0010ffff",
}

func randomText(r *rand.Rand, most int) string {
	var out strings.Builder
	for range r.IntN(most + 1) {
		out.WriteString(letters[r.IntN(len(letters))])
	}
	return out.String()
}

// searchFixture creates keys with random aliases, ids and labels, and changes and deletes some of them. It returns what
// is left.
func searchFixture(t *testing.T, f *fixture, r *rand.Rand) []store.Record {
	t.Helper()
	var all []store.Record
	var writes []store.Write
	for i := range 300 {
		k := record(i, []string{orgA, orgA, orgA, orgB}[i%4])
		k.ID = fmt.Sprintf("%x-%s%d", r.Uint32(), []string{"", "Abc", "CUSTOMER"}[i%3], i)
		k.CreatedAt = epoch.Add(time.Duration(r.IntN(100)) * time.Second)
		k.Text["alias"] = store.Fold(randomText(r, 8))
		k.Int["inactive"] = int64(i % 2)
		randomLabels(r, &k)
		all = append(all, k)
		writes = append(writes, creating(keys, k))
		if len(writes) == 75 {
			f.apply(t, writes...)
			writes = nil
		}
	}
	left := all[:0]
	for i, k := range all {
		switch i % 10 {
		case 3:
			writes = append(writes, deleting(keys, k, k.Revision))
			continue
		case 4, 5:
			k = next(k)
			k.Text = map[string]string{"alias": store.Fold(randomText(r, 8))}
			k.Labels = map[string][]string{}
			randomLabels(r, &k)
			writes = append(writes, updating(keys, k))
		case 6:
			k = next(k)
			k.CreatedAt = k.CreatedAt.Add(-time.Hour)
			writes = append(writes, updating(keys, k))
		}
		left = append(left, k)
	}
	f.apply(t, writes...)
	return left
}

func randomLabels(r *rand.Rand, k *store.Record) {
	for field, values := range map[string][]string{"policy": {"all", "p1", "p2", "p3"}, "api": {"a1", "a2", "p1"}} {
		k.Labels[field] = nil
		for i, v := range values {
			if r.IntN(i*2+1) == 0 {
				k.Labels[field] = append(k.Labels[field], v)
			}
		}
	}
}

// fragment is a text that some of the records may contain, often a part of one of them.
func fragment(r *rand.Rand, all []store.Record) string {
	text := []rune(randomText(r, 3))
	k := all[r.IntN(len(all))]
	switch r.IntN(5) {
	case 0:
		text = []rune(strings.ToLower(k.ID))
	case 1, 2, 3:
		text = []rune(k.Text["alias"])
	}
	if len(text) > 0 {
		from := r.IntN(len(text))
		text = text[from : from+min(1+r.IntN(7), len(text)-from)]
	}
	return string(text)
}

func randomSearch(r *rand.Rand, all []store.Record) []store.Cond {
	text := fragment(r, all)
	api := store.HasLabel("api", "a1")
	policies := store.HasLabel("policy", []string{"p1", "p2", "p3", "none"}[r.IntN(3):]...)
	alias := store.Contains("alias", text)
	either := store.AnyOf(store.Contains("id", text), alias)
	choices := [][]store.Cond{
		{alias},
		{store.Contains("id", text)},
		{either},
		{either, api},
		{alias, store.HasLabel("policy", "all"), store.Between("inactive", 0, 0)},
		{store.AnyOf(alias, store.Contains("alias", fragment(r, all)))},
		{store.AnyOf(alias, api)},
		{store.NoneOf(alias), policies},
		{store.NoneOf(either, api)},
		{api},
		{policies},
		{store.AnyOf(api, policies)},
		{store.AnyOf(api, policies, store.HasLabel("policy", "all"))},
		{store.AnyOf(api, policies), either},
		{store.HasLabel("policy", "all"), store.NoneOf(policies)},
		{store.AnyOf(store.HasLabel("api", "none"), store.HasLabel("policy", "none"))},
		{store.HasLabel("policy", "all"), api},
		{},
	}
	return choices[r.IntN(len(choices))]
}

func searchCases() []testCase {
	return []testCase{
		{"random searches find what a plain look at every record finds, page by page", func(t *testing.T, f *fixture) {
			r := rand.New(rand.NewPCG(7, 11)) //nolint:gosec // the same searches every time
			all := searchFixture(t, f, r)
			for range f.searches {
				q := store.Query{
					Where:  randomSearch(r, all),
					Tenant: store.Org(orgA),
					Desc:   r.IntN(3) > 0,
					Limit:  5 + r.IntN(60),
					Total:  r.IntN(4) > 0,
				}
				if r.IntN(4) == 0 {
					q.Tenant = store.AllTenants()
				}
				if r.IntN(6) == 0 {
					q.Sort = []string{"id", "alias", "inactive"}[r.IntN(3)]
				}
				want := modelList(all, q)
				what := fmt.Sprintf("%+v", q)
				if n := f.count(t, keys, q.Tenant, q.Where...); n != len(want) {
					t.Fatalf("%s: counted %d, want %d", what, n, len(want))
				}
				if skip := r.IntN(len(want) + 3); r.IntN(2) == 0 {
					at := q
					at.After = core.OffsetCursor(skip)
					page := f.list(t, keys, at)
					behind := want[min(skip, len(want)):]
					same(t, fmt.Sprintf("%s behind %d", what, skip), ids(page.Records), behind[:min(q.Limit, len(behind))])
				}
				var got []string
				for {
					page := f.list(t, keys, q)
					got = append(got, ids(page.Records)...)
					if q.Total && page.Total != len(want) {
						t.Fatalf("%s: total %d, want %d", what, page.Total, len(want))
					}
					if !page.More {
						break
					}
					q.After = page.Cursors[len(page.Cursors)-1]
				}
				same(t, what, got, want)
			}
		}},
		{"what was deleted and made again is found by its new parts only", func(t *testing.T, f *fixture) {
			k := record(1, orgA)
			k.Text["alias"] = "first alias"
			f.create(t, keys, k, record(2, orgA))
			f.apply(t, deleting(keys, k, 1))
			k.Text["alias"] = "second name"
			f.create(t, keys, k)
			for text, want := range map[string]int{"first": 0, "alias": 0, "second": 1, "d na": 1} {
				if n := f.count(t, keys, store.Org(orgA), store.Contains("alias", text)); n != want {
					t.Fatalf("%q: %d, want %d", text, n, want)
				}
			}
		}},
		{"a failed change leaves nothing to be found", func(t *testing.T, f *fixture) {
			k := record(1, orgA)
			k.Text["alias"], k.Labels["policy"] = "first alias", []string{"gold"}
			f.create(t, keys, k)
			more := []store.Write{}
			for i := range 20 {
				other := record(10+i, orgA)
				other.Text["alias"], other.Labels["policy"] = "failing", []string{"gold"}
				more = append(more, creating(keys, other))
			}
			conflict(t, f.Apply(f.ctx, append(more, creating(keys, k))...), keys, "id", k.ID, k.ID)
			if n := f.count(t, keys, store.Org(orgA), store.Contains("alias", "failing")); n != 0 {
				t.Fatalf("%d keys of the failed change are found", n)
			}
			for _, where := range [][]store.Cond{nil, {store.HasLabel("policy", "gold")}} {
				if n := f.count(t, keys, store.Org(orgA), where...); n != 1 {
					t.Fatalf("%+v: %d keys are counted, want one", where, n)
				}
			}
		}},
	}
}

// surfaceCases are about writes of a part of the query surface.
func surfaceCases() []testCase {
	surface := func(c *store.Collection, r store.Record, was int64) store.Write {
		r.Doc, r.Sealed, r.Unique = nil, nil, nil
		r.Revision, r.UpdatedAt = was, time.Time{}
		return store.Write{Collection: c, Record: r, Was: was, Surface: true}
	}
	return []testCase{
		{"it adds to what can be searched, and changes nothing else", func(t *testing.T, f *fixture) {
			old := record(1, orgA)
			old.Doc, old.Sealed = []byte(`{"a": 1.0}`), []byte(`{"s":1}`)
			old.Text["alias"], old.Int["expires"] = "old alias", 5
			old.Labels = map[string][]string{"policy": {"gold"}, "certificate": {"c0", "c9"}}
			f.create(t, keys, old, record(2, orgA))
			part := record(1, orgA)
			part.Text["oauth_client_id"], part.Int["basic_auth"] = "client", 1
			part.Labels["certificate"] = []string{"c1", "c2"}
			f.apply(t, surface(keys, part, 1))
			sameRecord(t, f.one(t, keys, old.ID), old)
			for _, tc := range []struct {
				where store.Cond
				want  int
			}{
				{store.In("oauth_client_id", "client"), 1}, {store.Between("basic_auth", 1, 1), 1}, {store.HasLabel("certificate", "c2"), 1},
				{store.HasLabel("certificate", "c0"), 0}, {store.In("alias", "old alias"), 1}, {store.Contains("alias", "old"), 1},
				{store.Between("expires", 5, 5), 1}, {store.HasLabel("policy", "gold"), 1},
			} {
				if n := f.count(t, keys, store.Org(orgA), tc.where); n != tc.want {
					t.Fatalf("%+v: %d, want %d", tc.where, n, tc.want)
				}
			}
		}},
		{"a text that it sets is found by its parts", func(t *testing.T, f *fixture) {
			k := record(1, orgA)
			k.Text["alias"] = "first"
			f.create(t, keys, k)
			k.Text["alias"] = "second"
			f.apply(t, surface(keys, k, 1))
			for text, want := range map[string]int{"first": 0, "seco": 1} {
				if n := f.count(t, keys, store.Org(orgA), store.Contains("alias", text)); n != want {
					t.Fatalf("%q: %d, want %d", text, n, want)
				}
			}
		}},
		{"it needs the record as it was", func(t *testing.T, f *fixture) {
			k := record(1, orgA)
			f.create(t, keys, k)
			k.Labels["certificate"] = []string{"c1"}
			stale(t, f.Apply(f.ctx, surface(keys, k, 2)))
			stale(t, f.Apply(f.ctx, surface(keys, record(3, orgA), 1)))
			if n := f.count(t, keys, store.Org(orgA), store.HasLabel("certificate", "c1")); n != 0 {
				t.Fatal("a write that was refused left its label")
			}
			f.apply(t, surface(keys, k, 1), updating(keys, next(k)))
			if got := f.one(t, keys, k.ID); got.Revision != 2 {
				t.Fatalf("revision %d, want 2", got.Revision)
			}
		}},
		{"one that names nothing changes nothing", func(t *testing.T, f *fixture) {
			k := record(1, orgA)
			k.Labels["tag"] = []string{"gold"}
			f.create(t, keys, k)
			f.apply(t, surface(keys, record(1, orgA), 1))
			if n := f.count(t, keys, store.Org(orgA), store.HasLabel("tag", "gold")); n != 1 {
				t.Fatal("the label is gone")
			}
		}},
	}
}
