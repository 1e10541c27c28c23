package storetest

import (
	"fmt"
	"testing"

	"gatehouse/internal/core"
	"gatehouse/store"
)

func pagingCases() []testCase {
	return []testCase{
		{"cursors walk through every order once, without gaps", func(t *testing.T, f *fixture) {
			all := listFixture(t, f)
			for _, field := range []string{"", "id", "updated_at", "alias", "expires", "inactive", "oauth_client_id"} {
				for _, desc := range []bool{false, true} {
					for _, limit := range []int{1, 4, 100} {
						q := store.Query{Tenant: store.AllTenants(), Sort: field, Desc: desc, Limit: limit, Total: true,
							Where: []store.Cond{store.NoneOf(store.Contains("alias", "z"))}}
						want := modelList(all, q)
						same(t, fmt.Sprintf("sort %q, desc %v, limit %d", field, desc, limit), walk(t, f, q, len(want)), want)
					}
				}
			}
		}},
		{"every record of a page has its own cursor", func(t *testing.T, f *fixture) {
			all := listFixture(t, f)
			q := store.Query{Tenant: store.AllTenants(), Sort: "alias", Limit: 100}
			page, want := f.list(t, keys, q), modelList(all, q)
			if len(page.Cursors) != len(page.Records) {
				t.Fatalf("%d cursors for %d records", len(page.Cursors), len(page.Records))
			}
			for i, cursor := range page.Cursors {
				q.After = cursor
				same(t, fmt.Sprintf("after %d", i), ids(f.list(t, keys, q).Records), want[i+1:])
			}
		}},
		{"offsets skip records", func(t *testing.T, f *fixture) {
			all := listFixture(t, f)
			q := store.Query{Tenant: store.AllTenants(), Sort: "alias", Limit: 5, Total: true}
			want := modelList(all, q)
			for _, skip := range []int{0, 1, 5, len(want) - 5, len(want) - 3, len(want), len(want) + 10} {
				q.After = core.OffsetCursor(skip)
				page := f.list(t, keys, q)
				from, to := min(skip, len(want)), min(skip+5, len(want))
				same(t, fmt.Sprintf("offset %d", skip), ids(page.Records), want[from:to])
				if page.More != (to < len(want)) || page.Total != len(want) {
					t.Fatalf("offset %d: more %v, total %d of %d", skip, page.More, page.Total, len(want))
				}
			}
		}},
		{"a cursor of an offset page goes on behind it", func(t *testing.T, f *fixture) {
			all := listFixture(t, f)
			q := store.Query{Tenant: store.AllTenants(), Sort: "expires", Desc: true, Limit: 5, After: core.OffsetCursor(7)}
			page, want := f.list(t, keys, q), modelList(all, q)
			q.After = page.Cursors[4]
			same(t, "next", ids(f.list(t, keys, q).Records), want[12:17])
		}},
		{"a cursor outlives its record", func(t *testing.T, f *fixture) {
			f.create(t, apis, record(1, orgA), record(2, orgA), record(3, orgA))
			q := store.Query{Tenant: store.Org(orgA), Limit: 2}
			q.After = f.list(t, apis, q).Cursors[1]
			f.apply(t, deleting(apis, record(2, orgA), 1))
			same(t, "rest", ids(f.list(t, apis, q).Records), []string{id(3)})
		}},
		{"records that come and go do not shift a walk", func(t *testing.T, f *fixture) {
			f.create(t, apis, record(10, orgA), record(20, orgA), record(30, orgA), record(40, orgA))
			q := store.Query{Tenant: store.Org(orgA), Limit: 2}
			q.After = f.list(t, apis, q).Cursors[1]
			f.apply(t, deleting(apis, record(10, orgA), 1), creating(apis, record(5, orgA)), creating(apis, record(6, orgA)))
			same(t, "rest", ids(f.list(t, apis, q).Records), []string{id(30), id(40)})
		}},
		{"a cursor that nobody made is an error", func(t *testing.T, f *fixture) {
			f.create(t, apis, record(1, orgA))
			if _, err := f.List(f.ctx, apis, store.Query{Tenant: store.Org(orgA), Limit: 2, After: "!"}); err == nil {
				t.Fatal("List took the cursor")
			}
		}},
	}
}

// walk reads all pages and checks More and Total on the way.
func walk(t *testing.T, f *fixture, q store.Query, total int) []string {
	t.Helper()
	var out []string
	for {
		page := f.list(t, keys, q)
		out = append(out, ids(page.Records)...)
		if len(page.Records) > q.Limit || page.Total != total || page.More != (len(out) < total) {
			t.Fatalf("after %d of %d: page of %d, more %v, total %d", len(out), total, len(page.Records), page.More, page.Total)
		}
		if !page.More || len(page.Records) == 0 {
			return out
		}
		q.After = page.Cursors[len(page.Cursors)-1]
	}
}
