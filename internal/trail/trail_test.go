package trail_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/audit"
	"gatehouse/internal/core"
	"gatehouse/internal/secret"
	"gatehouse/internal/trail"
	"gatehouse/store"
	"gatehouse/store/sql"
)

func keyring(t testing.TB) *secret.Keyring {
	t.Helper()
	k, err := secret.Load("", "an encryption key for tests")
	require.NoError(t, err)
	return k
}

func open(t testing.TB, opts ...store.Option) *store.Store {
	t.Helper()
	engine, err := sql.OpenMemory(t.Context())
	require.NoError(t, err)
	s := store.New(engine, opts...)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// run runs a trail until stop.
func run(t testing.TB, o trail.Options) (tr *trail.Trail, stop func()) {
	t.Helper()
	o.Keyring, o.Log = keyring(t), slog.New(slog.NewTextHandler(io.Discard, nil))
	tr = trail.New(o)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() { tr.Run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	t.Cleanup(stop)
	return tr, stop
}

func hook(n int) *core.Webhook {
	return core.NewWebhook(core.Meta{ID: fmt.Sprintf("%024x", n), OrgID: "org"},
		core.Document(fmt.Sprintf(`{"name":"hook %d","target_path":"http://x.test"}`, n)))
}

// create makes a webhook in a call of its own.
func create(t testing.TB, tr *trail.Trail, s *store.Store, n int) error {
	t.Helper()
	call := tr.Begin(t.Context(), trail.Request{Face: trail.FaceREST, Operation: "createWebhook", Method: "POST",
		URL: "/api/hooks", IP: "192.0.2.1", ID: "9f3c1d2e4b5a69788796a5b4c3d2e1f0"})
	ctx := call.With(t.Context())
	w := hook(n)
	trail.Touch(ctx, core.WebhookKind, nil, w)
	err := s.Webhooks.Create(ctx, w)
	if err == nil {
		err = call.Done(ctx)
	}
	call.End(0, err)
	return err
}

func verify(t testing.TB, s *store.Store) audit.Outcome {
	t.Helper()
	v := audit.NewVerification(trail.Keys(keyring(t)))
	for r, err := range s.AuditRecords.All(t.Context(), store.Query{Tenant: store.AllTenants()}) {
		require.NoError(t, err)
		v.Add(r)
	}
	return v.Outcome()
}

func TestChangesThatFailLeaveNoHoleThatNobodyExplains(t *testing.T) {
	s := open(t)
	tr, stop := run(t, trail.Options{Store: s})
	var all sync.WaitGroup
	for client := range 8 {
		all.Go(func() {
			for n := range 20 {
				_ = create(t, tr, s, client%2*100+n) // of two that make the same, one is refused
			}
		})
	}
	all.Wait()
	stop()
	got := verify(t, s)
	require.Empty(t, got.Faults)
	require.Empty(t, got.Open)
	refused, err := s.AuditRecords.Count(t.Context(), store.AllTenants(), store.Between("status", 409, 500))
	require.NoError(t, err)
	require.NotZero(t, refused)
}

func TestRetentionLeavesASignedMark(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var mu sync.Mutex
	s := open(t, store.WithClock(func() time.Time { mu.Lock(); defer mu.Unlock(); return now }))
	tr, stop := run(t, trail.Options{Store: s})
	for n := range 10 {
		require.NoError(t, create(t, tr, s, n))
		mu.Lock()
		now = now.Add(24 * time.Hour)
		mu.Unlock()
	}
	gone, err := tr.Retain(t.Context(), now.Add(-5*24*time.Hour))
	require.NoError(t, err)
	require.Equal(t, 6, gone, "five records, and the mark of the start")
	got := verify(t, s)
	require.Empty(t, got.Faults)
	stop()
	got = verify(t, s)
	require.Empty(t, got.Faults)
	require.Empty(t, got.Open)

	// Without the mark, they are missed.
	marks, err := s.AuditRecords.List(t.Context(), store.Query{Tenant: store.AllTenants(), Limit: 100,
		Where: []store.Cond{store.In("actor", store.AuditMarks)}})
	require.NoError(t, err)
	for _, r := range marks.Objects {
		if r.Kind == audit.KindRetention {
			require.NoError(t, s.AuditRecords.Delete(t.Context(), r))
		}
	}
	require.NotEmpty(t, verify(t, s).Faults)
}

// slow is an engine whose writes wait.
type slow struct {
	store.Engine
	wait chan struct{}
	fail atomic.Bool
}

func (s *slow) Apply(ctx context.Context, writes ...store.Write) error {
	if s.wait != nil {
		<-s.wait
	}
	if s.fail.Load() {
		return errors.New("the database is away")
	}
	return s.Engine.Apply(ctx, writes...)
}

func TestReadsWaitForNothingAndWhatIsMissingIsCounted(t *testing.T) {
	inner, err := sql.OpenMemory(t.Context())
	require.NoError(t, err)
	engine := &slow{Engine: inner, wait: make(chan struct{})}
	s := store.New(engine)
	tr, stop := run(t, trail.Options{Store: s, Reads: true, Queue: 4})
	read := func() {
		tr.Begin(t.Context(), trail.Request{Face: trail.FaceREST, Operation: "apis", Method: "GET", URL: "/api/apis"}).End(200, nil)
	}
	began := time.Now()
	for range 50 {
		read()
	}
	require.Less(t, time.Since(began), time.Second, "nothing waits for a database that hangs")
	close(engine.wait)
	stop()
	var kept, missing int64
	for r, err := range s.AuditRecords.All(t.Context(), store.Query{Tenant: store.AllTenants()}) {
		require.NoError(t, err)
		if r.Operation == "apis" {
			kept++
		}
		missing += r.Missing
	}
	require.EqualValues(t, 50, kept+missing, "%d kept, %d missing", kept, missing)
	require.NotZero(t, missing)
	require.NoError(t, s.Close())
}

func TestAFileIsItsOwnersAndIsPutAsideBySizeAndAge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f, err := trail.OpenFile(trail.FileOptions{Path: path, MaxBytes: 5000, MaxAge: time.Hour, Keep: 2, Now: func() time.Time { return now }})
	require.NoError(t, err)
	write := func(url string) {
		r := &audit.Record{Meta: core.Meta{ID: "1", CreatedAt: now}, URL: url, Document: core.Document(`{}`)}
		require.NoError(t, f.Write(r))
	}
	write("/first")
	now = now.Add(2 * time.Hour)
	write("/later")
	aside, err := trail.Aside(path)
	require.NoError(t, err)
	require.Len(t, aside, 1, "by age")
	for range 40 {
		now = now.Add(time.Second)
		write("/" + strings.Repeat("x", 800))
	}
	aside, err = trail.Aside(path)
	require.NoError(t, err)
	require.Len(t, aside, 2, "two are kept")
	for _, one := range append(aside, path) {
		info, err := os.Stat(one)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
		require.Less(t, info.Size(), int64(5001))
	}
	require.NoError(t, os.Rename(path, path+".moved"))
	write("/anew")
	require.FileExists(t, path)
	require.NoError(t, f.Close())
}

func TestALineThatACrashCutDoesNotSpoilTheNext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	require.NoError(t, os.WriteFile(path, []byte(`{"_id":"1","req`), 0o600))
	f, err := trail.OpenFile(trail.FileOptions{Path: path})
	require.NoError(t, err)
	require.NoError(t, f.Write(&audit.Record{Meta: core.Meta{ID: "2"}, URL: "/", Document: core.Document(`{}`)}))
	require.NoError(t, f.Close())
	var ids []string
	require.NoError(t, trail.ReadFile(path, func(r *audit.Record) error { ids = append(ids, r.ID); return nil }))
	require.Equal(t, []string{"", "2"}, ids)
}

func TestARecordWithLineBreaksIsOneRecord(t *testing.T) {
	for _, text := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "audit.log")
		f, err := trail.OpenFile(trail.FileOptions{Path: path, Text: text})
		require.NoError(t, err)
		evil := "x\n\nforged\r\n\u2028{\"_id\":\"forged\"}\n"
		require.NoError(t, f.Write(&audit.Record{Meta: core.Meta{ID: "1"}, URL: "/" + evil, Actor: audit.Actor{Name: evil},
			RequestID: evil, Document: core.Document(`{}`)}))
		require.NoError(t, f.Close())
		raw, err := os.ReadFile(path)
		require.NoError(t, err)
		want := 1
		if text {
			want = 14 // the fields of the legacy dashboard, and an empty line
		}
		require.Equal(t, want, strings.Count(string(raw), "\n"), "%s", raw)
		require.NotContains(t, string(raw), "\u2028{")
	}
}

func TestWhatIsHugeIsRecordedShort(t *testing.T) {
	s := open(t)
	tr, stop := run(t, trail.Options{Store: s, Detailed: true})
	huge := strings.Repeat("x", 50<<20)
	call := tr.Begin(t.Context(), trail.Request{Face: trail.FaceREST, Operation: "createWebhook", Method: "POST",
		URL: "/api/hooks?" + huge, Dump: huge, Arguments: map[string]any{"input": core.Document(`"` + huge + `"`), "q": huge}})
	call.Answer(huge)
	call.End(413, core.Errorf(core.CodeTooLarge, "too large"))
	stop()
	l, err := s.AuditRecords.List(t.Context(), store.Query{Tenant: store.AllTenants(), Limit: 10,
		Where: []store.Cond{store.In("action", "createWebhook")}})
	require.NoError(t, err)
	require.Len(t, l.Objects, 1)
	require.Less(t, len(l.Objects[0].Document), 3*audit.MaxDump)
	require.Empty(t, verify(t, s).Faults)
}

// TestWithRequiredNothingIsChangedWithoutARecord has a file that cannot be written, in the place of a full disk.
func TestWithRequiredNothingIsChangedWithoutARecord(t *testing.T) {
	for _, required := range []bool{false, true} {
		s := open(t)
		f, err := trail.OpenFile(trail.FileOptions{Path: "/dev/full"})
		if err != nil {
			t.Skip("there is no /dev/full here")
		}
		tr, _ := run(t, trail.Options{Store: s, File: f, Required: required})
		err = create(t, tr, s, 1)
		n, err2 := s.Webhooks.Count(t.Context(), store.AllTenants())
		require.NoError(t, err2)
		if required {
			require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
			require.Zero(t, n)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, 1, n)
	}
}

func TestWithRequiredWhatIsOutsideOfTheStoreHasItsRecordFirst(t *testing.T) {
	inner, err := sql.OpenMemory(t.Context())
	require.NoError(t, err)
	engine := &slow{Engine: inner}
	s := store.New(engine)
	tr, stop := run(t, trail.Options{Store: s, Required: true})
	begin := func() (context.Context, *trail.Call) {
		call := tr.Begin(t.Context(), trail.Request{Operation: "deleteKey", Method: "DELETE", URL: "/api/keys/token"})
		ctx := call.With(t.Context())
		trail.Touch(ctx, core.KeyKind, core.NewKey(core.Meta{ID: "token", OrgID: "org"}, core.Document(`{"alias":"a"}`)), nil)
		return ctx, call
	}
	ctx, call := begin()
	require.NoError(t, store.Ahead(ctx))
	l, err := s.AuditRecords.List(t.Context(), store.Query{Tenant: store.Org("org"), Limit: 10})
	require.NoError(t, err)
	require.Len(t, l.Objects, 1, "it is there before the change")
	require.NotContains(t, string(l.Objects[0].Document), "token")
	require.NoError(t, call.Done(ctx))
	call.End(200, nil)

	engine.fail.Store(true)
	ctx, call = begin()
	require.Equal(t, core.CodeUnavailable, core.CodeOf(store.Ahead(ctx)))
	call.End(503, core.Errorf(core.CodeUnavailable, "away"))
	engine.fail.Store(false)
	stop()
	require.Empty(t, verify(t, s).Faults)
	require.NoError(t, s.Close())
}
