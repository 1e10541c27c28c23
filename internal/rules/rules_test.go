package rules_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/internal/rules"
)

func question() rules.Question {
	return rules.Question{
		User:   core.Document(`{"id":"jo","active":true,"group_name":"Team A","user_permissions":{"apis":"write"}}`),
		Method: "PUT", Path: "/api/apis/1",
		Body:        core.Document(`{"api_definition":{"name":"Pets #external","active":true}}`),
		Permissions: []rules.Row{{Permission: "apis", Expression: "^/api/apis"}},
	}
}

func TestTextsOfBothSyntaxesAreTaken(t *testing.T) {
	e := rules.New(rules.Options{})
	for name, text := range map[string]string{
		"today's":                      "package dashboard_users\nimport rego.v1\ndeny contains \"no\" if input.request.method == \"PUT\"",
		"today's without the import":   "package dashboard_users\ndeny contains \"no\" if { input.request.method == \"PUT\" }",
		"the legacy one":               "package dashboard_users\ndeny[\"no\"] { input.request.method == \"PUT\" }",
		"no package":                   "# a comment\r\ndeny[\"no\"] {\r\n  input.request.method == \"PUT\"\r\n}",
		"no package, in today's":       "deny contains \"no\" if input.request.method == \"PUT\"",
		"a byte order mark":            "\ufeffpackage dashboard_users\ndeny[\"no\"] { true }",
		"one value and no set":         "deny = \"no\" { input.user.active }",
		"a comment before the package": "# package other\n\npackage dashboard_users\ndeny[\"no\"] { true }",
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, e.Check(text))
			v, err := e.Judge(t.Context(), text, question())
			require.NoError(t, err)
			require.Equal(t, []string{"no"}, v.Deny)
		})
	}
	sample := "default hello = false\r\n\r\nhello {\r\n    m := input.message\r\n    m == \"world\"\r\n}"
	require.NoError(t, e.Check(sample))
	v, err := e.Judge(t.Context(), sample, question())
	require.NoError(t, err)
	require.Empty(t, v.Deny, "a text without deny lets everything be")
}

func TestATextThatCannotBeUsedIsRefusedWithItsPlace(t *testing.T) {
	e := rules.New(rules.Options{})
	for name, tc := range map[string]struct{ text, want string }{
		"no Rego":          {"package dashboard_users\n\ndeny[x] {\n  x := \n}", "line 5, column 1"},
		"a wrong name":     {"package dashboard_users\ndeny[x] { x := nobody }", "line 2, column 11: var nobody is unsafe"},
		"another package":  {"package other\ndeny[\"no\"] { true }", "line 1, column 1: the package is other"},
		"without package":  {"deny[x] { x := nobody }", "line 1, column 11: var nobody is unsafe"},
		"calls out":        {"package dashboard_users\ndeny[x] { x := http.send({\"url\": \"http://127.0.0.1\", \"method\": \"get\"}).body }", "undefined function http.send"},
		"looks around":     {"deny[x] { x := opa.runtime().env.HOME }", "undefined function opa.runtime"},
		"resolves":         {"deny[x] { net.lookup_ip_addr(\"localhost\")[x] }", "undefined function net.lookup_ip_addr"},
		"shifts":           {"deny[x] { x := bits.lsh(1, 20000000) }", "undefined function bits.lsh"},
		"counts far":       {"deny[x] { numbers.range(1, 100000000)[x] }", "undefined function numbers.range"},
		"today's, wrong":   {"package dashboard_users\ndeny contains x if { x := nobody }", "var nobody is unsafe"},
		"long":             {strings.Repeat("#", rules.MaxText+1), "more than 262144"},
		"recursive":        {"a { b }\nb { a }", "recursive"},
		"a nested package": {"package dashboard_users.more\ndeny[\"no\"] { true }", "the package is dashboard_users.more"},
	} {
		t.Run(name, func(t *testing.T) {
			err := e.Check(tc.text)
			require.Equal(t, core.CodeInvalid, core.CodeOf(err))
			require.Contains(t, core.AsError(err).Message, tc.want)
			require.Contains(t, core.AsError(err).Message, "Invalid OPA rules.")
			_, err = e.Judge(t.Context(), tc.text, question())
			require.Equal(t, core.CodeForbidden, core.CodeOf(err), "it denies, where it was stored all the same")
			require.NotContains(t, core.AsError(err).Message, tc.want, "callers are not shown rules")
		})
	}
}

func TestWhatFailsDenies(t *testing.T) {
	e := rules.New(rules.Options{})
	for name, text := range map[string]string{
		"loops":                  `deny[x] { a := [1,2,3,4,5,6,7,8,9,10]; a[i]; a[j]; a[k]; a[l]; a[m]; a[n]; a[o]; a[p]; a[q]; a[i]+a[j]+a[k]+a[l]+a[m]+a[n]+a[o]+a[p]+a[q] == 0; x := "never" }`,
		"grows":                  "l0 = [1, 2, 3, 4, 5, 6, 7, 8]\n" + doubling(40, "l%d = array.concat(l%d, l%d)\n") + "deny[x] { count(l40) == 0; x := \"never\" }",
		"grows by writing out":   "l0 = [1, 2, 3, 4, 5, 6, 7, 8]\n" + doubling(60, "l%d = [l%d, l%d]\n") + "deny[x] { sprintf(\"%v\", [l60]) == \"\"; x := \"never\" }",
		"grows by marshalling":   "l0 = [1, 2, 3, 4, 5, 6, 7, 8]\n" + doubling(60, "l%d = {\"a\": l%d, \"b\": l%d}\n") + "deny[x] { json.marshal(l60) == \"\"; x := \"never\" }",
		"grows behind a name":    "l0 = [1, 2, 3, 4, 5, 6, 7, 8]\n" + doubling(60, "l%d = [l%d, l%d]\n") + "f(x) = y { y := x }\ndeny[x] { f(l60) == \"\" with f as json.marshal; x := \"never\" }",
		"grows as a text":        "l0 = \"12345678\"\n" + doubling(60, "l%d = concat(\"\", [l%d, l%d])\n") + "deny[x] { l60 == \"\"; x := \"never\" }",
		"grows as a number":      "l0 = 12345678\n" + doubling(60, "l%d = l%d * l%d\n") + "deny[x] { l60 == 0; x := \"never\" }",
		"says very much":         "l0 = [1, 2, 3, 4, 5, 6, 7, 8]\n" + doubling(60, "l%d = [l%d, l%d]\n") + "deny[x] { x := l60 }",
		"says two things":        "deny = \"a\" { input.user.active }\ndeny = \"b\" { input.user.active }",
		"asks for much":          `deny[x] { some i; api := TykAPIGet(sprintf("/api/apis/%v", [[1,2,3,4,5,6,7,8,9,10,11][i]])); api.x; x := "never" }`,
		"patches with no object": `patch_request["x"] { true }`,
		"patches with much":      `patch_request[x] { x := {"a": [i | [1,2,3,4,5,6,7,8,9,10][_]; i := input.request.body.big]} }`,
	} {
		t.Run(name, func(t *testing.T) {
			q := question()
			q.Body = core.Document(`{"big":"` + strings.Repeat("x", 100<<10) + `"}`)
			q.Get = func(context.Context, string) (core.Document, error) { return nil, nil }
			begun := time.Now()
			_, err := e.Judge(t.Context(), text, q)
			require.Equal(t, core.CodeForbidden, core.CodeOf(err))
			require.Less(t, time.Since(begun), 5*time.Second)
		})
	}
	t.Run("panics", func(t *testing.T) {
		q := question()
		q.Get = func(context.Context, string) (core.Document, error) { panic("broken") }
		_, err := e.Judge(t.Context(), `deny[x] { TykAPIGet("/api/apis/1").a; x := "never" }`, q)
		require.Equal(t, core.CodeForbidden, core.CodeOf(err))
	})
}

// doubling are n lines, each of which has the number of the one before twice.
func doubling(n int, line string) string {
	var out strings.Builder
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&out, line, i, i-1, i-1)
	}
	return out.String()
}

func TestMessagesAreBounded(t *testing.T) {
	e := rules.New(rules.Options{})
	q := question()
	q.Body = core.Document(`{"long":"` + strings.Repeat("é", 2000) + `"}`)
	v, err := e.Judge(t.Context(), `deny[x] { some i; [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22][i]; x := sprintf("%v%v", [input.request.body.long, i]) }`, q)
	require.NoError(t, err)
	require.Len(t, v.Deny, 20)
	require.LessOrEqual(t, len(v.Deny[0]), 1024)
	require.True(t, strings.HasSuffix(v.Deny[0], "é"), "a character is not cut in two")
}

func TestTykFunctions(t *testing.T) {
	e := rules.New(rules.Options{})
	asked := 0
	q := question()
	q.Get = func(_ context.Context, path string) (core.Document, error) {
		asked++
		if path != "/api/apis/1" {
			return nil, nil
		}
		return core.Document(`{"api_definition":{"name":"Pets #external","active":false,"proxy":{"x":1}},"hook_references":[]}`), nil
	}
	v, err := e.Judge(t.Context(), `
patch_request[x] {
	TykAPIGet(input.request.path) == TykAPIGet("/api/apis/1")
	TykAPIGet("/api/apis/2") == {}
	x := TykDiff(TykAPIGet(input.request.path), input.request.body)
}
deny["classic"] { isTykClassic() }
deny["oas"] { isTykOas() }
deny["streams"] { isTykStreams() }`, q)
	require.NoError(t, err)
	require.Equal(t, []string{"classic"}, v.Deny)
	require.Len(t, v.Patches, 1)
	require.JSONEq(t, `{"api_definition":{"active":true,"proxy":null},"hook_references":null}`, string(v.Patches[0]))
	require.Equal(t, 2, asked, "each is read once")
}
