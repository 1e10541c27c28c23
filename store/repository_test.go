package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/store"
	"gatehouse/store/sql"
	"gatehouse/store/storetest"
)

const (
	orgA = "5e9d9544a1dcd60001d0ed20"
	orgB = "5e9d9544a1dcd60001d0ed21"
)

// newStore makes a store on an empty database in memory, and returns the engine below it too.
func newStore(t *testing.T, opts ...store.Option) (*store.Store, *storetest.Counting) {
	t.Helper()
	engine, err := sql.OpenMemory(t.Context())
	require.NoError(t, err)
	counted := &storetest.Counting{Engine: engine}
	s := store.New(counted, opts...)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s, counted
}

func policy(n int, org, name string, more string) *core.Policy {
	doc := core.Document(fmt.Sprintf(`{"name":%q,"id":"policy-%d"%s}`, name, n, more))
	return core.NewPolicy(core.Meta{ID: fmt.Sprintf("65e0f1a2b3c4d5e6%08x", n), OrgID: org}, doc)
}

func TestAWriteSetsRevisionAndTimes(t *testing.T) {
	now := time.Date(2024, 1, 2, 3, 4, 5, 678901234, time.FixedZone("", 3600))
	s, _ := newStore(t, store.WithClock(func() time.Time { return now }))
	p := policy(1, orgA, "gold", "")
	require.NoError(t, s.Policies.Create(t.Context(), p))
	created := now.UTC().Truncate(time.Microsecond)
	require.Equal(t, core.Meta{ID: p.ID, OrgID: orgA, Revision: 1, CreatedAt: created, UpdatedAt: created}, p.Meta)

	now = now.Add(time.Hour)
	require.NoError(t, s.Policies.Update(t.Context(), p))
	got, err := s.Policies.Find(t.Context(), store.Org(orgA), p.ID)
	require.NoError(t, err)
	require.Equal(
		t,
		core.Meta{ID: p.ID, OrgID: orgA, Revision: 2, CreatedAt: created, UpdatedAt: created.Add(time.Hour)},
		got.Meta,
	)
	require.Equal(t, p.Document, got.Document)

	got.Revision = 1
	copied := *got
	require.ErrorIs(t, s.Policies.Update(t.Context(), &copied), store.ErrStale)
	require.ErrorIs(
		t,
		s.Policies.Delete(t.Context(), policy(1, orgA, "gold", "")),
		nil,
		"a revision of 0 deletes whatever is there",
	)
	_, err = s.Policies.Find(t.Context(), store.Org(orgA), p.ID)
	require.ErrorIs(t, err, store.ErrNotFound)
}

func TestChangesOfSeveralKindsAreMadeTogetherOrNotAtAll(t *testing.T) {
	s, _ := newStore(t)
	org := core.NewOrganisation(core.Meta{ID: orgA}, core.Document(`{"owner_name":"Acme","owner_slug":"acme"}`))
	require.NoError(
		t,
		s.Apply(t.Context(), s.Organisations.Creating(org), s.Policies.Creating(policy(1, orgA, "gold", ""))),
	)
	err := s.Apply(
		t.Context(),
		s.Policies.Creating(policy(2, orgA, "silver", "")),
		s.Policies.Creating(policy(3, orgA, "gold", "")),
	)
	var conflict *store.ConflictError
	require.ErrorAs(t, err, &conflict)
	require.Equal(t, "name_key", conflict.Unique)
	n, err := s.Policies.Count(t.Context(), store.AllTenants())
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func TestObjectsAreFoundInTheirTenantOnly(t *testing.T) {
	for _, cached := range []bool{false, true} {
		t.Run(fmt.Sprintf("cached %v", cached), func(t *testing.T) {
			s, _ := newStore(t)
			for i, org := range []string{orgA, orgB, ""} {
				require.NoError(t, s.Policies.Create(t.Context(), policy(i, org, "gold", "")))
			}
			for i, tc := range []struct {
				tenant store.Tenant
				want   []bool
			}{
				{store.Org(orgA), []bool{true, false, false}}, {store.Org(orgB), []bool{false, true, false}},
				{store.Org(""), []bool{false, false, true}}, {store.Tenant{}, []bool{false, false, false}}, {store.AllTenants(), []bool{true, true, true}},
			} {
				for n, want := range tc.want {
					id := fmt.Sprintf("65e0f1a2b3c4d5e6%08x", n)
					if cached {
						_, err := s.Policies.Find(t.Context(), store.AllTenants(), id)
						require.NoError(t, err)
					}
					for _, by := range [][2]string{{"id", id}, {"policy_id", fmt.Sprintf("policy-%d", n)}} {
						_, err := s.Policies.FindBy(t.Context(), tc.tenant, by[0], by[1])
						if want {
							require.NoError(t, err, "tenant %d, %v", i, by)
						} else {
							require.ErrorIs(t, err, store.ErrNotFound, "tenant %d, %v", i, by)
						}
					}
				}
			}
			for n, org := range []string{orgA, orgB, ""} {
				for range 2 {
					got, err := s.Policies.FindBy(t.Context(), store.Org(org), "name_key", "gold")
					require.NoError(t, err)
					require.Equal(t, fmt.Sprintf("policy-%d", n), got.PolicyID, "each organisation has its own")
				}
			}
		})
	}
}

func TestLongAndOddValuesAreFound(t *testing.T) {
	s, _ := newStore(t)
	long := strings.Repeat("Größe ", 40)
	for i, tag := range []string{long + "1", long + "2", "Gold", "nul\x00"} {
		k := core.NewKey(core.Meta{ID: fmt.Sprintf("Key-%d-%s", i, strings.Repeat("k", 200)), OrgID: orgA},
			core.Document(fmt.Sprintf(`{"alias":"%s %d"}`, long, i)).Set("tags", []string{tag}))
		require.NoError(t, s.Keys.Create(t.Context(), k))

		got, err := s.Keys.Find(t.Context(), store.Org(orgA), k.ID)
		require.NoError(t, err, "ids are kept whole")
		require.Equal(t, k.Session, got.Session)
		for _, where := range []store.Cond{store.HasLabel("tag", tag), store.AnyOf(store.HasLabel("tag", tag)), store.In("id", k.ID)} {
			list, err := s.Keys.List(t.Context(), store.Query{Tenant: store.Org(orgA), Limit: 9, Where: []store.Cond{where}})
			require.NoError(t, err)
			require.Len(t, list.Objects, 1)
			require.Equal(t, k.ID, list.Objects[0].ID)
		}
		counts, err := s.Keys.CountByLabel(t.Context(), store.Org(orgA), "tag", tag)
		require.NoError(t, err)
		require.Equal(t, 1, counts[tag])
		top, err := s.Keys.TopByLabel(t.Context(), store.Org(orgA), "tag", []string{tag}, 5)
		require.NoError(t, err)
		require.Len(t, top[tag], 1)
	}
	n, err := s.Keys.Count(t.Context(), store.Org(orgA), store.In("alias", long+" 3"))
	require.NoError(t, err)
	require.Equal(t, 4, n, "aliases are compared by what is indexed of them")
	_, err = s.Keys.Find(t.Context(), store.Org(orgA), "nul\x00")
	require.ErrorIs(t, err, store.ErrNotFound)
}

func TestFindManyAsksOnce(t *testing.T) {
	s, engine := newStore(t)
	var ids []string
	for i := range 20 {
		p := policy(i, orgA, fmt.Sprint("gold ", i), "")
		require.NoError(t, s.Policies.Create(t.Context(), p))
		ids = append(ids, p.ID)
	}
	before := engine.Reads()
	got, err := s.Policies.FindMany(t.Context(), store.Org(orgA), "id", append(ids, "none"))
	require.NoError(t, err)
	require.Len(t, got, 20)
	require.EqualValues(t, 1, engine.Reads()-before)
	got, err = s.Policies.FindMany(t.Context(), store.Org(orgA), "id", nil)
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestAFailureOfTheEngineIsNotAnAnswer(t *testing.T) {
	s, _ := newStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Policies.Find(ctx, store.Org(orgA), "x")
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, store.ErrNotFound)
}
