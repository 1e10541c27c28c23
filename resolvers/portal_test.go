package resolvers_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/secret"
	"gatehouse/store"
)

const (
	makePortal = `mutation($type: PortalType!, $doc: JSON!, $org: ID) {
		it: createPortalDocument(type: $type, input: {document: $doc, orgId: $org}) { id orgId type name document revision } }`
	changePortal = `mutation($id: ID!, $doc: JSON!) { it: updatePortalDocument(id: $id, input: {document: $doc}) { id document revision } }`
	catalogue    = `query($org: ID) { it: portalCatalogue(orgId: $org) { id orgId document } }`
	nameHost     = `mutation($cname: String!) { it: setPortalCname(cname: $cname) }`
)

// superUser is the access key of a user who acts in every organisation.
func superUser(t *testing.T, s *apptest.Server) string {
	t.Helper()
	in := map[string]any{"email": "root@x.test", "active": true, "permissions": map[string]string{"IsAdmin": "admin"}}
	return must(t, s.GraphQL(t, makeUser, map[string]any{"in": in}, admin)).Get("data.it.accessKey").Str
}

func TestAHostNameIsThePortalOfOneOrganisation(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	_, other := s.Organisation(t, "other")
	must(t, s.GraphQL(t, nameHost, map[string]any{"cname": "portal.x.test"}))
	refused(t, s.GraphQL(t, nameHost, map[string]any{"cname": "Portal.X.test"}, as(other)), "CONFLICT", "another organisation has this cname")
	for _, odd := range []string{"http://x.test", "x.test/path", "x.test:80", "a b", "<script>", "x..test", "jo@x.test", "*"} {
		refused(t, s.GraphQL(t, nameHost, map[string]any{"cname": odd}, as(other)), "INVALID", "must be a host name")
	}
	must(t, s.GraphQL(t, nameHost, map[string]any{"cname": ""}))
	must(t, s.GraphQL(t, nameHost, map[string]any{"cname": "Portal.X.test"}, as(other)))
	_, reader := person(t, s, "reader@x.test", map[string]string{"portal": "read"})
	refused(t, s.GraphQL(t, nameHost, map[string]any{"cname": "mine.test"}, as(reader)), "FORBIDDEN")
}

func TestADeveloperIsOneOfAnOrganisation(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	_, other := s.Organisation(t, "other")
	doc := map[string]any{"type": "DEVELOPER", "doc": `{"email":"jo@x.test","sso_key":"k"}`}
	must(t, s.GraphQL(t, makePortal, doc))
	refused(t, s.GraphQL(t, makePortal, doc), "CONFLICT", "e-mail address")
	doc["doc"] = `{"email":"al@x.test","sso_key":"k"}`
	refused(t, s.GraphQL(t, makePortal, doc), "CONFLICT", "sso_key")
	doc["doc"] = `{"email":"jo@x.test","sso_key":"k"}`
	theirs := must(t, s.GraphQL(t, makePortal, doc, as(other))).Get("data.it.id").Str
	find := `{ it: portalDocuments(filter: {ssoKey: "k"}) { totalCount nodes { id } } }`
	found := must(t, s.GraphQL(t, find, nil, as(other)))
	assert.JSONEq(t, `{"totalCount":1,"nodes":[{"id":"`+theirs+`"}]}`, found.Get("data.it").Raw)
}

func TestThePasswordOfADeveloperIsKeptAsAHashAlone(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	r := must(t, s.GraphQL(t, makePortal, map[string]any{"type": "DEVELOPER",
		"doc": `{"email":"jo@x.test","password":"password one","PWHistory":["x"],"x-unknown":1.0}`}))
	assert.Equal(t, "1.0", r.Get("data.it.document.x-unknown").Raw)
	for _, hidden := range []string{"password", "PWHistory"} {
		assert.False(t, r.Get("data.it.document."+hidden).Exists(), hidden)
	}
	id := r.Get("data.it.id").Str
	hash := func() string {
		d, err := s.Store.PortalDocuments.Find(t.Context(), store.AllTenants(), id)
		require.NoError(t, err)
		assert.NotContains(t, string(d.Document), d.PasswordHash)
		return d.PasswordHash
	}
	first := hash()
	assert.True(t, secret.CheckPassword(first, "password one"))
	must(t, s.GraphQL(t, changePortal, map[string]any{"id": id, "doc": `{"email":"jo@x.test"}`}))
	assert.Equal(t, first, hash(), "who sends none changes none")
	must(t, s.GraphQL(t, changePortal, map[string]any{"id": id, "doc": `{"email":"jo@x.test","password":"password two"}`}))
	assert.True(t, secret.CheckPassword(hash(), "password two"))
}

func TestAnOrganisationHasOneCatalogueWhoeverReadsItFirst(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	var wg sync.WaitGroup
	ids := make([]string, 4)
	for i := range ids {
		wg.Go(func() { ids[i] = s.GraphQL(t, catalogue, nil).Get("data.it.id").Str })
	}
	wg.Wait()
	for _, id := range ids {
		assert.Equal(t, ids[0], id)
	}
	assert.NotEmpty(t, ids[0])
	made := must(t, s.GraphQL(t, makePortal, map[string]any{"type": "CATALOGUE", "doc": `{"apis":[{"name":"A"}]}`}))
	assert.Equal(t, ids[0], made.Get("data.it.id").Str, "it takes over what is given")
	made = must(t, s.GraphQL(t, makePortal, map[string]any{"type": "CATALOGUE", "doc": `{"id":"","apis":null}`}))
	assert.Equal(t, "A", made.Get("data.it.document.apis.0.name").Str, "what is null is not given")
}

func TestASuperUserSaysWhichOrganisationsPortalIsMeant(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	other, otherKey := s.Organisation(t, "other")
	super := as(superUser(t, s))
	refused(t, s.GraphQL(t, catalogue, nil, super), "INVALID", "say in which one")
	assert.Equal(t, other, must(t, s.GraphQL(t, catalogue, map[string]any{"org": other}, super)).Get("data.it.orgId").Str)
	refused(t, s.GraphQL(t, catalogue, map[string]any{"org": other}), "FORBIDDEN", "another organisation")

	write := func(method, area, body string) {
		r := s.Do(t, method, "/api/portal/"+area, body, super)
		require.Equal(t, 200, r.Status, "%s", r.Body)
	}
	write("PUT", "configuration", fmt.Sprintf(`{"org_id":%q,"email":"ours@x.test"}`, s.OrgID))
	write("PUT", "configuration", fmt.Sprintf(`{"org_id":%q,"email":"theirs@x.test"}`, other))
	write("PUT", "configuration", fmt.Sprintf(`{"org_id":%q,"email":"theirs2@x.test"}`, other))
	read := func(key string) string {
		return s.Do(t, "GET", "/api/portal/configuration", "", as(key)).Get("email").Str
	}
	assert.Equal(t, "ours@x.test", read(s.AccessKey))
	assert.Equal(t, "theirs2@x.test", read(otherKey))
	assert.Equal(t, 400, s.Do(t, "PUT", "/api/portal/configuration", `{"email":"x"}`, super).Status)
}

func TestWhatNobodySaidKeepsNoOrganisation(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	org := must(t, s.GraphQL(t, makeOrg, map[string]any{"doc": `{"owner_name":"Short"}`}, admin)).Get("data.it.id").Str
	super := as(superUser(t, s))
	must(t, s.GraphQL(t, catalogue, map[string]any{"org": org}, super))
	must(t, s.GraphQL(t, dropOrg, map[string]any{"id": org}, admin))

	org = must(t, s.GraphQL(t, makeOrg, map[string]any{"doc": `{"owner_name":"Longer"}`}, admin)).Get("data.it.id").Str
	must(t, s.GraphQL(t, catalogue, map[string]any{"org": org}, super))
	must(t, s.GraphQL(t, makePortal, map[string]any{"org": org, "type": "PAGE", "doc": `{"title":"Home"}`}, super))
	refused(t, s.GraphQL(t, dropOrg, map[string]any{"id": org}, admin), "CONFLICT", "documents of the portal: 1", "cascade")
	must(t, s.GraphQL(t, dropOrg, map[string]any{"id": org, "cascade": true}, admin))
	n, err := s.Store.PortalDocuments.Count(t.Context(), store.Org(org))
	require.NoError(t, err)
	assert.Zero(t, n)
}

func TestDocumentsOfThePortalAreLimited(t *testing.T) {
	t.Parallel()
	s := apptest.New(t, apptest.WithEnv("GATEHOUSE_ORGANISATIONLIMITS_PORTALDOCUMENTS=2"))
	for i := range 2 {
		must(t, s.GraphQL(t, makePortal, map[string]any{"type": "PAGE", "doc": fmt.Sprintf(`{"title":"%d"}`, i)}))
	}
	refused(t, s.GraphQL(t, makePortal, map[string]any{"type": "PAGE", "doc": `{"title":"2"}`}), "TOO_MANY", "portal_documents")
}
