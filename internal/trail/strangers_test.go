package trail_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"gatehouse/internal/audit"
	"gatehouse/internal/core"
	"gatehouse/internal/trail"
	"gatehouse/store"
)

// knock is a call with credentials that do not hold.
func knock(t *testing.T, tr *trail.Trail, address string, n int, code core.Code) {
	t.Helper()
	call := tr.Begin(t.Context(), trail.Request{Face: trail.FaceREST, Operation: "apis", Method: "GET", IP: address,
		URL: "/api/apis?q=" + strings.Repeat("x", 2000)})
	call.Claimed(fmt.Sprintf("bad%d", n))
	call.End(0, core.Errorf(code, "no"))
}

// told are the records of calls that have none of their own, and how many others there are.
func told(t *testing.T, s *store.Store) (counts []*audit.Record, others int) {
	t.Helper()
	for r, err := range s.AuditRecords.All(t.Context(), store.Query{Tenant: store.AllTenants()}) {
		require.NoError(t, err)
		switch {
		case r.Operation == "callsNotRecorded":
			counts = append(counts, r)
		case r.Kind == audit.KindCall:
			others++
			require.LessOrEqual(t, len(r.URL), 210)
			require.Less(t, len(r.Document), 1000)
		}
	}
	return counts, others
}

func TestAStrangerDoesNotFillTheLog(t *testing.T) {
	s := open(t)
	tr, stop := run(t, trail.Options{Store: s})
	for n := range 500 {
		knock(t, tr, "192.0.2.1", n, core.CodeUnauthenticated)
		knock(t, tr, "192.0.2.1", n, core.CodeTooMany)
	}
	knock(t, tr, "192.0.2.2", 1, core.CodeUnauthenticated)
	tr.Checkpoint(t.Context())
	knock(t, tr, "192.0.2.1", 501, core.CodeUnauthenticated) // the next minute
	stop()
	counts, others := told(t, s)
	require.Equal(t, 60+1+1, others)
	require.Len(t, counts, 1)
	require.Equal(t, "192.0.2.1", counts[0].IP)
	require.JSONEq(t, `{"calls":940,"by_status":{"401":440,"429":500}}`, string(counts[0].Arguments))
	require.Empty(t, verify(t, s).Faults)
}

func TestStrangersOfManyAddressesDoNotFillTheLog(t *testing.T) {
	s := open(t)
	tr, stop := run(t, trail.Options{Store: s})
	for n := range 3000 {
		knock(t, tr, fmt.Sprintf("2001:db8::%x", n), n, core.CodeUnauthenticated)
	}
	stop()
	counts, others := told(t, s)
	require.LessOrEqual(t, others, 600)
	require.Len(t, counts, 101)
	calls := others
	for _, one := range counts {
		calls += int(gjson.GetBytes(one.Arguments, "calls").Int())
	}
	require.Equal(t, 3000, calls, "each call is told")
}

func TestWhoIsKnownHasEachRefusalRecorded(t *testing.T) {
	s := open(t)
	tr, stop := run(t, trail.Options{Store: s})
	for range 100 {
		call := tr.Begin(t.Context(), trail.Request{Face: trail.FaceREST, Method: "GET", URL: "/api/apis", IP: "192.0.2.1"})
		call.SignedIn(audit.Actor{ID: "1", Kind: audit.ActorKey}, "org")
		call.End(0, core.Errorf(core.CodeForbidden, "no"))
	}
	stop()
	counts, others := told(t, s)
	require.Empty(t, counts)
	require.Equal(t, 100, others)
}
