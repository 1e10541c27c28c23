package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"

	"gatehouse/internal/apptest"
	"gatehouse/internal/core"
	"gatehouse/store"
)

// hostile are values that somebody may send where a scalar is asked for, as JSON text: of its type, far beyond what it
// is for, or of another type.
func hostile() map[string][]string {
	quoted := func(values ...string) []string {
		out := make([]string, len(values))
		for i, v := range values {
			raw, _ := json.Marshal(v)
			out[i] = string(raw)
		}
		return out
	}
	long := strings.Repeat("x", 20_000)
	texts := append(
		quoted(
			"",
			" ",
			"a\x00b",
			"\xff\xfe",
			"%",
			"_",
			`\`,
			`'`,
			`"`,
			"?",
			"$1",
			"{",
			"../..",
			"\u202e",
			"ſ",
			"İ",
			strings.Repeat("é", 200),
			long,
			"eyJvIjozfQ",
			core.Cursor{Int: -1 << 63, ID: "x"}.Encode(),
			core.Cursor{Of: "x", Offset: 1 << 30, ID: "y"}.Encode(),
			core.Cursor{Text: "x"}.Encode(),
		),
		`"\ud800"`,
		`"\udc00\ud800"`,
		`"\u0000"`,
	)
	numbers := []string{
		"0",
		"-1",
		"1",
		"2147483648",
		"-2147483649",
		"9223372036854775807",
		"-9223372036854775808",
		"9223372036854775808",
		"1e30",
		"1e400",
		"-0",
		"0.5",
	}
	documents := append(
		quoted(
			"{}",
			"[]",
			"null",
			`{"a":1e999}`,
			`{"\u0000":"\ud800"}`,
			`{"id":1}`,
			strings.Repeat(`{"a":`, 600)+"1"+strings.Repeat("}", 600),
		),
		"{}",
		"[]",
		`{"a":{"b":[1,2,{"c":null}]}}`,
		`"x"`,
	)
	times := quoted(
		"",
		"2026-12-01",
		"2026-12-01T00:00:00Z",
		"0001-01-01",
		"0000-01-01T00:00:00Z",
		"9999-12-31T23:59:59Z",
		"1960-01-01T00:00:00Z",
		"1970-01-01",
		"10000-01-01",
		"2026-12",
		"tomorrow",
		"\x00",
		long,
	)
	return map[string][]string{
		"String": append(
			texts,
			"1",
			"true",
			"{}",
		), "ID": append(texts, "1", "1e3", "true"), "Int": append(numbers, `"1"`, `"x"`, "true"),
		"Int64": append(numbers, `"1"`, `"x"`, "true"), "Float": append(numbers, `"NaN"`, `"Inf"`, "true"),
		"Boolean": {
			"true",
			"false",
			`"true"`,
			"1",
		}, "Time": append(times, "1764547200", "true"), "JSON": append(documents, numbers...),
	}
}

// leaf is a scalar somewhere in the arguments of a root field.
type leaf struct {
	argument, field string // field is a path as those of inputFields, "" for the argument itself
	kind            string
	list            bool
}

func (l leaf) String() string { return strings.TrimSuffix(l.argument+"."+l.field, ".") }

// leaves are all scalars, and enums, in the arguments of a root field.
func leaves(s *ast.Schema, f *ast.FieldDefinition) []leaf {
	var out []leaf
	for _, a := range f.Arguments {
		def := s.Types[a.Type.Name()]
		if def.Kind != ast.InputObject {
			out = append(out, leaf{a.Name, "", a.Type.Name(), a.Type.Elem != nil})
			continue
		}
		for path, field := range inputFields(s, def) {
			out = append(out, leaf{a.Name, path, field.Type.Name(), field.Type.Elem != nil})
		}
	}
	return out
}

// throw asks with the value, JSON text, at a leaf.
func (f *foreigners) throw(
	t *testing.T,
	s *ast.Schema,
	field *ast.FieldDefinition,
	query string,
	at leaf,
	value string,
	headers ...string,
) apptest.Reply {
	t.Helper()
	variables := f.variables(s, field, place{}, "")
	if at.field == "" {
		variables[at.argument] = json.RawMessage(value)
	} else {
		input, ok := variables[at.argument].(map[string]any)
		if !ok {
			input = map[string]any{}
		}
		f.put(s, s.Types[field.Arguments.ForName(at.argument).Type.Name()], input, at.field, json.RawMessage(value))
		variables[at.argument] = input
	}
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	require.NoError(t, err)
	return f.Do(t, "POST", "/graphql", string(body), append(headers, "Content-Type: application/json")...)
}

// internal tells an answer to a fault of ours.
func internal(r apptest.Reply) bool {
	return bytes.Contains(r.Body, []byte("INTERNAL")) || bytes.Contains(r.Body, []byte("Internal error")) ||
		bytes.Contains(r.Body, []byte("INTERNAL_SERVER_ERROR"))
}

func TestNoInputIsAnInternalError(t *testing.T) {
	t.Parallel()
	onEveryEngine(t, func(t *testing.T, e store.Engine) {
		if strings.HasSuffix(t.Name(), "file") {
			t.Skip("as in memory")
		}
		remote := !strings.HasSuffix(t.Name(), "memory")
		f := newForeignersOn(t, apptest.WithEngine(e))
		s := contract()
		values := hostile()
		thrown := 0
		for _, field := range rootFields(s) {
			if field.Name == "deleteOrganisation" {
				continue // which would end the test; its arguments are those of others
			}
			query := operation(s, field, 2)
			if isMutation(s, field) {
				query = operation(s, field, 1, "organisation")
			}
			for _, at := range leaves(s, field) {
				all := values[at.kind]
				if all == nil {
					require.Equal(t, ast.Enum, s.Types[at.kind].Kind, "there are no hostile values for %s", at.kind)
					all = values["String"][:5]
				}
				if at.list {
					all = append(listsOf(all), all[0])
				}
				for _, value := range all {
					if remote &&
						!strings.ContainsAny(value, `\0`) { // a server takes longer, and minds what is no text or no number of its own
						continue
					}
					// In turn by a user, and by the admin secret, which crosses organisations.
					headers := []string{"Authorization: " + f.visitor.accessKey}
					if thrown++; thrown%2 == 0 {
						headers = []string{"admin-auth: " + apptest.AdminSecret}
					}
					r := f.throw(t, s, field, query, at, value, headers...)
					if internal(r) || r.Status >= 500 && r.Status != 503 {
						t.Fatalf("%s with %.100s in %s: %d %.500s", field.Name, value, at, r.Status, r.Body)
					}
				}
			}
		}
		require.Greater(t, thrown, 1500, "the test has stopped to try")
	})
}

// listsOf makes lists of values: one of each, one of all, and a very long one.
func listsOf(values []string) []string {
	out := []string{"[]", "[null]", "[" + strings.Join(values, ",") + "]"}
	for _, v := range values {
		out = append(out, "["+v+"]")
	}
	return out
}

func TestAListOfFortyThousandIsRefusedWhereverAListIsTaken(t *testing.T) {
	t.Parallel()
	f := newForeigners(t)
	s := contract()
	lists := 0
	for _, field := range rootFields(s) {
		for _, at := range leaves(s, field) {
			if !at.list || at.kind == "JSON" { // an import is bounded by its bytes
				continue
			}
			lists++
			many := make([]string, 40_000)
			for i := range many {
				many[i] = fmt.Sprintf(`"%024x"`, i)
				if values := s.Types[at.kind].EnumValues; len(values) > 0 {
					many[i] = strconv.Quote(values[i%len(values)].Name)
				}
			}
			r := f.throw(
				t,
				s,
				field,
				operation(s, field, 1),
				at,
				"["+strings.Join(many, ",")+"]",
				"Authorization: "+f.visitor.accessKey,
			)
			code := r.Get("errors.0.extensions.code").Str
			if field.Name == "createOauthClient" || field.Name == "updateOauthClient" {
				require.NotEmpty(t, code) // the API of the visitor has none
				continue
			}
			require.True(
				t,
				slices.Contains([]string{"LIMIT", "INVALID"}, code),
				"%s with 40,000 in %s: %.300s",
				field.Name,
				at,
				r.Body,
			)
			require.Less(t, len(r.Body), 2000, "the message repeats what was sent")
		}
	}
	require.Greater(t, lists, 10)
}
