package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"

	"gatehouse/internal/apptest"
	"gatehouse/store"
)

// document is a kind of document that people keep here, and how both faces take it in and give it out.
type document struct {
	name string
	// create and object are where REST creates it and where it is found, with %s for its id.
	create, object string
	// id finds the id of what was created in the answer; in is where an answer holds the document, "" for all of it.
	id, in string
	// query reads the document over GraphQL as doc, beside its revision; save replaces it.
	query, save string
	// owned are the fields that the server sets.
	owned []string
	// minimal is the least that is accepted, extra where unknown fields are added to it.
	minimal, extra string
}

// apiForRights is the public id of an API that is there before, for access rights to name.
const apiForRights = "rights-api"

func documents() []document {
	return []document{
		{name: "api", create: "/api/apis", object: "/api/apis/%s", id: "ID",
			query:   `query($id: ID!) { it: api(id: $id) { doc: definition revision } }`,
			save:    `mutation($id: ID!, $doc: JSON) { it: updateApi(id: $id, input: {definition: $doc}) { doc: definition revision } }`,
			owned:   []string{"api_definition.id", "api_definition.org_id"},
			minimal: `{"api_definition":{"name":"Minimal","api_id":"minimal","proxy":{"listen_path":"/minimal/"}}}`, extra: "api_definition.x_unknown"},
		{name: "policy", create: "/api/portal/policies", object: "/api/portal/policies/%s", id: "Message",
			query:   `query($id: ID!) { it: policy(id: $id) { doc: document revision } }`,
			save:    `mutation($id: ID!, $doc: JSON) { it: updatePolicy(id: $id, input: {document: $doc}) { doc: document revision } }`,
			owned:   []string{"_id", "id", "org_id"},
			minimal: `{"name":"Minimal"}`, extra: "x_unknown"},
		{name: "key", create: "/api/keys", object: "/api/keys/%s?auto_guess=1", id: "key_hash", in: "data",
			query:   `query($id: ID!) { it: key(id: $id) { doc: session revision } }`,
			save:    `mutation($id: ID!, $doc: JSON) { it: updateKey(id: $id, input: {session: $doc}) { doc: session revision } }`,
			owned:   []string{"org_id", "basic_auth_data.password", "basic_auth_data.hash_type"},
			minimal: `{"access_rights":{"` + apiForRights + `":{"api_id":"` + apiForRights + `","api_name":"Rights","versions":["Default"]}}}`, extra: "x_unknown"},
		{name: "user", create: "/api/users", object: "/api/users/%s", id: "ID",
			query:   `query($id: ID!) { it: user(id: $id) { doc: document revision } }`,
			save:    `mutation($id: ID!, $doc: JSON) { it: updateUser(id: $id, input: {document: $doc}) { doc: document revision } }`,
			owned:   []string{"id", "org_id", "password", "access_key"},
			minimal: `{"email_address":"minimal@example.org","user_permissions":{"apis":"read"}}`, extra: "x_unknown"},
		{name: "organisation", create: "/admin/organisations/import", object: "/admin/organisations/%s", id: "Meta",
			query:   `query($id: ID!) { it: organisation(id: $id) { doc: document revision } }`,
			save:    `mutation($id: ID!, $doc: JSON) { it: updateOrganisation(id: $id, input: {document: $doc}) { doc: document revision } }`,
			minimal: `{"id":"5fffffffffffffffffffffff","owner_name":"Minimal","owner_slug":"minimal"}`, extra: "x_unknown"},
		{name: "user group", create: "/api/usergroups", object: "/api/usergroups/%s", id: "ID",
			query:   `query($id: ID!) { it: userGroup(id: $id) { doc: document revision } }`,
			save:    `mutation($id: ID!, $doc: JSON) { it: updateUserGroup(id: $id, input: {document: $doc}) { doc: document revision } }`,
			owned:   []string{"id", "org_id"},
			minimal: `{"name":"Minimal","user_permissions":{"apis":"read"}}`, extra: "x_unknown"},
		{name: "webhook", create: "/api/hooks", object: "/api/hooks/%s", id: "ID",
			query:   `query($id: ID!) { it: webhook(id: $id) { doc: document revision } }`,
			save:    `mutation($id: ID!, $doc: JSON) { it: updateWebhook(id: $id, input: {document: $doc}) { doc: document revision } }`,
			owned:   []string{"id", "org_id"},
			minimal: `{"name":"Minimal","method":"POST","target_path":"http://hooks.example.org/"}`, extra: "x_unknown"},
	}
}

func documentNamed(name string) document {
	for _, d := range documents() {
		if d.name == name {
			return d
		}
	}
	panic("no document is named " + name)
}

// start runs the program on an engine, with room for large documents and the API that access rights name.
func start(t *testing.T, e store.Engine) *apptest.Server {
	t.Helper()
	// The fixtures have fields that organisations which share gateways may not set, and some make organisations.
	srv := apptest.New(
		t,
		apptest.WithEngine(e),
		apptest.WithEnv("GATEHOUSE_SHAREDGATEWAYS_DENY=none", "TYK_DB_ALLOWEXPLICITPOLICYID=true",
			"TYK_DB_ENABLEUPDATEKEYBYHASH=true"),
	)
	made := srv.REST(
		t,
		"POST",
		"/api/apis",
		`{"api_definition":{"name":"Rights","api_id":"`+apiForRights+`","proxy":{"listen_path":"/rights/"}}}`,
	)
	require.Equal(t, 200, made.Status, "%s", made.Body)
	return srv
}

func TestEveryDocumentComesBackAsItWentIn(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, e store.Engine) {
		srv := start(t, e)
		for _, d := range documents() {
			raw, err := os.ReadFile(filepath.Join("testdata", "roundtrip", d.name+".json"))
			require.NoError(t, err)
			deep := strings.Repeat(`{"a":[`, 200) + `1` + strings.Repeat(`]}`, 200)
			large := `"` + strings.Repeat("0123456789 é", 5<<20/13) + `"`
			for _, fixture := range []struct{ name, doc string }{
				{"with all that JSON has", string(raw)},
				{"that nests 400 levels", d.with(t, deep, 1)},
				{"of 5 MB", d.with(t, large, 2)},
			} {
				t.Run(fmt.Sprintf("%s %s", d.name, fixture.name), func(t *testing.T) {
					d.roundTrip(t, srv, d.takeIn(t, srv, d.create, fixture.doc), fixture.doc)
				})
			}
		}
	})
}

// with is the minimal document with an unknown field. Names and ids are told apart by n.
func (d document) with(t *testing.T, value string, n int) string {
	t.Helper()
	doc := strings.NewReplacer("inimal", fmt.Sprintf("inimal%d", n), "5ffffff", fmt.Sprintf("5%06d", n)).Replace(d.minimal)
	out, err := sjson.SetRaw(doc, d.extra, value)
	require.NoError(t, err)
	return out
}

// takeIn takes a document in over REST and returns the id that it has then.
func (d document) takeIn(t *testing.T, srv *apptest.Server, path, doc string) string {
	t.Helper()
	made := srv.REST(t, "POST", path, doc)
	require.Equal(t, 200, made.Status, "%.300s", made.Body)
	id := made.Get(d.id).String()
	require.NotEmpty(t, id, "%.300s", made.Body)
	return id
}

// roundTrip holds the document at an id against what went in, on both faces, and saves it again without an edit.
func (d document) roundTrip(t *testing.T, srv *apptest.Server, id, sent string) {
	t.Helper()
	first := srv.REST(t, "GET", fmt.Sprintf(d.object, id), "")
	require.Equal(t, 200, first.Status, "%.300s", first.Body)
	read := d.document(first)
	keeps(t, "", gjson.Parse(sent), gjson.Parse(read), d.owned)
	asGraphQL := d.read(t, srv, id)
	if d.name == "user" {
		keeps(t, "", asGraphQL.Get("data.it.doc"), gjson.Parse(read), nil) // REST shows some fields beside the document
	} else {
		same(t, spelled(read), spelled(asGraphQL.Get("data.it.doc").Raw), "GraphQL shows another document than REST")
	}
	revision := asGraphQL.Get("data.it.revision").Int()
	require.Equal(t, fmt.Sprintf("%q", fmt.Sprint(revision)), first.Header.Get("ETag"))

	saved := srv.REST(t, "PUT", fmt.Sprintf(d.object, id), read)
	require.Equal(t, 200, saved.Status, "%.300s", saved.Body)
	again := srv.REST(t, "GET", fmt.Sprintf(d.object, id), "")
	same(t, string(first.Body), string(again.Body), "a save over REST without an edit changed the document")
	require.Equal(
		t,
		first.Header.Get("ETag"),
		again.Header.Get("ETag"),
		"a save over REST without an edit made a revision",
	)

	// The text of the document in a string keeps every byte, so a save makes no revision.
	resaved := srv.GraphQL(
		t,
		d.save,
		map[string]any{"id": id, "doc": asGraphQL.Get("data.it.doc").Raw},
		d.credentials(srv)...)
	require.Empty(t, resaved.Get("errors").Raw)
	require.Equal(
		t,
		revision,
		resaved.Get("data.it.revision").Int(),
		"a save over GraphQL without an edit made a revision",
	)
	again = srv.REST(t, "GET", fmt.Sprintf(d.object, id), "")
	same(t, string(first.Body), string(again.Body), "a save over GraphQL without an edit changed the document")
}

// document is the text of the document in a REST answer.
func (d document) document(r apptest.Reply) string {
	if d.in == "" {
		return string(r.Body)
	}
	return r.Get(d.in).Raw
}

func (d document) read(t *testing.T, srv *apptest.Server, id string) apptest.Reply {
	t.Helper()
	r := srv.GraphQL(t, d.query, map[string]any{"id": id}, d.credentials(srv)...)
	require.Empty(t, r.Get("errors").Raw)
	require.True(t, r.Get("data.it.doc").IsObject(), "%.300s", r.Body)
	return r
}

func (d document) credentials(srv *apptest.Server) []string {
	if d.name == "organisation" {
		return []string{"admin-auth: " + apptest.AdminSecret}
	}
	return []string{"Authorization: " + srv.AccessKey}
}

// same is require.Equal for texts that are too long to show.
func same(t *testing.T, want, got, message string) {
	t.Helper()
	if want == got {
		return
	}
	at := 0
	for at < len(want) && at < len(got) && want[at] == got[at] {
		at++
	}
	around := func(s string) string { return s[max(0, at-60):min(len(s), at+60)] }
	require.Failf(t, message, "at byte %d: %q is now %q", at, around(want), around(got))
}

// spelled is a JSON text without white space between its parts, and with <, > and & escaped: what encoding/json leaves
// alone of the bytes of a document in an answer around it.
func spelled(doc string) string {
	var compact, escaped bytes.Buffer
	if err := json.Compact(&compact, []byte(doc)); err != nil {
		return doc
	}
	json.HTMLEscape(&escaped, compact.Bytes())
	return escaped.String()
}

// keeps holds that every field that was sent is there, in its order and spelled as it was, but for those that the
// server owns.
func keeps(t *testing.T, path string, sent, got gjson.Result, owned []string) {
	t.Helper()
	for _, o := range owned {
		if o == path {
			return
		}
	}
	if spelled(sent.Raw) == spelled(got.Raw) {
		return
	}
	switch {
	case sent.IsObject() && got.IsObject():
		type field struct {
			name  string
			value gjson.Result
		}
		fields := func(r gjson.Result) (out []field) {
			r.ForEach(func(k, v gjson.Result) bool { out = append(out, field{k.Raw, v}); return true })
			return out
		}
		there := fields(got)
		for _, f := range fields(sent) {
			name := strings.TrimPrefix(path+"."+strings.Trim(f.name, `"`), ".")
			if strings.Contains(" "+strings.Join(owned, " ")+" ", " "+name+" ") {
				continue
			}
			// Fields of the server's own may stand in between, none may be missing, and none comes before its elder.
			for len(there) > 0 && there[0].name != f.name {
				there = there[1:]
			}
			require.NotEmpty(t, there, "the field %s is missing, or out of its order", name)
			keeps(t, name, f.value, there[0].value, owned)
			there = there[1:]
		}
	case sent.IsArray() && got.IsArray():
		a, b := sent.Array(), got.Array()
		require.Len(t, b, len(a), "at %s", path)
		for i := range a {
			keeps(t, fmt.Sprintf("%s[%d]", path, i), a[i], b[i], owned)
		}
	default:
		require.Failf(t, "a value changed", "%s was %.200s and is %.200s", path, sent.Raw, got.Raw)
	}
}
