package app_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"

	"gatehouse/graph/generated"
	"gatehouse/internal/authz"
)

// contract is the schema, for tests that are generated from it.
func contract() *ast.Schema { return generated.NewExecutableSchema(generated.Config{}).Schema() }

// rootFields are the fields of Query and Mutation, in the order of the schema: reads come before writes.
func rootFields(s *ast.Schema) []*ast.FieldDefinition {
	var out []*ast.FieldDefinition
	for _, root := range []*ast.Definition{s.Query, s.Mutation} {
		for _, f := range root.Fields {
			if !strings.HasPrefix(f.Name, "__") {
				out = append(out, f)
			}
		}
	}
	return out
}

// isMutation tells whether a root field changes something.
func isMutation(s *ast.Schema, f *ast.FieldDefinition) bool {
	return s.Mutation.Fields.ForName(f.Name) == f
}

// operation writes the operation that asks for a root field with all of its arguments as variables, and for every field
// of what it returns, relations included, down to a depth; fields that without names are left out.
func operation(s *ast.Schema, f *ast.FieldDefinition, depth int, without ...string) string {
	var declared, passed []string
	for _, a := range f.Arguments {
		declared = append(declared, fmt.Sprintf("$%s: %s", a.Name, a.Type))
		passed = append(passed, fmt.Sprintf("%s: $%s", a.Name, a.Name))
	}
	parens := func(list []string) string {
		if len(list) == 0 {
			return ""
		}
		return "(" + strings.Join(list, ", ") + ")"
	}
	root := "query"
	if isMutation(s, f) {
		root = "mutation"
	}
	return fmt.Sprintf(
		"%s%s { it: %s%s%s }",
		root,
		parens(declared),
		f.Name,
		parens(passed),
		selection(s, f.Type.Name(), depth, without),
	)
}

// selection asks for every field of a type.
func selection(s *ast.Schema, name string, depth int, without []string) string {
	var fields []string
	for _, f := range s.Types[name].Fields {
		switch kind := s.Types[f.Type.Name()].Kind; {
		case strings.HasPrefix(f.Name, "__"), slices.Contains(without, f.Name):
		case kind != ast.Object:
			fields = append(fields, f.Name)
		case depth > 0:
			if inner := selection(s, f.Type.Name(), depth-1, without); inner != "" {
				fields = append(fields, f.Name+inner)
			}
		}
	}
	if len(fields) == 0 {
		return ""
	}
	return " { " + strings.Join(fields, " ") + " }"
}

func TestEveryRootFieldNamesTheOperationThatItEquals(t *testing.T) {
	s := contract()
	for _, root := range []*ast.Definition{s.Query, s.Mutation, s.Subscription} {
		for _, f := range root.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			d := f.Directives.ForName("operation")
			require.NotNil(t, d, "%s.%s has no @operation", root.Name, f.Name)
			for _, argument := range []string{"method", "path", "permission"} {
				require.NotNil(t, d.Arguments.ForName(argument), "@operation of %s has no %s", f.Name, argument)
				require.NotEmpty(t, d.Arguments.ForName(argument).Value.Raw)
			}
			// What stands in braces is guarded by its value, so it has to be an argument.
			for _, path := range []string{"path", "admin"} {
				a := d.Arguments.ForName(path)
				if a == nil {
					continue
				}
				for _, part := range strings.Split(a.Value.Raw, "/") {
					if name, ok := strings.CutPrefix(part, "{"); ok {
						require.NotNil(
							t,
							f.Arguments.ForName(strings.TrimSuffix(name, "}")),
							"%s: %s names no argument of %s",
							path,
							part,
							f.Name,
						)
					}
				}
			}
		}
	}
}

func TestWhatAPermissionCanHideIsNullable(t *testing.T) {
	s := contract()
	operations, relations := 0, 0
	for _, def := range s.Types {
		for _, f := range def.Fields {
			operation, relation := f.Directives.ForName("operation"), f.Directives.ForName("permission")
			if relation == nil && (operation == nil || def == s.Subscription ||
				operation.Arguments.ForName("permission").Value.Raw == authz.PermissionNone) {
				continue
			}
			if relation != nil {
				relations++
			} else {
				operations++
			}
			require.False(t, f.Type.NonNull, "%s.%s: a refusal has to blank this field alone, so it cannot be %s",
				def.Name, f.Name, f.Type)
		}
	}
	require.NotZero(t, operations, "no field of the schema is an operation with a permission")
	require.NotZero(t, relations, "no field of the schema is a relation with a permission")
}

func TestBesideEveryDocumentStandsItsText(t *testing.T) {
	s := contract()
	// These are no documents that anybody sends back.
	shown := []string{"ProxyResponse.headers", "ProxyResponse.body", "OauthAuthorization.document", "Notification.data"}
	excepted, judged := 0, 0
	for _, def := range s.Types {
		for _, f := range def.Fields {
			if def.Kind != ast.Object || f.Type.Name() != "JSON" {
				continue
			}
			if slices.Contains(shown, def.Name+"."+f.Name) {
				excepted++
				continue
			}
			judged++
			text := def.Fields.ForName(f.Name + "Text")
			require.NotNil(t, text, "%s.%s is JSON, whose numbers a browser rounds: put %sText beside it", def.Name, f.Name, f.Name)
			require.Equal(t, "String", text.Type.Name())
			require.Equal(t, f.Type.NonNull, text.Type.NonNull)
		}
	}
	require.Equal(t, len(shown), excepted, "an exception is no field of the schema")
	require.NotZero(t, judged, "no field of the schema is a document")
}

func TestEverythingInTheSchemaIsDescribed(t *testing.T) {
	s := contract()
	for _, def := range s.Types {
		if def.BuiltIn || strings.HasPrefix(def.Name, "__") {
			continue
		}
		require.NotEmpty(t, def.Description, "the type %s", def.Name)
		for _, v := range def.EnumValues {
			require.NotEmpty(t, v.Description, "the value %s.%s", def.Name, v.Name)
		}
		for _, f := range def.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			require.NotEmpty(t, f.Description, "the field %s.%s", def.Name, f.Name)
			for _, a := range f.Arguments {
				require.NotEmpty(t, a.Description, "the argument %s of %s.%s", a.Name, def.Name, f.Name)
			}
		}
	}
	for _, d := range s.Directives {
		if d.Position != nil && d.Position.Src != nil && d.Position.Src.BuiltIn {
			continue
		}
		require.NotEmpty(t, d.Description, "the directive @%s", d.Name)
	}
}

func TestEveryListHasPagesAndAnOrder(t *testing.T) {
	s := contract()
	// Their descriptions say in which order they are.
	ordered := []string{"apiCategories", "notifications", "oauthTokens", "organisationSessions"}
	judged := 0
	for _, def := range s.Types {
		for _, f := range def.Fields {
			if def.Kind != ast.Object || !strings.HasSuffix(f.Type.Name(), "Connection") {
				continue
			}
			judged++
			name := def.Name + "." + f.Name
			first, after := f.Arguments.ForName("first"), f.Arguments.ForName("after")
			require.NotNil(t, first, "%s is a list: it needs first", name)
			require.NotNil(t, after, "%s is a list: it needs after", name)
			require.True(t, first.DefaultValue != nil || strings.Contains(first.Description, "default"),
				"%s: nobody knows how many there are without first", name)
			if def == s.Query && !slices.Contains(ordered, f.Name) {
				require.NotNil(t, f.Arguments.ForName("sort"), "%s is a list: it needs sort", name)
			}
		}
	}
	require.Greater(t, judged, 30)
}

func TestWhatCanBeUpdatedCanBePatchedAsWell(t *testing.T) {
	s := contract()
	said := func(f *ast.FieldDefinition, argument string) string {
		return f.Directives.ForName("operation").Arguments.ForName(argument).Value.Raw
	}
	judged := 0
	for _, update := range s.Mutation.Fields {
		kind, ok := strings.CutPrefix(update.Name, "update")
		if !ok {
			continue
		}
		judged++
		patch := s.Mutation.Fields.ForName("patch" + kind)
		require.NotNil(t, patch, "there is %s, and no patch%s", update.Name, kind)
		require.Equal(t, "PATCH "+said(update, "path"), said(patch, "method")+" "+said(patch, "path"))
		require.Equal(t, said(update, "permission"), said(patch, "permission"))
		require.NotNil(t, patch.Arguments.ForName("revision"), patch.Name)
	}
	require.Greater(t, judged, 6)
}

func TestWhatIsLeftOutHasADefaultThatTheSchemaSays(t *testing.T) {
	s := contract()
	says := func(name, description string, value *ast.Value) {
		require.True(t, value != nil || strings.Contains(description, "default"),
			"%s may be left out, and nobody knows what that means: give it a default, or say it", name)
	}
	judged := 0
	for _, def := range s.Types {
		for _, f := range def.Fields {
			for _, a := range f.Arguments {
				kind := s.Types[a.Type.Name()].Kind
				if a.Type.NonNull || a.Type.Elem != nil || def.BuiltIn || strings.HasPrefix(f.Name, "__") ||
					kind != ast.Enum && a.Type.Name() != "Boolean" || a.Name == "state" {
					continue // a filter by state
				}
				judged++
				if f.Name == "certificates" && a.Name == "sort" {
					continue // it depends on the filter, which the description says
				}
				says(def.Name+"."+f.Name+"("+a.Name+")", a.Description, a.DefaultValue)
			}
			if def.Kind != ast.InputObject || f.Type.NonNull || f.Type.Elem != nil || strings.HasSuffix(def.Name, "Filter") ||
				s.Types[f.Type.Name()].Kind != ast.Enum && f.Type.Name() != "Boolean" || def.Name == "WebhookInput" {
				continue // the method of a webhook has to be given
			}
			judged++
			says(def.Name+"."+f.Name, f.Description, f.DefaultValue)
		}
	}
	require.Greater(t, judged, 15)
}
