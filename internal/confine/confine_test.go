package confine_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"gatehouse/internal/confine"
	"gatehouse/internal/core"
)

// foreignTo has one API and one policy be another organisation's.
func foreignTo(api, policy string) confine.Foreign {
	return confine.Foreign{
		Api:    func(id string) bool { return id == api },
		Policy: func(id string) bool { return id == policy },
	}
}

func TestWhatGatewaysAreToldIsConfinedToItsOrganisation(t *testing.T) {
	t.Parallel()
	foreign := foreignTo("their-api", "theirs")
	session := func(doc string) string {
		return string(confine.Session("us", core.Document(doc), foreign))
	}
	policy := func(doc string) string {
		return string(
			confine.Policy(
				core.NewPolicy(core.Meta{ID: "6b07029325cf117545e48001", OrgID: "us"}, core.Document(doc)),
				foreign,
			),
		)
	}
	definition := func(doc string) string {
		a := core.NewApi(core.Meta{ID: "6b07029325cf117545e48002", OrgID: "us"}, core.Document(`{"api_definition":`+doc+`}`))
		return string(confine.Definition(a, core.Document(doc), foreign))
	}
	const none = confine.NoPolicy
	for name, c := range map[string]struct {
		confine   func(string) string
		doc, want string
	}{
		"a session of its own stays word for word":      {session, ` {"org_id" : "us","apply_policies":["ours"],"x":1.0}`, ` {"org_id" : "us","apply_policies":["ours"],"x":1.0}`},
		"an organisation in other capitals":             {session, `{"org_id":"us","Org_ID":"them","access_rights":{"a":{}}}`, `{"org_id":"us","Org_ID":"us","access_rights":{"a":{}}}`},
		"no organisation":                               {session, `{"a":1}`, `{"a":1,"org_id":"us"}`},
		"null for an organisation":                      {session, `{"org_id":null}`, `{"org_id":"us"}`},
		"one of several policies":                       {session, `{"org_id":"us","access_rights":{"a":{}},"apply_policies":["ours","theirs"]}`, `{"org_id":"us","access_rights":{"a":{}},"apply_policies":["ours","` + none + `"]}`},
		"a policy by the old field, and no rights left": {session, `{"org_id":"us","Apply_Policy_ID":"theirs"}`, `{"org_id":"us","Apply_Policy_ID":"` + none + `","access_rights":{".none":{"api_id":".none","versions":[]}}}`},
		"custom policies of another organisation":       {session, `{"org_id":"us","meta_data":{"policies":[{"org_id":"them","access_rights":{"a":{}}}]}}`, `{"org_id":"us","meta_data":{"policies":[{"org_id":"us","access_rights":{"a":{}}}]}}`},
		"no custom policies in the place of policies":   {session, `{"org_id":"us","apply_policies":["ours"],"meta_data":{"policies":[]}}`, `{"org_id":"us","apply_policies":["ours"],"meta_data":{"policies":null}}`},
		"a policy of another organisation":              {policy, `{"_id":"6b07029325cf117545e48001","org_id":"them"}`, `{"_id":"6b07029325cf117545e48001","org_id":"us"}`},
		"a policy that takes the id of another":         {policy, `{"_id":"6b07029325cf117545e48001","_ID":"6b07029325cf117545e48009","id":"ours","Id":"theirs","org_id":"us"}`, `{"_id":"6b07029325cf117545e48001","_ID":"6b07029325cf117545e48001","id":"ours","Id":"ours","org_id":"us"}`},
		"an explicit id in capitals only":               {policy, `{"org_id":"us","ID":"theirs"}`, `{"org_id":"us","ID":""}`},
		"a definition of another organisation":          {definition, `{"api_id":"ours","id":"6b07029325cf117545e48003","org_id":"them"}`, `{"api_id":"ours","id":"6b07029325cf117545e48002","org_id":"us"}`},
		"a definition that takes the id of another":     {definition, `{"api_id":"ours","org_id":"us","API_ID":"their-api"}`, `{"api_id":"ours","org_id":"us","API_ID":"ours"}`},
		"policies for tokens of identity providers": {definition,
			`{"org_id":"us","jwt_default_policies":["theirs","ours"],"jwt_scope_to_policy_mapping":{"s":"theirs"},"scopes":{"jwt":{"scope_to_policy":{"s":"theirs"}},"oidc":{"Scope_To_Policy":{"s":"ours"}}},"openid_options":{"providers":[{"client_ids":{"c":"theirs"}}]}}`,
			`{"org_id":"us","jwt_default_policies":["` + none + `","ours"],"jwt_scope_to_policy_mapping":{"s":"` + none + `"},"scopes":{"jwt":{"scope_to_policy":{"s":"` + none + `"}},"oidc":{"Scope_To_Policy":{"s":"ours"}}},"openid_options":{"providers":[{"client_ids":{"c":"` + none + `"}}]}}`},
	} {
		t.Run(name, func(t *testing.T) {
			got := c.confine(c.doc)
			assert.Equal(t, c.want, got)
			assert.Equal(t, got, c.confine(got), "again")
		})
	}
}

func TestPoliciesInMetaDataAreOfTheOrganisationAndNotNone(t *testing.T) {
	t.Parallel()
	for doc, ok := range map[string]bool{
		`{}`: true, `{"meta_data":{"policies":"gold"}}`: true, `{"meta_data":{"policies":["gold"]}}`: true,
		`{"meta_data":{"policies":[{"org_id":"us"},{"id":"p"}]}}`: true,
		`{"meta_data":{"policies":[]}}`:                           false, `{"Meta_Data":{"policies":[]}}`: false,
		`{"meta_data":{"policies":[{"org_id":"us"},{"Org_Id":"them"}]}}`: false,
	} {
		err := confine.CheckCustomPolicies("us", core.Document(doc))
		assert.Equal(t, ok, err == nil, "%s: %v", doc, err)
	}
}
