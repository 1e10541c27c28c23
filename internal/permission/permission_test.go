package permission_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/permission"
)

func TestAPermissionIsReadWhateverItIsCalled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ given, want permission.Set }{
		"nothing":                     {nil, permission.Set{}},
		"by other names":              {permission.Set{"certificates": "read", "logs": "read", "policy": "write"}, permission.Set{"certs": "read", "log": "read", "policies": "write"}},
		"by two names":                {permission.Set{"certificates": "deny", "certs": "write"}, permission.Set{"certs": "write"}},
		"an administrator":            {permission.Set{"IsAdmin": "admin"}, permission.Set{"IsAdmin": "admin"}},
		"an administrator, truly":     {permission.Set{"IsAdmin": "true"}, permission.Set{"IsAdmin": "admin"}},
		"not an administrator at all": {permission.Set{"IsAdmin": "false", "apis": "read"}, permission.Set{"apis": "read"}},
		"a custom one":                {permission.Set{"api_developer": "write"}, permission.Set{"api_developer": "write"}},
	} {
		assert.Equal(t, c.want, permission.Of(c.given), name)
	}
	assert.False(t, permission.Set{}.IsAdmin(), "an empty object makes no administrator")
}

func TestTheHighestLevelOfAUserAndTheirGroupsCounts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		own    permission.Set
		groups []permission.Set
		want   permission.Set
	}{
		"without a group":              {permission.Set{"apis": "read"}, nil, permission.Set{"apis": "read"}},
		"a group adds":                 {permission.Set{"apis": "read"}, []permission.Set{{"keys": "read"}}, permission.Set{"apis": "read", "keys": "read"}},
		"a group raises":               {permission.Set{"apis": "read"}, []permission.Set{{"apis": "write"}}, permission.Set{"apis": "write"}},
		"a group lowers nothing":       {permission.Set{"apis": "write"}, []permission.Set{{"apis": "deny"}}, permission.Set{"apis": "write"}},
		"deny is no more than nothing": {permission.Set{"apis": "deny"}, []permission.Set{{"apis": "read"}}, permission.Set{"apis": "read"}},
		"groups in union":              {nil, []permission.Set{{"apis": "read", "keys": "deny"}, {"apis": "deny", "keys": "write"}}, permission.Set{"apis": "read", "keys": "write"}},
		"no group makes an administrator": {
			permission.Set{"apis": "read"}, []permission.Set{{"IsAdmin": "admin", "ResetPassword": "admin"}}, permission.Set{"apis": "read"},
		},
		"an administrator keeps what is denied them": {
			permission.Set{"IsAdmin": "admin", "apis": "deny"}, []permission.Set{{"apis": "write"}}, permission.Set{"IsAdmin": "admin", "apis": "deny"},
		},
	} {
		assert.Equal(t, c.want, c.own.With(c.groups...), name)
	}
}

func TestNobodyReachesMoreThanTheyHave(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		have, next permission.Set
		want       string
	}{
		"the same":                     {permission.Set{"apis": "read"}, permission.Set{"apis": "read"}, ""},
		"less":                         {permission.Set{"apis": "write"}, permission.Set{"apis": "read", "keys": "deny"}, ""},
		"a higher level":               {permission.Set{"apis": "read"}, permission.Set{"apis": "write"}, "apis"},
		"another permission":           {permission.Set{"apis": "write"}, permission.Set{"keys": "read"}, "keys"},
		"to be an administrator":       {permission.Set{"apis": "write"}, permission.Set{"IsAdmin": "admin"}, "IsAdmin"},
		"an administrator reaches all": {permission.Set{"IsAdmin": "admin"}, permission.Set{"IsAdmin": "admin", "keys": "write"}, ""},
		"but for what is denied them":  {permission.Set{"IsAdmin": "admin", "keys": "deny"}, permission.Set{"keys": "write"}, "keys"},
		"nor can they make one who is not denied it": {
			permission.Set{"IsAdmin": "admin", "keys": "deny"}, permission.Set{"IsAdmin": "admin"}, "keys",
		},
		"a level that there is not is no level":  {permission.Set{}, permission.Set{"apis": "own"}, ""},
		"nor does one that there is not suffice": {permission.Set{"apis": "own"}, permission.Set{"apis": "read"}, "apis"},
	} {
		got, _ := c.have.Exceeding(c.next)
		assert.Equal(t, c.want, got, name)
	}
}

func TestAdditionalPermissionsHaveNamesOfTheirOwn(t *testing.T) {
	many := permission.Additional{}
	for i := range 101 {
		many[fmt.Sprint("p", i)] = ""
	}
	for name, c := range map[string]struct {
		given permission.Additional
		want  string
	}{
		"none":                         {nil, ""},
		"one":                          {permission.Additional{"api_editor": "API Editor"}, ""},
		"one in words of any language": {permission.Additional{"redaktör": "Redaktör"}, ""},
		"no name":                      {permission.Additional{"": "x"}, "without a name"},
		"one that is known":            {permission.Additional{"apis": "x"}, "meaning of its own"},
		"an alias of one":              {permission.Additional{"certificates": "x"}, "meaning of its own"},
		"administrators":               {permission.Additional{"IsAdmin": "x"}, "meaning of its own"},
		"passwords":                    {permission.Additional{"ResetPassword": "x"}, "meaning of its own"},
		"one that is known, otherwise": {permission.Additional{"Apis": "x"}, "meaning of its own"},
		"an alias, otherwise":          {permission.Additional{"Certificates": "x"}, "meaning of its own"},
		"administrators, otherwise":    {permission.Additional{"isadmin": "x"}, "meaning of its own"},
		"passwords, otherwise":         {permission.Additional{"resetpassword": "x"}, "meaning of its own"},
		"a line break":                 {permission.Additional{"a\nb": "x"}, "control characters"},
		"a long name":                  {permission.Additional{strings.Repeat("n", 101): "x"}, "at most 100 bytes"},
		"a long label":                 {permission.Additional{"n": strings.Repeat("x", 201)}, "at most 200 bytes"},
		"too many":                     {many, "more than 100"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.given.Check()
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
		})
	}
	require.Equal(t, []permission.Permission{
		{Name: "a", Label: "a", Levels: []string{"read", "write"}}, {Name: "b", Label: "B", Levels: []string{"read", "write"}},
	}, permission.Additional{"b": "B", "a": ""}.Permissions())
}
