package core_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
)

func TestAMergePatchLeavesWhatItDoesNotName(t *testing.T) {
	for _, tc := range []struct{ name, doc, patch, want string }{
		{"a value is replaced in its place", `{"z":1.0,"a":2,"m":3}`, `{"a":1e3}`, `{"z":1.0,"a":1e3,"m":3}`},
		{"a new field goes last", `{"z":1.0}`, `{"a":{"b":null,"c":1}}`, `{"z":1.0,"a":{"c":1}}`},
		{"null removes", `{"z":1.0,"a":2}`, `{"z":null,"none":null}`, `{"a":2}`},
		{"objects merge", `{"a":{"x":12345678901234567890,"y":2}}`, `{"a":{"y":{"z":1}}}`, `{"a":{"x":12345678901234567890,"y":{"z":1}}}`},
		{"an array is replaced whole", `{"a":[1,2,3]}`, `{"a":[null]}`, `{"a":[null]}`},
		{"an object replaces what is none", `{"a":[1]}`, `{"a":{"b":1,"c":null}}`, `{"a":{"b":1}}`},
		{"names with paths in them are names", `{"a.b":1,"a":{"b":2}}`, `{"a.b":3}`, `{"a.b":3,"a":{"b":2}}`},
		{"names in escapes are the same names", `{"\u0061":1}`, `{"a":2}`, `{"\u0061":2}`},
		{"spelling is kept", `{"a":"\u00e9\/","n":-0}`, `{}`, `{"a":"\u00e9\/","n":-0}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			require.Equal(t, tc.want, string(core.Document(tc.doc).MergePatch(core.Document(tc.patch))))
		})
	}
}

func TestDocumentsAreEqualButForSpellingThatAnswersMayChange(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{`{"a":1}`, `{"a":1}`, true},
		{`{"a":1}`, "{\n \"a\" : 1 }\n", true},
		{`{"a":"<b>&\u2028"}`, "{\"a\":\"\\u003cb\\u003e\\u0026\u2028\"}", true},
		{`{"a":1}`, `{"a":1.0}`, false},
		{`{"a":"é"}`, `{"a":"\u00e9"}`, false},
		{`{"a":1,"b":2}`, `{"b":2,"a":1}`, false},
		{`{"a":" "}`, `{"a":"  "}`, false},
		{`not JSON`, `{}`, false},
	} {
		require.Equal(t, tc.want, core.Document(tc.a).Equal(core.Document(tc.b)), "%s and %s", tc.a, tc.b)
	}
}

func TestANumberIsWhatAnAnswerCanHold(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]float64{
		`2.5`: 2.5, `-1`: -1, `1e3`: 1000,
		`"NaN"`: 0, `"Inf"`: 0, `"-Infinity"`: 0, `"7"`: 0, `1e999`: 0, `-1e999`: 0, `null`: 0, `true`: 0, `{}`: 0,
	} {
		p := core.NewPolicy(core.Meta{}, core.Document(`{"rate":`+value+`}`))
		require.InDelta(t, want, p.Rate(), 0, value)
	}
	require.Zero(t, core.Document(`{}`).Number("rate"))
}

func TestWhatComesFromOutsideIsShortInAMessage(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"":                              "",
		"short":                         "short",
		strings.Repeat("x", 60):         strings.Repeat("x", 60),
		strings.Repeat("x", 61):         strings.Repeat("x", 60) + "…",
		strings.Repeat("x", 59) + "éxx": strings.Repeat("x", 59) + "…",
		"no \xff text":                  "no \ufffd text",
		strings.Repeat("\x80", 99):      "\ufffd…",
	} {
		require.Equal(t, want, core.Clip(given), "%q", given)
	}
}

func TestAnOwnedFieldIsSetOnceInOneSpelling(t *testing.T) {
	for _, tc := range []struct{ name, doc, parent, want, says string }{
		{"an absent one is added", `{"a":1}`, "", `{"a":1,"id":"x"}`, ""},
		{"one that holds the value stays", `{"id":"\u0078","a":1}`, "", `{"id":"\u0078","a":1}`, ""},
		{"another is replaced in its place", `{"id":"y","a":1.0}`, "", `{"id":"x","a":1.0}`, ""},
		{"null is replaced", `{"id":null}`, "", `{"id":"x"}`, ""},
		{"one below", `{"p":{"b":1}}`, "p", `{"p":{"b":1,"id":"x"}}`, ""},
		{"a number is refused", `{"id":1}`, "", "", "id must be a string"},
		{"other capitals are refused", `{"id":"x","ID":"y"}`, "", "", `"ID" must be spelled "id"`},
		{"other capitals below are refused", `{"p":{"Id":"y"}}`, "p", "", `"Id" must be spelled "id"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := core.Document(tc.doc).Owned(tc.parent, "id", "x")
			if tc.says != "" {
				require.ErrorContains(t, err, tc.says)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.want, string(got))
		})
	}
}

// Gateways read names whatever their case, so a document could show us one thing and them another.
func TestAFieldInOtherCapitalsDoesNotGetPastTheChecks(t *testing.T) {
	for doc, parse := range map[string]func(core.Document) error{
		`{"name":"n","access_rights":{},"ACCESS_RIGHTS":{"theirs":{}}}`:          parsePolicy,
		`{"name":"n","access_rights":{"a":{"api_id":"a","API_ID":"theirs"}}}`:    parsePolicy,
		`{"name":"n","partitions":{"Acl":true}}`:                                 parsePolicy,
		`{"Apply_Policies":["theirs"]}`:                                          parseSession,
		`{"basic_auth_data":{"PASSWORD":"plain"}}`:                               parseSession,
		`{"api_definition":{"name":"n","Proxy":{"listen_path":"/theirs/"}}}`:     parseApi,
		`{"api_definition":{"name":"n","proxy":{"LISTEN_PATH":"/theirs/"}}}`:     parseApi,
		`{"email_address":"a@b.c","User_Permissions":{"IsAdmin":"admin"}}`:       parseUser,
		`{"name":"n","method":"GET","target_path":"http://x","Target_Path":"x"}`: parseWebhook,
	} {
		require.ErrorContains(t, parse(core.Document(doc)), "must be spelled", doc)
	}
}

func parseApi(d core.Document) error { _, err := core.ParseApi(core.Meta{}, d); return err }
func parsePolicy(d core.Document) error {
	_, err := core.ParsePolicy(core.Meta{}, d, false)
	return err
}
func parseSession(d core.Document) error { _, err := core.ParseSession(d); return err }
func parseUser(d core.Document) error {
	_, err := core.ParseUser(core.Meta{}, d, core.UserSecrets{})
	return err
}
func parseWebhook(d core.Document) error { _, err := core.ParseWebhook(core.Meta{}, d); return err }

func TestSlugify(t *testing.T) {
	for name, want := range map[string]string{"My API": "my-api", "  A  b ": "a-b", "Pets #shop #x": "pets", "a_b.c": "a-b-c", "日本": "", "Ünder": "nder", "--": "",
		strings.Repeat("long ", 100): strings.TrimSuffix(strings.Repeat("long-", 40), "-")} {
		require.Equal(t, want, core.Slugify(name), name)
	}
}

func TestCategoriesAreTheTagsOfTheName(t *testing.T) {
	a := core.NewApi(
		core.Meta{},
		core.Document(`{"api_definition":{"name":"Pets #shop #b #shop # x#y"},"categories":["#b","extra",""]}`),
	)
	require.Equal(t, []string{"b", "extra", "shop"}, a.Categories)
	require.Equal(t, "Pets # x#y", a.DisplayName())
}

func TestARouteIsWhatAGatewayTellsAPIsApartBy(t *testing.T) {
	route := func(definition string) string {
		return core.NewApi(core.Meta{}, core.Document(`{"api_definition":`+definition+`}`)).Route()
	}
	same := route(`{"proxy":{"listen_path":"/x/"}}`)
	require.Equal(t, same, route(`{"proxy":{"listen_path":"/x"}}`), "a trailing slash makes no other path")
	for _, other := range []string{`{"proxy":{"listen_path":"/X/"}}`, `{"domain":"d","proxy":{"listen_path":"/x/"}}`, `{"listen_port":1,"proxy":{"listen_path":"/x/"}}`, `{"protocol":"tcp","listen_port":1}`} {
		require.NotEqual(t, same, route(other), other)
	}
	require.Equal(
		t,
		route(`{"domain":"D.test","proxy":{"listen_path":"/"}}`),
		route(`{"domain":"d.test","proxy":{"listen_path":"/"}}`),
	)
	require.Equal(
		t,
		route(`{"protocol":"tcp","listen_port":1,"proxy":{"listen_path":"/a"}}`),
		route(`{"protocol":"tcp","listen_port":1}`),
		"TCP has no paths",
	)
}

func TestKindsAndWaysIn(t *testing.T) {
	for definition, want := range map[string][2]string{
		`{}`:                                   {"rest", "authToken"},
		`{"use_keyless":true}`:                 {"rest", "keyless"},
		`{"protocol":"tls","use_oauth2":true}`: {"tcp", "oauth"},
		`{"graphql":{"enabled":true},"enable_jwt":true,"use_basic_auth":true}`: {"graphql", "basic,jwt"},
		`{"graphql":{"enabled":true,"execution_mode":"executionEngine"}}`:      {"udg", "authToken"},
		`{"graphql":{"enabled":false,"execution_mode":"subgraph"}}`:            {"rest", "authToken"},
		`{"graphql":{"enabled":true,"execution_mode":"supergraph"}}`:           {"supergraph", "authToken"},
	} {
		a := core.NewApi(core.Meta{}, core.Document(`{"api_definition":`+definition+`}`))
		require.Equal(t, want, [2]string{a.Kind, strings.Join(a.AuthTypes, ",")}, definition)
	}
}

func TestPasswords(t *testing.T) {
	jo := &core.User{Email: "jo@x.test"}
	for password, says := range map[string]string{"": "at least", "12345": "at least", "123456": "", strings.Repeat("ab", 128): "", strings.Repeat("ab", 129): "at most",
		"aaaaaaa": "repeated", "JO@x.test": "e-mail"} {
		err := core.CheckPassword(password, jo)
		if says == "" {
			require.NoError(t, err, password)
			continue
		}
		require.ErrorContains(t, err, says, password)
	}
	require.ErrorContains(t, core.CheckPassword(strings.Repeat("ab", 37), nil), "at most 72", "those that bcrypt hashes are shorter")
}

func TestCustomKeys(t *testing.T) {
	for name, ok := range map[string]bool{"jo": true, "jo@x.test": true, strings.Repeat("x", 120): true, "": false, strings.Repeat("x", 121): false, "a b": false,
		`a"b`: false, `a\b`: false, "é": false, "a\x00": false, "a\n": false} {
		require.Equal(t, ok, core.CheckCustomKey("the key", name) == nil, "%q", name)
	}
}

func TestIDs(t *testing.T) {
	now := time.Now()
	first, later := core.NewID(now), core.NewID(now.Add(time.Second))
	require.True(t, core.IsID(first))
	require.Less(t, first, later, "ids sort by age")
	require.NotEqual(t, core.NewID(now), core.NewID(now))
	require.Len(t, core.NewHex(), 32)
	for _, id := range []string{"", first[1:], first + "0", strings.ToUpper("5e9d9544a1dcd60001d0edff"), "5e9d9544a1dcd60001d0ed2g"} {
		require.False(t, core.IsID(id), id)
	}
}

func TestCursors(t *testing.T) {
	for _, c := range []core.Cursor{{}, {Offset: 7}, {ID: "x", Text: "é", Int: -1}} {
		text := c.Encode()
		if c == (core.Cursor{}) {
			text = ""
		}
		got, ok := core.ParseCursor(text)
		require.True(t, ok)
		require.Equal(t, c, got)
	}
	require.Empty(t, core.OffsetCursor(0))
	for _, text := range []string{"x", "e30", core.Cursor{Offset: -1}.Encode(), core.Cursor{Text: "\x00", ID: "x"}.Encode(), core.Cursor{Offset: 1 << 40}.Encode()} {
		_, ok := core.ParseCursor(text)
		require.False(t, ok, text)
	}
}

func TestErrorsCarryTheirCode(t *testing.T) {
	cause := errors.New("the cause")
	err := fmt.Errorf("around: %w", core.Wrap(core.CodeStale, cause, "read it %s", "again"))
	require.Equal(t, core.CodeStale, core.CodeOf(err))
	require.ErrorIs(t, err, cause)
	require.Equal(t, "read it again", core.AsError(err).Message)
	require.Equal(t, core.CodeInternal, core.CodeOf(cause))
	require.Equal(t, "Internal error", core.AsError(cause).Message, "the cause is for the log")
	require.Empty(t, core.CodeOf(nil))
}

func TestAKeyIsShownWithoutItsPassword(t *testing.T) {
	k := core.NewKey(
		core.Meta{},
		core.Document(
			`{"basic_auth_data":{"password":"hash","x":1.0},"expires":-1,"apply_policies":["p","p",""],"apply_policy_id":"q"}`,
		),
	)
	require.Equal(
		t,
		`{"basic_auth_data":{"password":"","x":1.0},"expires":-1,"apply_policies":["p","p",""],"apply_policy_id":"q"}`,
		string(k.Public()),
	)
	require.Contains(t, string(k.Session), "hash", "the stored session keeps it")
	require.True(t, k.BasicAuth)
	require.Nil(t, k.ExpiresAt(), "-1 is never")
	require.Equal(t, []string{"p", "q"}, k.PolicyIDs)
}
