package rules

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

// random is a JSON value that is often like another one, and often written in another way.
func random(r *rand.Rand, depth int) string {
	switch n := r.IntN(10); {
	case n < 3 && depth > 0:
		out := "{"
		for i, name := range []string{"a", "b", "c", `\u0064`} {
			if r.IntN(2) == 0 {
				if len(out) > 1 {
					out += []string{",", " , "}[r.IntN(2)]
				}
				out += fmt.Sprintf(`"%s":%s`, name, random(r, depth-1-i%2))
			}
		}
		return out + "}"
	case n < 4 && depth > 0:
		return "[" + random(r, depth-1) + "," + random(r, depth-1) + "]"
	case n < 6:
		return []string{"1", "1.0", "10e-1", "2", "-0"}[r.IntN(5)]
	case n < 8:
		return []string{`"é"`, `"\u00e9"`, `"x"`, `""`}[r.IntN(4)]
	}
	return []string{"true", "false", "null"}[r.IntN(3)]
}

func TestComparingDocumentsIsComparingTheirValues(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	differ := 0
	for range 20_000 {
		before, after := core.Document(random(r, 3)), core.Document(random(r, 3))
		want := diff(valueOf(before), valueOf(after))
		got := patch(gjson.ParseBytes(before), gjson.ParseBytes(after))
		require.Zero(t, want.Compare(got), "%s and %s: %s, want %s", before, after, got, want)
		if same := valueOf(before).Compare(valueOf(after)) == 0; !same {
			differ++
		}
	}
	require.Greater(t, differ, 1000)
}

func TestALazyDocumentIsWhatItsValueIs(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 2_000 {
		doc := core.Document(random(r, 4))
		require.True(t, json.Valid(doc), "%s", doc)
		require.Zero(t, valueOf(doc).Compare(lazy(doc)), "%s is %s", doc, lazy(doc))
	}
}

func TestWhereTykDiffIsCalledMakesNoDifference(t *testing.T) {
	t.Parallel()
	e := New(Options{})
	for name, text := range map[string]string{
		"in a body":             `deny[x] { d := TykDiff(TykAPIGet("/api/apis/1"), input.request.body); x := d.name }`,
		"as an argument":        `deny[x] { x := object.get(TykDiff(TykAPIGet("/api/apis/1"), input.request.body), "name", "") }`,
		"in a comprehension":    `deny[x] { x := [d.name | d := TykDiff(TykAPIGet("/api/apis/1"), input.request.body)][0] }`,
		"with a document of it": `deny[x] { api := TykAPIGet("/api/apis/1"); api.name == "old"; x := TykDiff(api, input.request.body).name }`,
		"with another value":    `deny[x] { x := TykDiff({"name": "old"}, input.request.body).name }`,
		"by a part of the body": `deny[x] { TykDiff(TykAPIGet("/api/apis/1").name, input.request.body.name) == "new"; x := "new" }`,
		"by all of the request": `deny[x] { r := input.request; x := TykDiff(TykAPIGet("/api/apis/1"), r.body).name }`,
		"where it is their own": "TykDiff(a, b) = {\"name\": \"new\"} { true }\n" + `deny[x] { x := TykDiff(1, input.request.body).name }`,
	} {
		t.Run(name, func(t *testing.T) {
			q := Question{Method: "PUT", Path: "/api/apis/1", Body: core.Document(`{"name":"new"}`)}
			q.Get = got1
			v, err := e.Judge(t.Context(), text, q)
			require.NoError(t, err)
			require.Equal(t, []string{"new"}, v.Deny)
			if name == "where it is their own" {
				return
			}
			q.Body = nil
			v, err = e.Judge(t.Context(), text, q)
			require.NoError(t, err)
			require.Empty(t, v.Deny, "without a body there is nothing to compare with")
		})
	}
	require.Equal(t, `{"name": "new"}`, diff(ast.NewObject(), valueOf(core.Document(`{"name":"new"}`))).String())
}

func got1(context.Context, string) (core.Document, error) {
	return core.Document(`{"name":"old"}`), nil
}
