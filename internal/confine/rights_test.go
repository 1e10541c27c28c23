package confine_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"gatehouse/internal/confine"
	"gatehouse/internal/core"
)

func TestRightsToForeignApisAreTakenOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ doc, want string }{
		"nothing to take out":           {` {"access_rights": {"own":{}} , "x":1.0}`, ` {"access_rights": {"own":{}} , "x":1.0}`},
		"one of several":                {`{"a":1,"access_rights":{"own":{"k":[1]}, "foreign":{}},"b":2}`, `{"a":1,"access_rights":{"own":{"k":[1]}},"b":2}`},
		"the only one: none, not all":   {`{"access_rights":{"foreign":{}}}`, `{"access_rights":{".none":{"api_id":".none","versions":[]}}}`},
		"the id inside of an entry":     {`{"access_rights":{"own":{"API_ID":"foreign"},"o2":{}}}`, `{"access_rights":{"o2":{}}}`},
		"another spelling":              {`{"Access_Rights":{"foreign":{},"own":{}}}`, `{"Access_Rights":{"own":{}}}`},
		"a policy in the meta data":     {`{"meta_data":{"policies":[{"ACCESS_RIGHTS":{"foreign":{},"own":{}}}]},"access_rights":{"own":{}}}`, `{"meta_data":{"policies":[{"ACCESS_RIGHTS":{"own":{}}}]},"access_rights":{"own":{}}}`},
		"what is no right by that name": {`{"meta_data":{"x":{"access_rights":{"foreign":{}}}}}`, `{"meta_data":{"x":{"access_rights":{"foreign":{}}}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			got := confine.Session("", core.Document(c.doc), foreignTo("foreign", "foreign-policy"))
			assert.Equal(t, c.want, string(got))
			for _, id := range core.NamedApis(got) {
				assert.NotEqual(t, "foreign", id)
			}
			assert.Equal(
				t,
				c.doc != c.want,
				strings.Contains(strings.Join(core.NamedApis(core.Document(c.doc)), " "), "foreign"),
			)
		})
	}
}
