package resolvers_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"gatehouse/internal/apptest"
)

const (
	makePolicy   = `mutation($doc: JSON!) { it: createPolicy(input: {document: $doc}) { id policyId name apiIds document revision } }`
	changePolicy = `mutation($id: ID!, $doc: JSON!) { it: updatePolicy(id: $id, input: {document: $doc}) { id policyId name document revision } }`
)

func TestExplicitPolicyIdsAreKeptWhereTheyAreAllowed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env, doc     string
		id, policyID string // patterns; policyID "" is the id
	}{
		"an explicit id beside a made one": {"true", `{"name":"P","id":"gold-plan"}`, "^[0-9a-f]{24}$", "^gold-plan$"},
		"a database id":                    {"true", `{"name":"P","_id":"` + anID + `"}`, anID, ""},
		"both":                             {"true", `{"name":"P","_id":"` + anID + `","id":"gold-plan"}`, anID, "^gold-plan$"},
		"an explicit id of the form of the other": {"true", `{"name":"P","id":"` + anID + `"}`, anID, anID},
		"none":                                 {"true", `{"name":"P"}`, "^[0-9a-f]{24}$", ""},
		"an empty one":                         {"true", `{"name":"P","id":""}`, "^[0-9a-f]{24}$", ""},
		"none of them where that is forbidden": {"false", `{"name":"P","_id":"` + anID + `","id":"gold-plan"}`, "^[0-46-9a-f]", ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := apptest.New(t, apptest.WithEnv("TYK_DB_ALLOWEXPLICITPOLICYID="+c.env))
			r := must(t, s.GraphQL(t, makePolicy, map[string]any{"doc": c.doc}))
			id, policyID := r.Get("data.it.id").Str, r.Get("data.it.policyId").Str
			assert.Regexp(t, c.id, id)
			if c.policyID == "" {
				assert.Equal(t, id, policyID)
			} else {
				assert.Regexp(t, c.policyID, policyID)
			}
			for _, either := range []string{id, policyID} {
				found := must(t, s.GraphQL(t, `query($id: ID!) { policy(id: $id) { id } }`, map[string]any{"id": either}))
				assert.Equal(t, id, found.Get("data.policy.id").Str)
			}
		})
	}
}

func TestPolicyIdsAndNamesAreCheckedAndUnique(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	must(t, s.GraphQL(t, makePolicy, map[string]any{"doc": `{"name":"Gold","_id":"` + anID + `","id":"gold-plan"}`}))
	for name, c := range map[string]struct{ doc, code, says string }{
		"a name that is taken":        {`{"name":"Gold"}`, "CONFLICT", "already been used"},
		"an explicit id that is":      {`{"name":"B","id":"gold-plan"}`, "CONFLICT", "same ID"},
		"a database id that is":       {`{"name":"B","_id":"` + anID + `"}`, "CONFLICT", "same ID"},
		"a database id that is none":  {`{"name":"B","_id":"gold"}`, "INVALID", "24 lower-case hex digits"},
		"an explicit id with a slash": {`{"name":"B","id":"a/b"}`, "INVALID", "letters, digits"},
		"no name":                     {`{"id":"b"}`, "INVALID", "name is required"},
		"an unknown state":            {`{"name":"B","state":"asleep"}`, "INVALID", "active, draft or deny"},
		"two kinds of partitions":     {`{"name":"B","partitions":{"per_api":true,"quota":true}}`, "INVALID", "per_api"},
		"a rate that is no number":    {`{"name":"B","rate":"fast"}`, "INVALID", "rate must be a number"},
		"an id in other capitals":     {`{"name":"B","Org_ID":"x"}`, "INVALID", `must be spelled "org_id"`},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, s.GraphQL(t, makePolicy, map[string]any{"doc": c.doc}), c.code, c.says)
		})
	}
	_, key := s.Organisation(t, "other")
	must(t, s.GraphQL(t, makePolicy, map[string]any{"doc": `{"name":"Gold"}`}, "Authorization: "+key))
}

func TestUnsafePolicyIdsAreTakenWhereTheConfigurationAllowsThem(t *testing.T) {
	t.Parallel()
	s := apptest.New(t, apptest.WithEnv("TYK_DB_ALLOWUNSAFEPOLICYIDS=true"))
	r := must(t, s.GraphQL(t, makePolicy, map[string]any{"doc": `{"name":"P","id":"gold plan/2"}`}))
	assert.Equal(t, "gold plan/2", r.Get("data.it.policyId").Str)
}

func TestAccessRightsNameEachApiOnceAndAreChecked(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	api := createApi(t, s, `{"name":"Weather"}`)
	right := func(id string) string {
		return fmt.Sprintf(`{"name":"P","access_rights":{%q:{"api_id":%[1]q,"api_name":""}}}`, id)
	}

	r := must(t, s.GraphQL(t, makePolicy, map[string]any{"doc": right(api)}))
	assert.Equal(
		t,
		"Weather",
		r.Get("data.it.document.access_rights."+api+".api_name").Str,
		"an empty name of an API is filled in",
	)
	id := r.Get("data.it.id").Str
	for name, c := range map[string]struct{ doc, says string }{
		"two names for one right":          {fmt.Sprintf(`{"name":"P","access_rights":{%q:{"api_id":"nothing"}}}`, api), "must be the same"},
		"a right that is no object":        {fmt.Sprintf(`{"name":"P","access_rights":{%q:true}}`, api), "must be an object"},
		"access rights that are no object": {`{"name":"P","access_rights":[]}`, "access_rights must be an object"},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, s.GraphQL(t, makePolicy, map[string]any{"doc": c.doc}), "INVALID", c.says)
			refused(t, s.GraphQL(t, changePolicy, map[string]any{"id": id, "doc": c.doc}), "INVALID", c.says)
		})
	}
	refused(
		t,
		s.GraphQL(t, `mutation { createPolicy(input: {name: "P", apiIds: ["a/b"]}) { id } }`, nil),
		"INVALID",
		"apiIds",
	)
	assert.Equal(t, int64(1), s.GraphQL(t, `{ policies { totalCount } }`, nil).Get("data.policies.totalCount").Int())
}

func TestAPolicyKeepsItsIdsWhenItIsReplaced(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	r := must(t, s.GraphQL(t, makePolicy, map[string]any{"doc": `{"name":"P","id":"gold-plan","x-unknown":[1.0]}`}))
	id, before := r.Get("data.it.id").Str, r.Get("data.it.document").Raw
	r = must(t, s.GraphQL(t, changePolicy, map[string]any{"id": "gold-plan", "doc": before}))
	assert.Equal(t, before, r.Get("data.it.document").Raw, "a save without an edit changes nothing")
	assert.Equal(t, int64(1), r.Get("data.it.revision").Int())
	r = must(t, s.GraphQL(t, changePolicy, map[string]any{"id": id, "doc": `{"name":"Q"}`}))
	assert.Equal(t, "gold-plan", r.Get("data.it.policyId").Str)
	assert.Equal(t, int64(2), r.Get("data.it.revision").Int())
	refused(
		t,
		s.GraphQL(t, changePolicy, map[string]any{"id": id, "doc": `{"name":"Q","_id":"` + anID + `"}`}),
		"INVALID",
		anID,
		id,
	)
}

func TestAnImportOfPoliciesIsAllOrNothingAndWarnsOfMissingApis(t *testing.T) {
	t.Parallel()
	const imports = `mutation($policies: [JSON!]!) { it: importPolicies(policies: $policies) { id created warnings } }`
	admin := "admin-auth: " + apptest.AdminSecret
	s := apptest.New(t, apptest.WithEnv("TYK_DB_ALLOWEXPLICITPOLICYID=false"))
	good := fmt.Sprintf(
		`{"_id":%q,"id":"gold","org_id":%q,"name":"Gold","access_rights":{"not-yet":{"api_id":"not-yet"}}}`,
		anID,
		s.OrgID,
	)
	for name, c := range map[string]struct{ bad, code, says string }{
		"an organisation that is not there": {`{"org_id":"` + anID + `","name":"B"}`, "INVALID", "Data[1]: there is no organisation"},
		"no organisation":                   {`{"name":"B"}`, "INVALID", "Data[1]: org_id is required"},
		"the name of the one before":        {`{"org_id":"` + s.OrgID + `","name":"Gold"}`, "CONFLICT", "already been used"},
		"a state that is none":              {`{"org_id":"` + s.OrgID + `","name":"B","state":"x"}`, "INVALID", "Data[1]: state"},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, s.GraphQL(t, imports, map[string]any{"policies": []string{good, c.bad}}, admin), c.code, c.says)
			assert.Equal(t, int64(0), s.GraphQL(t, `{ policies { totalCount } }`, nil).Get("data.policies.totalCount").Int())
		})
	}
	r := must(t, s.GraphQL(t, imports, map[string]any{"policies": []string{good}}, admin))
	assert.Equal(
		t,
		"gold",
		r.Get("data.it.0.id").Str,
		"an import keeps ids, whatever the configuration says of new policies",
	)
	assert.True(t, r.Get("data.it.0.created").Bool())
	assert.Contains(t, r.Get("data.it.0.warnings.0").Str, "not-yet")
	assert.False(
		t,
		must(t, s.GraphQL(t, imports, map[string]any{"policies": []string{good}}, admin)).Get("data.it.0.created").Bool(),
	)
}
