package resolvers_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
)

// missingSentence ends what is said of ids that the organisation does not have.
const missingSentence = " not exist in the organisation: "

func TestAnApiSaysWhatItNamesThatIsNotThere(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	s := apptest.New(t, apptest.WithEnv("GATEHOUSE_SHARED_GATEWAYS_DENY="), apptest.WithLog(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))))
	org, others := s.Organisation(t, "others")
	theirs := must(t, s.GraphQL(t, `{ me { id } }`, nil, as(others))).Get("data.me.id").Str
	addApi(t, s, "there")
	own := must(t, s.GraphQL(t, `{ me { organisation { id } } }`, nil)).Get("data.me.organisation.id").Str
	require.NotEqual(t, org, own)
	const gone = "5f00000000000000000000aa"
	certificate := own + strings.Repeat("ab", 32)
	var documents []string
	cases := map[string]struct{ outside, inside, want string }{
		"an owner": {`"user_owners":["` + gone + `","` + s.UserID + `"]`, ``, "user_owners name users that do" + missingSentence + gone},
		"an owner of another organisation": {
			`"user_owners":["` + theirs + `"]`, ``, "user_owners name users that do" + missingSentence + theirs,
		},
		"a webhook": {
			`"hook_references":[{"event_name":"E","hook":{"id":"` + gone + `","name":"w","method":"GET","target_path":"http://w.test"}}]`, ``,
			"hook_references name webhooks that do" + missingSentence + gone,
		},
		"a certificate": {``, `"client_certificates":["` + certificate + `"]`,
			"the definition names certificates that do" + missingSentence},
		"a version": {``, `"definition":{"enabled":true,"name":"v","versions":{"v1":"nowhere","v2":"there"}}`,
			"the definition names versions that do" + missingSentence + "nowhere"},
		"a policy": {``, `"jwt_default_policies":["no-such"]`, "the definition names policies that do" + missingSentence + "no-such"},
		"references that gateways replace": {``, `"client_certificates":["env://CERT"],"jwt_default_policies":["env://POLICY","$secret_env.P"]`, ""},
		"what is there":                    {`"user_owners":["` + s.UserID + `"]`, `"definition":{"versions":{"v":"there"}}`, ""},
	}
	api := func(id, outside, inside string) string {
		if outside != "" {
			outside = "," + outside
		}
		if inside != "" {
			inside = "," + inside
		}
		return fmt.Sprintf(
			`{"api_definition":{"name":%q,"api_id":%[1]q,"proxy":{"listen_path":"/%[1]s/","target_url":"http://up.test"}%s}%s}`,
			id, inside, outside,
		)
	}
	missing := func(list string) string { // of the warnings, those about what is not there
		var out []string
		for _, w := range strings.Split(strings.Trim(list, `[]"`), `","`) {
			if strings.Contains(w, missingSentence) {
				out = append(out, w)
			}
		}
		return strings.Join(out, "\n")
	}
	check := func(t *testing.T, want, got string) {
		t.Helper()
		if want == "" {
			assert.Empty(t, missing(got))
			return
		}
		assert.True(t, strings.HasPrefix(missing(got), want) && !strings.Contains(missing(got), "\n"), "want %s, got %s", want, got)
	}
	n := 0
	for name, c := range cases {
		n++
		id := fmt.Sprintf("api-%d", n)
		documents = append(documents, api("imported-"+id, c.outside, c.inside))
		t.Run(name, func(t *testing.T) {
			log.Reset()
			createApi(t, s, api(id, c.outside, c.inside))
			r := must(t, s.GraphQL(t, `query($id: ID!) { api(id: $id) { warnings } }`, map[string]any{"id": id}))
			check(t, c.want, r.Get("data.api.warnings").Raw)
			assert.Equal(t, c.want != "", strings.Contains(log.String(), "an API names what does not exist"), log.String())

			log.Reset()
			r = must(t, s.GraphQL(t, `mutation($id: ID!) { updateApi(id: $id, input: {name: "changed"}) { warnings } }`, map[string]any{"id": id}))
			check(t, c.want, r.Get("data.updateApi.warnings").Raw)
			assert.NotContains(t, log.String(), "an API names what does not exist", "it did so before")

			log.Reset()
			r = must(t, s.GraphQL(t, `mutation($d: [JSON!]!) { importApis(apis: $d) { warnings } }`,
				map[string]any{"d": []string{documents[len(documents)-1]}}))
			check(t, c.want, r.Get("data.importApis.0.warnings").Raw)
			assert.Equal(t, c.want != "", strings.Contains(log.String(), "an API names what does not exist"), log.String())
		})
	}
	createApi(t, s, api("all", `"user_owners":["`+gone+`"]`, `"jwt_default_policies":["no-such"]`))
	r := must(t, s.GraphQL(t, `mutation { createUser(input: {email: "r@x.example", active: true, permissions: {apis: "read"}}) { accessKey } }`, nil))
	key := r.Get("data.createUser.accessKey").Str
	require.NotEmpty(t, key, "%s", r.Body)
	r = must(t, s.GraphQL(t, `{ api(id: "all") { warnings } }`, nil))
	assert.Contains(t, r.Get("data.api.warnings").Raw, "names policies that do"+missingSentence)
	r = must(t, s.GraphQL(t, `{ api(id: "all") { warnings } }`, nil, as(key)))
	assert.NotContains(t, string(r.Body), missingSentence, "of kinds that the caller may not read nothing is said")
}
