package storetest

import (
	"testing"

	"gatehouse/store"
)

func lifeCases() []testCase {
	return []testCase{
		{"an open engine answers a ping", func(t *testing.T, f *fixture) {
			if err := f.Ping(f.ctx); err != nil {
				t.Fatal(err)
			}
		}},
		{"a closed engine refuses everything with an error", func(t *testing.T, f *fixture) {
			f.create(t, apis, record(1, orgA))
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			if err := f.Apply(f.ctx, creating(apis, record(2, orgA))); err == nil {
				t.Error("Apply succeeded")
			}
			if _, err := f.Find(f.ctx, apis, store.Org(orgA), "id", []string{id(1)}); err == nil {
				t.Error("Find succeeded")
			}
			if err := f.Ping(f.ctx); err == nil {
				t.Error("Ping succeeded")
			}
		}},
		{"closing twice is harmless", func(t *testing.T, f *fixture) {
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}},
		{"every collection takes every field that it declares", func(t *testing.T, f *fixture) {
			for _, c := range store.Collections() {
				r := record(1, orgA)
				for _, name := range c.Text {
					r.Text[name] = "text of " + name
				}
				for i, name := range c.Int {
					r.Int[name] = int64(i) + 41
				}
				for _, u := range c.Unique {
					r.Unique[u.Name] = "unique of " + u.Name
				}
				for _, name := range c.Labels {
					r.Labels[name] = []string{"label of " + name}
				}
				f.create(t, c, r)
				var where []store.Cond
				for _, name := range c.Text {
					where = append(where, store.In(name, "text of "+name), store.Contains(name, "OF "+name))
					same(t, c.Name+"."+name, f.findIDs(t, c, store.Org(orgA), name, "text of "+name), []string{r.ID})
				}
				for i, name := range c.Int {
					where = append(where, store.Between(name, int64(i)+41, int64(i)+41))
				}
				for _, u := range c.Unique {
					same(t, c.Name+"."+u.Name, f.findIDs(t, c, store.Org(orgA), u.Name, "unique of "+u.Name), []string{r.ID})
				}
				for _, name := range c.Labels {
					where = append(where, store.HasLabel(name, "label of "+name))
				}
				for _, field := range append(append([]string{"id", "created_at", "updated_at"}, c.Text...), c.Int...) {
					page := f.list(t, c, store.Query{Tenant: store.Org(orgA), Where: where, Sort: field, Limit: 2})
					same(t, c.Name+" by "+field, ids(page.Records), []string{r.ID})
				}
			}
		}},
	}
}
