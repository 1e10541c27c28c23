package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"gatehouse/internal/apptest"
	"gatehouse/store"
)

const (
	makeOrg   = `mutation($doc: JSON!) { it: createOrganisation(input: {document: $doc}) { id name slug cname document revision } }`
	changeOrg = `mutation($id: ID!, $doc: JSON!) { it: updateOrganisation(id: $id, input: {document: $doc}) { id name document revision } }`
	dropOrg   = `mutation($id: ID!, $cascade: Boolean) { it: deleteOrganisation(id: $id, cascade: $cascade) { id } }`
	importOrg = `mutation($doc: JSON!) { it: importOrganisation(document: $doc) { id created } }`
)

func TestOrganisationsAreCheckedAndUnique(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	must(
		t,
		s.GraphQL(
			t,
			makeOrg,
			map[string]any{"doc": `{"id":"` + anID + `","owner_name":"Weather","owner_slug":"weather","cname":"weather.test"}`},
			admin,
		),
	)
	for name, c := range map[string]struct{ doc, code, says string }{
		"no name":               {`{"owner_slug":"x"}`, "INVALID", "owner_name is required"},
		"an id that is taken":   {`{"owner_name":"B","id":"` + anID + `"}`, "CONFLICT", "same ID"},
		"an id that is none":    {`{"owner_name":"B","id":"x"}`, "INVALID", "24 lower-case hex digits"},
		"a slug that is taken":  {`{"owner_name":"B","owner_slug":"weather"}`, "CONFLICT", "owner_slug"},
		"a cname that is taken": {`{"owner_name":"B","cname":"Weather.test"}`, "CONFLICT", "cname"},
		"a cname that is none":  {`{"owner_name":"B","cname":"a b"}`, "INVALID", "cname must be a host name"},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, s.GraphQL(t, makeOrg, map[string]any{"doc": c.doc}, admin), c.code, c.says)
		})
	}
	must(t, s.GraphQL(t, makeOrg, map[string]any{"doc": `{"owner_name":"Weather"}`}, admin))
	refused(t, s.GraphQL(t, makeOrg, map[string]any{"doc": `{"owner_name":"C"}`}), "FORBIDDEN", "admin secret")
}

func TestDeletingAnOrganisationSaysWhatItOwnsUnlessToldToCascade(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	k.create(t, nil)
	must(
		t,
		k.GraphQL(
			t,
			`mutation { createWebhook(input: {name: "W", method: GET, targetPath: "http://w.test"}) { id } }`,
			nil,
		),
	)
	other, otherKey := k.Organisation(t, "other")

	refused(
		t,
		k.GraphQL(t, dropOrg, map[string]any{"id": k.OrgID}, admin),
		"CONFLICT",
		"APIs: 1, policies: 1, keys: 1, users: 1, webhooks: 1",
		"cascade",
	)
	must(t, k.GraphQL(t, whoAmI, nil))
	must(t, k.GraphQL(t, dropOrg, map[string]any{"id": k.OrgID, "cascade": true}, admin))
	refused(t, k.GraphQL(t, whoAmI, nil), "UNAUTHENTICATED")
	counts := map[string]func() (int, error){
		"users":    func() (int, error) { return k.Store.Users.Count(t.Context(), store.Org(k.OrgID)) },
		"APIs":     func() (int, error) { return k.Store.Apis.Count(t.Context(), store.Org(k.OrgID)) },
		"policies": func() (int, error) { return k.Store.Policies.Count(t.Context(), store.Org(k.OrgID)) },
		"keys":     func() (int, error) { return k.Store.Keys.Count(t.Context(), store.Org(k.OrgID)) },
		"webhooks": func() (int, error) { return k.Store.Webhooks.Count(t.Context(), store.Org(k.OrgID)) },
	}
	for what, count := range counts {
		n, err := count()
		assert.NoError(t, err)
		assert.Zero(t, n, what)
	}
	must(t, k.GraphQL(t, whoAmI, nil, as(otherKey)))
	refused(t, k.GraphQL(t, dropOrg, map[string]any{"id": k.OrgID}, admin), "NOT_FOUND")

	last := map[string]any{"id": must(t, k.GraphQL(t, whoAmI, nil, as(otherKey))).Get("data.it.id").Str}
	refused(
		t,
		k.GraphQL(t, `mutation($id: ID!) { it: deleteUser(id: $id) { id } }`, last, as(otherKey)),
		"FORBIDDEN",
		"last active administrator",
	)
	must(t, k.GraphQL(t, dropOrg, map[string]any{"id": other, "cascade": true}, admin))
}

func TestAnImportedOrganisationKeepsItsIdAndDocument(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	doc := `{"id":"` + anID + `","owner_name":"Weather","x-unknown":{"kept":1.50}}`
	refused(
		t,
		s.GraphQL(t, importOrg, map[string]any{"doc": `{"owner_name":"Weather"}`}, admin),
		"INVALID",
		"id is required",
	)
	r := must(t, s.GraphQL(t, importOrg, map[string]any{"doc": doc}, admin))
	assert.JSONEq(t, `{"id":"`+anID+`","created":true}`, r.Get("data.it").Raw)
	r = must(t, s.GraphQL(t, importOrg, map[string]any{"doc": `{"id":"` + anID + `","owner_name":"Rain"}`}, admin))
	assert.False(t, r.Get("data.it.created").Bool())
	r = must(
		t,
		s.GraphQL(
			t,
			`query($id: ID!) { it: organisation(id: $id) { name revision document } }`,
			map[string]any{"id": anID},
			admin,
		),
	)
	assert.Equal(t, "Rain", r.Get("data.it.name").Str)
	assert.Equal(t, int64(2), r.Get("data.it.revision").Int())

	before := r.Get("data.it.document").Raw
	r = must(t, s.GraphQL(t, changeOrg, map[string]any{"id": anID, "doc": before}, admin))
	assert.Equal(t, before, r.Get("data.it.document").Raw, "a save without an edit changes nothing")
	assert.Equal(t, int64(2), r.Get("data.it.revision").Int())
	refused(
		t,
		s.GraphQL(t, changeOrg, map[string]any{"id": anID, "doc": `{"id":"` + s.OrgID + `","owner_name":"x"}`}, admin),
		"INVALID",
		anID,
	)
}
