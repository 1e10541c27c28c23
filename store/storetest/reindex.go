package storetest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"gatehouse/internal/core"
	"gatehouse/store"
)

var silent = slog.New(slog.DiscardHandler)

// small is a store that goes through many pages soon.
func small(e store.Engine) *store.Store { return store.New(e, store.WithReindexPage(50)) }

// earlierKeys writes keys as a program did that knew no label "certificate"; every third names one.
func earlierKeys(t *testing.T, f *fixture, n int) []store.Record {
	t.Helper()
	var all []store.Record
	for i := range n {
		k := record(i, orgA)
		if i%3 == 0 {
			k.Doc = fmt.Appendf(nil, `{"alias": "key %d", "certificate":"c%d"}`, i, i%2)
		}
		k.Text["alias"], k.Labels["policy"] = "as it was", []string{"explicit"}
		all = append(all, k)
	}
	f.create(t, keys, all...)
	return all
}

// indexed fails unless the keys that name a certificate are found by it, and nothing else has changed.
func indexed(t *testing.T, f *fixture, all []store.Record) {
	t.Helper()
	got, err := f.CountByLabel(f.ctx, keys, store.AllTenants(), "certificate", nil)
	if err != nil || got["c0"]+got["c1"] != (len(all)+2)/3 || len(got) != 2 {
		t.Fatalf("certificates: %v, %v", got, err)
	}
	if n := f.count(t, keys, store.Org(orgA), store.HasLabel("policy", "explicit"), store.In("alias", "as it was")); n != len(
		all,
	) {
		t.Fatalf("%d keys have what they had, want %d", n, len(all))
	}
	for _, r := range []int{0, 1, len(all) - 1} {
		sameRecord(t, f.one(t, keys, all[r].ID), all[r])
	}
}

func reindexCases() []testCase {
	return []testCase{
		{"records of an earlier version get what they lack, and keep the rest", func(t *testing.T, f *fixture) {
			all := earlierKeys(t, f, 121)
			api := record(1, orgB)
			api.Doc = []byte(
				`{"api_definition":{"api_id":"old","active":true,"proxy":{"listen_path":"/old/"},"client_certificates":["c7"],"jwt_default_policies":["p7"]}}`,
			)
			f.create(t, apis, api)
			policy := record(2, orgB)
			policy.Doc = []byte(`{"id":"gold"}`)
			f.create(t, policies, policy)
			odd := record(2, orgB)
			odd.Doc = []byte(`{"api_definition":{"Certificates":["c8"],"certificates":["c8"]}}`)
			odd.Labels["certificate"] = []string{"c8"}
			f.create(t, apis, odd)
			var clients []store.Record
			for i, description := range []string{"Zoo", "the app", "App"} {
				client := record(i, orgB)
				client.Doc = fmt.Appendf(nil, `{"client_id":"c%d","api_id":"old","description":%q}`, i, description)
				client.Labels["api"], client.Labels["policy"] = []string{"old"}, []string{""}
				clients = append(clients, client)
			}
			f.create(t, oauthClients, clients...)
			if err := small(f.Engine).Reindex(f.ctx, silent); err != nil {
				t.Fatal(err)
			}
			indexed(t, f, all)
			sorted := store.Query{Tenant: store.Org(orgB), Where: []store.Cond{store.HasLabel("api", "old")}, Sort: "description", Limit: 2}
			first := f.list(t, oauthClients, sorted)
			sorted.After = first.Cursors[1]
			if got := ids(append(first.Records, f.list(t, oauthClients, sorted).Records...)); !slices.Equal(got, []string{id(2), id(1), id(0)}) {
				t.Fatalf("OAuth clients by description: %v", got)
			}
			if n := f.count(t, apis, store.Org(orgB), store.HasLabel("certificate", "c8"), store.HasLabel("certificate_use", "server:c8")); n != 1 {
				t.Fatal("an API that has one label already does not get the other")
			}
			if n := f.count(t, apis, store.Org(orgB), store.HasLabel("certificate", "c7")); n != 1 {
				t.Fatal("the API is not found by its certificate")
			}
			if n := f.count(t, apis, store.Org(orgB), store.HasLabel("policy", "p7")); n != 1 {
				t.Fatal("the API is not found by its policy")
			}
			if n := f.count(t, apis, store.Org(orgB), store.HasLabel("claim", "at 0 none /old"), store.HasLabel("segment", "any")); n != 1 {
				t.Fatal("the API is not found by its route")
			}
			owners, err := small(
				f.Engine,
			).OwnersOf(
				f.ctx,
				store.Ids{Apis: []string{"old"}, Policies: []string{"gold", policy.ID}},
			)
			foreign := owners.Foreign(orgA)
			if err != nil || !foreign.Api("old") || !foreign.Policy("gold") || !foreign.Policy(policy.ID) ||
				owners.Foreign(orgB).Policy("gold") {
				t.Fatalf("ids that are in use are not their organisation's: %v", err)
			}
			counted := &Counting{Engine: f.Engine}
			if err := small(counted).Reindex(f.ctx, silent); err != nil || counted.Reads() > 5 {
				t.Fatalf("again: %v, %d reads", err, counted.Reads())
			}
		}},
		{"one that was stopped goes on where it was", func(t *testing.T, f *fixture) {
			all := earlierKeys(t, f, 161)
			stopping := &stopping{Engine: f.Engine}
			stopping.left.Store(3) // the APIs and the policies, of which there are none, are one each
			if err := small(stopping).Reindex(f.ctx, silent); !errors.Is(err, errStopped) {
				t.Fatalf("got %v", err)
			}
			again := &listing{Engine: f.Engine}
			if err := small(again).Reindex(f.ctx, silent); err != nil {
				t.Fatal(err)
			}
			if n := again.listed.Load(); n >= 161 {
				t.Fatalf("%d keys were read again", n)
			}
			indexed(t, f, all)
		}},
		{"a judge of another version judges all anew, once", func(t *testing.T, f *fixture) {
			for i := range 121 {
				api := record(i, orgA)
				if api.Doc = []byte(`{"api_definition":{}}`); i%3 == 0 {
					api.Doc = []byte(`{"api_definition":{"name":"bad"}}`)
				}
				f.create(t, apis, api)
			}
			bad := func(doc core.Document) string { return doc.Text("api_definition.name") }
			judged := func(e store.Engine, version string) error {
				return store.New(
					e,
					store.WithReindexPage(50),
					store.WithJudge(store.Judge{Version: version, Fault: bad}),
				).Reindex(
					f.ctx,
					silent,
				)
			}
			stopping := &stopping{Engine: f.Engine}
			stopping.left.Store(2)
			if err := judged(stopping, "1"); !errors.Is(err, errStopped) {
				t.Fatalf("got %v", err)
			}
			for _, version := range []string{"2", "3"} {
				if err := judged(f.Engine, version); err != nil {
					t.Fatal(err)
				}
				if n := f.count(t, apis, store.Org(orgA), store.HasLabel("fault", version)); n != 41 {
					t.Fatalf("version %s found %d, want 41", version, n)
				}
				counted := &Counting{Engine: f.Engine}
				if err := judged(counted, version); err != nil || counted.Reads() > 5 {
					t.Fatalf("again: %v, %d reads", err, counted.Reads())
				}
			}
		}},
		{"two servers at once", func(t *testing.T, f *fixture) {
			all := earlierKeys(t, f, 161)
			var both errgroup.Group
			for range 2 {
				both.Go(func() error { return small(f.Engine).Reindex(f.ctx, silent) })
			}
			if err := both.Wait(); err != nil {
				t.Fatal(err)
			}
			indexed(t, f, all)
		}},
		{"while others write", func(t *testing.T, f *fixture) {
			earlierKeys(t, f, 91)
			var both errgroup.Group
			both.Go(func() error { return small(f.Engine).Reindex(f.ctx, silent) })
			s := store.New(f.Engine)
			both.Go(func() error {
				for i := range 30 {
					found, err := s.Keys.FindMany(f.ctx, store.Org(orgA), "id", []string{id(i * 3)})
					if err != nil {
						return err
					}
					next := core.NewKey(found[0].Meta, found[0].Session.Set("certificate", "changed"))
					if err := s.Keys.Update(f.ctx, next); err != nil {
						return err
					}
				}
				return nil
			})
			if err := both.Wait(); err != nil {
				t.Fatal(err)
			}
			got, err := f.CountByLabel(f.ctx, keys, store.Org(orgA), "certificate", nil)
			if err != nil || got["changed"] != 30 || got["c0"]+got["c1"]+got["changed"] != 31 {
				t.Fatalf("certificates: %v, %v", got, err)
			}
		}},
	}
}

var errStopped = errors.New("stopped")

// stopping is an engine that makes so many changes, and then no more.
type stopping struct {
	store.Engine
	left atomic.Int64
}

// Apply implements store.Engine.
func (f *stopping) Apply(ctx context.Context, writes ...store.Write) error {
	if f.left.Add(-1) < 0 {
		return errStopped
	}
	return f.Engine.Apply(ctx, writes...)
}

// listing is an engine that counts the records that it lists.
type listing struct {
	store.Engine
	listed atomic.Int64
}

// List implements store.Engine.
func (f *listing) List(ctx context.Context, c *store.Collection, q store.Query) (store.Page, error) {
	page, err := f.Engine.List(ctx, c, q)
	f.listed.Add(int64(len(page.Records)))
	return page, err
}
