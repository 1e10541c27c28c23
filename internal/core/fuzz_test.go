package core_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/store"
	"gatehouse/store/sql"
)

// seeds are JSON texts of every kind, sound and broken.
func seeds() []string {
	return []string{
		``, `{}`, `{"a":1}`, `{"a":1,"a":2}`, `[]`, `null`, `{"a":[{"b":null}]}`, `{"\u0000":"\ud800"}`, "{\"\xff\":1}", `{"a":1e400,"b":-0,"c":12345678901234567890123}`,
		`{"a.b":{"*":1},"":2,"@this":3,"#":4,"0":5,"a|b":6,"\\":7}`, `{"api_definition":{"name":"n #c","proxy":{"listen_path":"/x/"},"definition":{"versions":{"v":"x"}}}}`,
		`{"api_definition":{"name":"n","proxy":null,"tags":null},"hook_references":[{"hook":{"id":"5e9d9544a1dcd60001d0ed20"}}],"user_owners":["5e9d9544a1dcd60001d0ed20"]}`,
		`{"name":"n","id":"x","access_rights":{"a":{"api_id":"a"}},"partitions":{"per_api":true},"state":"deny","tags":["t"]}`,
		`{"alias":"a","access_rights":{"a":{}},"apply_policies":["p"],"basic_auth_data":{"password":"x"},"expires":1}`,
		`{"email_address":"a@b.c","user_permissions":{"IsAdmin":"admin"},"active":true}`,
		`{"owner_name":"n","owner_slug":"s","cname":"c"}`, `{"name":"n","method":"GET","target_path":"http://x","header_map":{"a":"b"}}`,
	}
}

func FuzzParseDocument(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		doc, err := core.ParseDocument(raw)
		if err != nil {
			require.Equal(t, core.CodeMalformed, core.CodeOf(err))
			if strings.Contains(err.Error(), "twice") {
				require.True(t, repeats(json.NewDecoder(bytes.NewReader(raw))), "%q names nothing twice", raw)
			}
			return
		}
		require.True(t, json.Valid(doc))
		require.False(t, repeats(json.NewDecoder(bytes.NewReader(raw))), "%q names something twice", raw)
		require.Equal(t, bytes.TrimSpace(raw), []byte(doc), "what is accepted is kept byte for byte")
		again, err := core.ParseDocument(doc)
		require.NoError(t, err)
		require.True(t, doc.Equal(again))
		_ = doc.Set("a", 1)
		_ = doc.Without("a")
		if _, err := doc.Owned("", "id", "x"); err != nil {
			require.Equal(t, core.CodeInvalid, core.CodeOf(err))
		}
	})
}

// repeats tells, by encoding/json's own reading, whether an object names a field twice.
func repeats(dec *json.Decoder) bool {
	dec.UseNumber()
	switch open, _ := dec.Token(); open {
	case json.Delim('{'):
		seen := map[any]bool{}
		for dec.More() {
			name, err := dec.Token()
			if err != nil {
				return false
			}
			if seen[name] || repeats(dec) {
				return true
			}
			seen[name] = true
		}
		_, _ = dec.Token()
	case json.Delim('['):
		for dec.More() {
			if repeats(dec) {
				return true
			}
		}
		_, _ = dec.Token()
	}
	return false
}

func FuzzMergePatch(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s), []byte(`{"a":null,"b":{"c":null,"d":1}}`))
		f.Add([]byte(`{"a":{"b":1,"c":[1]},"d":2}`), []byte(s))
	}
	f.Fuzz(func(t *testing.T, target, patch []byte) {
		doc, err := core.ParseDocument(target)
		if err != nil {
			return
		}
		change, err := core.ParseDocument(patch)
		if err != nil {
			return
		}
		want, err := jsonpatch.MergePatch(doc, change)
		if err != nil {
			return
		}
		got := doc.MergePatch(change)
		require.Equal(t, decoded(t, want), decoded(t, got), "%s patched with %s", doc, change)
	})
}

// decoded reads JSON with its numbers as they are spelled.
func decoded(t *testing.T, raw []byte) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	require.NoError(t, dec.Decode(&v), "%s", raw)
	return v
}

// FuzzParsers gives every parser of a kind of object the same document. What one accepts has to survive the store,
// which reads it with the constructor that never fails.
func FuzzParsers(f *testing.F) {
	for _, s := range seeds() {
		f.Add([]byte(s))
	}
	engine, err := sql.OpenMemory(f.Context())
	require.NoError(f, err)
	f.Cleanup(func() { _ = engine.Close() })
	s := store.New(engine, store.WithDuplicateRoutes(true))
	f.Fuzz(func(t *testing.T, raw []byte) {
		doc, err := core.ParseDocument(raw)
		if err != nil {
			return
		}
		meta := core.Meta{ID: core.NewID(time.Now()), OrgID: "5e9d9544a1dcd60001d0ed20"}
		_ = core.NewApi(meta, doc).Route()
		_ = core.NewApi(meta, doc).DisplayName()
		_ = core.NewPolicy(meta, doc)
		_ = core.NewKey(meta, doc).Public()
		_ = core.NewUser(meta, doc, core.UserSecrets{}).IsAdmin()
		_ = core.NewOrganisation(meta, doc)
		_ = core.NewWebhook(meta, doc)

		if a, err := core.ParseApi(meta, doc); err == nil {
			survives(t, s.Apis, a, func(a *core.Api) core.Document { return a.Definition })
		}
		if p, err := core.ParsePolicy(meta, doc, true); err == nil {
			survives(t, s.Policies, p, func(p *core.Policy) core.Document { return p.Document })
		}
		if _, err := core.ParseSession(doc); err == nil {
			survives(t, s.Keys, core.NewKey(meta, doc), func(k *core.Key) core.Document { return k.Session })
		}
		if u, err := core.ParseUser(meta, doc, core.UserSecrets{}); err == nil {
			survives(t, s.Users, u, func(u *core.User) core.Document { return u.Document })
		}
		if o, err := core.ParseOrganisation(meta, doc); err == nil {
			o.OrgID = ""
			survives(t, s.Organisations, o, func(o *core.Organisation) core.Document { return o.Document })
		}
		if w, err := core.ParseWebhook(meta, doc); err == nil {
			survives(t, s.Webhooks, w, func(w *core.Webhook) core.Document { return w.Document })
		}
	})
}

// survives writes an object, reads it, and removes it again.
func survives[T any, P interface {
	*T
	Base() *core.Meta
}](t *testing.T, repo *store.Repository[T], object P, document func(*T) core.Document) {
	t.Helper()
	want := document(object)
	require.NoError(t, repo.Create(t.Context(), object))
	got, err := repo.FindMany(t.Context(), store.AllTenants(), "id", []string{object.Base().ID})
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, string(want), string(document(got[0])))
	require.Equal(t, object, P(got[0]), "read otherwise than parsed")
	require.NoError(t, repo.Delete(t.Context(), got[0]))
}

// The fixtures of the round trip are sound seeds of every kind.
func TestTheFixturesOfTheRoundTripParse(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "app", "testdata", "roundtrip", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		_, err = core.ParseDocument(raw)
		require.NoError(t, err, file)
	}
}
