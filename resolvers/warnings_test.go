package resolvers_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
)

const (
	// missingSentence ends what is said of ids that the organisation does not have.
	missingSentence = " not exist in the organisation: "
	// goneID is a database id that nothing has.
	goneID = "5f00000000000000000000aa"
	// danglingLine is what the log says of an API that was written and names what is not there.
	danglingLine = "an API names what does not exist"
)

// naming is the document of an API with more fields beside its definition, and more in it.
func naming(org, id, beside, in string) string {
	return fmt.Sprintf(
		`{"api_definition":{"org_id":%q,"name":%q,"api_id":%[2]q,"proxy":{"listen_path":"/%[2]s/","target_url":"http://up.test"}%s}%s}`,
		org, id, in, beside,
	)
}

// missingOf are those of the warnings that tell of what is not there.
func missingOf(r apptest.Reply, path string) []string {
	out := []string{}
	for _, w := range r.Get(path).Array() {
		if strings.Contains(w.Str, missingSentence) {
			out = append(out, w.Str)
		}
	}
	return out
}

func TestAnApiSaysWhatItNamesThatIsNotThere(t *testing.T) {
	t.Parallel()
	// The log of a server that runs in the test alone: it is written while requests are answered.
	var log bytes.Buffer
	s := apptest.New(
		t,
		apptest.WithEnv("GATEHOUSE_SHAREDGATEWAYS_DENY=none"),
		apptest.WithLog(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))),
	)
	_, others := s.Organisation(t, "others")
	addApi(t, s, "there")
	const makeHook = `mutation { it: createWebhook(input: {name: "W", method: GET, targetPath: "http://w.test"}) { id } }`
	theirHook := must(t, s.GraphQL(t, makeHook, nil, as(others))).Get("data.it.id").Str
	theirs := must(t, s.GraphQL(t, `{ me { id } }`, nil, as(others))).Get("data.me.id").Str
	r := must(t, s.GraphQL(t, `mutation { createApi(input: {name: "foreign", apiId: "foreign"}) { id } }`, nil, as(others)))
	require.NotEmpty(t, r.Get("data.createApi.id").Str)
	hooks := func(id string) string {
		return fmt.Sprintf(`,"hook_references":[{"event_name":"E","hook":{"id":%q,"name":"w","method":"GET","target_path":"http://w.test"}}]`, id)
	}
	certificate := s.OrgID + strings.Repeat("ab", 32)
	n := 0
	for name, c := range map[string]struct{ beside, in, want string }{
		"an owner": {
			beside: `,"user_owners":["` + goneID + `","` + s.UserID + `"]`,
			want:   "user_owners name users that do" + missingSentence + goneID,
		},
		"an owner of another organisation": {
			beside: `,"user_owners":["` + theirs + `"]`,
			want:   "user_owners name users that do" + missingSentence + theirs,
		},
		"a webhook": {beside: hooks(goneID), want: "hook_references name webhooks that do" + missingSentence + goneID},
		"a webhook of another organisation": {
			beside: hooks(theirHook),
			want:   "hook_references name webhooks that do" + missingSentence + theirHook,
		},
		"a certificate": {
			in:   `,"client_certificates":["` + certificate + `"]`,
			want: "the definition names certificates that do" + missingSentence + certificate,
		},
		"versions, one of another organisation": {
			in:   `,"definition":{"enabled":true,"name":"v","versions":{"v1":"nowhere","v2":"there","v3":"foreign"}}`,
			want: "the definition names versions that do" + missingSentence + "nowhere, foreign",
		},
		"a policy": {
			in:   `,"jwt_default_policies":["no-such"]`,
			want: "the definition names policies that do" + missingSentence + "no-such",
		},
		"what gateways put in": {
			in: `,"client_certificates":["env://CERT"],"jwt_default_policies":["env://POLICY","$secret_env.P"]`,
		},
		"what is there": {
			beside: `,"user_owners":["` + s.UserID + `"]`,
			in:     `,"definition":{"enabled":true,"name":"v","versions":{"v":"there"}}`,
		},
	} {
		n++
		id := fmt.Sprintf("api-%d", n)
		t.Run(name, func(t *testing.T) {
			want := []string{}
			if c.want != "" {
				want = append(want, c.want)
			}
			log.Reset()
			createApi(t, s, naming(s.OrgID, id, c.beside, c.in))
			r := must(t, s.GraphQL(t, `query($id: ID!) { api(id: $id) { warnings } }`, map[string]any{"id": id}))
			assert.Equal(t, want, missingOf(r, "data.api.warnings"), "%s", r.Body)
			assert.Equal(t, c.want != "", strings.Contains(log.String(), danglingLine), log.String())

			log.Reset()
			r = must(t, s.GraphQL(
				t,
				`mutation($id: ID!) { it: updateApi(id: $id, input: {name: "changed"}) { warnings } }`,
				map[string]any{"id": id},
			))
			assert.Equal(t, want, missingOf(r, "data.it.warnings"), "%s", r.Body)
			assert.NotContains(t, log.String(), danglingLine, "it did so before")

			log.Reset()
			r = must(t, s.GraphQL(
				t,
				`mutation($d: [JSON!]!) { it: importApis(apis: $d) { warnings } }`,
				map[string]any{"d": []string{naming(s.OrgID, "imported-"+id, c.beside, c.in)}},
				admin,
			))
			assert.Equal(t, want, missingOf(r, "data.it.0.warnings"), "%s", r.Body)
			assert.Equal(t, c.want != "", strings.Contains(log.String(), danglingLine), log.String())
		})
	}
}

func TestAnApiSaysNothingOfWhatTheCallerMayNotRead(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	createApi(t, s, naming(s.OrgID, "all", `,"user_owners":["`+goneID+`"]`, `,"jwt_default_policies":["no-such"]`))
	r := must(t, s.GraphQL(
		t,
		`mutation { it: createUser(input: {email: "r@x.example", active: true, permissions: {apis: "read"}}) { accessKey } }`,
		nil,
	))
	key := r.Get("data.it.accessKey").Str
	require.NotEmpty(t, key, "%s", r.Body)
	r = must(t, s.GraphQL(t, `{ api(id: "all") { warnings } }`, nil))
	assert.Len(t, missingOf(r, "data.api.warnings"), 2, "%s", r.Body)
	r = must(t, s.GraphQL(t, `{ api(id: "all") { warnings } }`, nil, as(key)))
	assert.Empty(t, missingOf(r, "data.api.warnings"), "%s", r.Body)
}
