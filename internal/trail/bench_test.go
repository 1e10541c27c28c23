package trail_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/audit"
	"gatehouse/internal/core"
	"gatehouse/internal/trail"
	"gatehouse/store"
	"gatehouse/store/sql"
)

var size = flag.Int("audit-records", 20_000, "how many records the benchmarks of searches have")

// onDisk is a store in a file.
func onDisk(b *testing.B) (*store.Store, string) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "gatehouse.db")
	engine, err := sql.Open(b.Context(), sql.Config{Type: "sqlite", DSN: path})
	require.NoError(b, err)
	s := store.New(engine)
	b.Cleanup(func() { _ = s.Close() })
	return s, path
}

// BenchmarkWrite compares a change of an object of 8 KB that is recorded with one that is not.
func BenchmarkWrite(b *testing.B) {
	document := func(n, of int) core.Document {
		out := fmt.Appendf(nil, `{"name":"hook %d","target_path":"http://x.test","rate":%d,"fields":[`, of, n)
		for i := range 200 {
			out = fmt.Appendf(out, `{"name":"field %d","value":"some text"},`, i)
		}
		return core.Document(append(out[:len(out)-1], `]}`...))
	}
	for _, recorded := range []bool{false, true} {
		b.Run(fmt.Sprintf("recorded=%v", recorded), func(b *testing.B) {
			s, _ := onDisk(b)
			var tr *trail.Trail
			if recorded {
				tr, _ = run(b, trail.Options{Store: s})
			}
			w := core.NewWebhook(core.Meta{ID: core.NewID(time.Now()), OrgID: "5e9d9544a1dcd60001d0ed20"}, document(0, 1))
			require.NoError(b, s.Webhooks.Create(b.Context(), w))
			b.ResetTimer()
			for n := range b.N {
				call := tr.Begin(b.Context(), trail.Request{Face: trail.FaceREST, Operation: "updateWebhook", Method: "PUT",
					URL: "/api/hooks/" + w.ID, IP: "192.0.2.1", ID: "9f3c1d2e4b5a69788796a5b4c3d2e1f0"})
				ctx := call.With(b.Context())
				next := core.NewWebhook(w.Meta, document(n+1, 1))
				trail.Touch(ctx, core.WebhookKind, w, next)
				if err := s.Webhooks.Update(ctx, next); err != nil {
					b.Fatal(err)
				}
				if err := call.Done(ctx); err != nil {
					b.Fatal(err)
				}
				call.End(200, nil)
				w = next
			}
		})
	}
}

// BenchmarkSearch reads a page of an organisation's records: by user, by object, by a part of a path.
func BenchmarkSearch(b *testing.B) {
	s, path := onDisk(b)
	const org = "5e9d9544a1dcd60001d0ed20"
	keys, prev := audit.NewChain(trail.Keys(keyring(b)), "5c1f0a9be2d3c447"), time.Now().Add(-365*24*time.Hour)
	for n := 0; n < *size; {
		var changes []store.Change
		for range min(2000, *size-n) {
			n++
			prev = prev.Add(time.Second)
			object := fmt.Sprintf("%024x", n%5000)
			r := &audit.Record{Meta: core.Meta{ID: core.NewID(prev), OrgID: org, CreatedAt: prev.Truncate(time.Microsecond)},
				Actor: audit.Actor{ID: fmt.Sprintf("%024x", n%1000), Name: fmt.Sprintf("user%d@example.com", n%1000), Kind: audit.ActorKey},
				Face:  "rest", Operation: "updateApi", Method: "PUT", URL: "/api/apis/" + object, Status: 200, IP: "192.0.2.1",
				RequestID: core.NewHex(), Objects: []string{"Api/" + object},
				Diff: []byte(`{"Api/` + object + `":{"before":{"active":true},"after":{"active":false}}}`)}
			settle, err := keys.Add(r)
			require.NoError(b, err)
			settle(true)
			changes = append(changes, s.AuditRecords.Creating(r))
		}
		require.NoError(b, s.Apply(b.Context(), changes...))
	}
	search := trail.Search{Store: s, Redact: trail.Redactor(keyring(b))}
	info, err := os.Stat(path)
	require.NoError(b, err)
	user, object, rare, never := fmt.Sprintf("%024x", 7), "Api/"+fmt.Sprintf("%024x", 7), fmt.Sprintf("%024x", 4711)[18:], "nowhere"
	for name, f := range map[string]*trail.Filter{
		"all": nil, "user": {User: &user}, "object": {Object: &object}, "url": {URL: &rare}, "url that is nowhere": {URL: &never},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportMetric(float64(info.Size())/float64(*size), "bytes/record")
			for range b.N {
				where, err := search.Where(b.Context(), store.Org(org), f)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := search.List(b.Context(), store.Query{Tenant: store.Org(org), Where: where, Desc: true, Limit: 20}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
