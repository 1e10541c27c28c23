package storetest

import (
	"errors"
	"fmt"
	"sort"
	"testing"
	"time"

	"gatehouse/store"
)

// The collections that the cases use: between them they declare everything that a collection can.
var (
	organisations = collection("organisations")
	users         = collection("users")
	apis          = collection("apis")
	policies      = collection("policies")
	keys          = collection("keys")
	oauthClients  = collection("oauth_clients")
)

func collection(name string) *store.Collection {
	for _, c := range store.Collections() {
		if c.Name == name {
			return c
		}
	}
	panic("storetest: there is no collection " + name)
}

// Two organisations.
const (
	orgA = "5e9d9544a1dcd60001d0ed20"
	orgB = "5e9d9544a1dcd60001d0ed21"
)

// epoch is when the first record of a case was created.
var epoch = time.Date(2024, 2, 29, 23, 59, 59, 123456000, time.UTC)

// id makes the n-th id; a larger n sorts later.
func id(n int) string { return fmt.Sprintf("65e0f1a2b3c4d5e6%08x", n) }

// record makes a new record with the n-th id, created n seconds after the epoch.
func record(n int, org string) store.Record {
	at := epoch.Add(time.Duration(n) * time.Second)
	return store.Record{
		ID: id(n), OrgID: org, Revision: 1, CreatedAt: at, UpdatedAt: at, Doc: []byte(fmt.Sprintf(`{"n":%d}`, n)),
		Text: map[string]string{}, Int: map[string]int64{}, Unique: map[string]string{}, Labels: map[string][]string{},
	}
}

func creating(c *store.Collection, r store.Record) store.Write {
	return store.Write{Collection: c, Record: r}
}

// updating is the write of r over the revision before.
func updating(c *store.Collection, r store.Record) store.Write {
	return store.Write{Collection: c, Record: r, Was: r.Revision - 1}
}

func deleting(c *store.Collection, r store.Record, was int64) store.Write {
	return store.Write{Collection: c, Record: store.Record{ID: r.ID, OrgID: r.OrgID}, Was: was, Delete: true}
}

// next is r one revision and one minute later.
func next(r store.Record) store.Record {
	r.Revision++
	r.UpdatedAt = r.UpdatedAt.Add(time.Minute)
	return r
}

func (f *fixture) apply(t *testing.T, writes ...store.Write) {
	t.Helper()
	if err := f.Apply(f.ctx, writes...); err != nil {
		t.Fatalf("Apply: %v", err)
	}
}

func (f *fixture) create(t *testing.T, c *store.Collection, records ...store.Record) {
	t.Helper()
	writes := make([]store.Write, len(records))
	for i, r := range records {
		writes[i] = creating(c, r)
	}
	f.apply(t, writes...)
}

func (f *fixture) find(
	t *testing.T,
	c *store.Collection,
	tenant store.Tenant,
	field string,
	values ...string,
) []store.Record {
	t.Helper()
	got, err := f.Find(f.ctx, c, tenant, field, values)
	if err != nil {
		t.Fatalf("Find %s in %s: %v", field, c.Name, err)
	}
	return got
}

// findIDs is find, reduced to sorted ids.
func (f *fixture) findIDs(
	t *testing.T,
	c *store.Collection,
	tenant store.Tenant,
	field string,
	values ...string,
) []string {
	t.Helper()
	out := ids(f.find(t, c, tenant, field, values...))
	sort.Strings(out)
	return out
}

// one returns the record with the id, and fails when there is none.
func (f *fixture) one(t *testing.T, c *store.Collection, id string) store.Record {
	t.Helper()
	got := f.find(t, c, store.AllTenants(), "id", id)
	if len(got) != 1 {
		t.Fatalf("Find %s in %s: %d records, want one", id, c.Name, len(got))
	}
	return got[0]
}

func (f *fixture) list(t *testing.T, c *store.Collection, q store.Query) store.Page {
	t.Helper()
	page, err := f.List(f.ctx, c, q)
	if err != nil {
		t.Fatalf("List %s %+v: %v", c.Name, q, err)
	}
	return page
}

func (f *fixture) count(t *testing.T, c *store.Collection, tenant store.Tenant, where ...store.Cond) int {
	t.Helper()
	n, err := f.Count(f.ctx, c, tenant, where)
	if err != nil {
		t.Fatalf("Count %s: %v", c.Name, err)
	}
	return n
}

func ids(records []store.Record) []string {
	out := make([]string, len(records))
	for i, r := range records {
		out[i] = r.ID
	}
	return out
}

// same fails unless the lists are equal; nil and empty are.
func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: got %d, want %d\n got  %q\n want %q", what, len(got), len(want), got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("%s: differs at %d\n got  %q\n want %q", what, i, got, want)
		}
	}
}

// sameRecord fails unless what is read back is what was written.
func sameRecord(t *testing.T, got, want store.Record) {
	t.Helper()
	if got.ID != want.ID || got.OrgID != want.OrgID || got.Revision != want.Revision {
		t.Fatalf(
			"record is %s of %q at revision %d, want %s of %q at %d",
			got.ID,
			got.OrgID,
			got.Revision,
			want.ID,
			want.OrgID,
			want.Revision,
		)
	}
	if !got.CreatedAt.Equal(want.CreatedAt) || !got.UpdatedAt.Equal(want.UpdatedAt) {
		t.Fatalf("%s: times %v and %v, want %v and %v", got.ID, got.CreatedAt, got.UpdatedAt, want.CreatedAt, want.UpdatedAt)
	}
	if string(got.Doc) != string(want.Doc) {
		t.Fatalf("%s: document changed\n got  %s\n want %s", got.ID, clip(got.Doc), clip(want.Doc))
	}
	if string(got.Sealed) != string(want.Sealed) {
		t.Fatalf("%s: sealed part changed\n got  %s\n want %s", got.ID, clip(got.Sealed), clip(want.Sealed))
	}
}

func clip(b []byte) string {
	if len(b) > 300 {
		return string(b[:300]) + "…"
	}
	return string(b)
}

// conflict fails unless err says that the unique of the record is taken by other.
func conflict(t *testing.T, err error, c *store.Collection, unique, id, other string) {
	t.Helper()
	var got *store.ConflictError
	if !errors.Is(err, store.ErrConflict) || !errors.As(err, &got) {
		t.Fatalf("got %v, want a *ConflictError", err)
	}
	want := store.ConflictError{Collection: c.Name, Unique: unique, ID: id, OtherID: other}
	if *got != want {
		t.Fatalf("conflict is %+v, want %+v", *got, want)
	}
}

func stale(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrStale) {
		t.Fatalf("got %v, want ErrStale", err)
	}
}
