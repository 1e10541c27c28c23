package graph

import (
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"gatehouse/graph/generated"
)

func TestEveryInputThatSetsADocumentSaysWhichFieldsItSets(t *testing.T) {
	t.Parallel()
	s := generated.NewExecutableSchema(generated.Config{}).Schema()
	for name, def := range s.Types {
		if def.Kind != ast.InputObject {
			continue
		}
		table := map[string]string{}
		for _, f := range documented(name) {
			if def.Fields.ForName(f.name) == nil {
				t.Errorf("%s has no field %s", name, f.name)
			}
			table[f.name] = f.path
		}
		document := false
		for _, field := range def.Fields {
			if field.Name == "document" || field.Name == "definition" || field.Name == "session" {
				document = true
			}
		}
		for _, field := range def.Fields {
			if known := table[field.Name]; document && known == "" && field.Type.Name() != jsonScalar &&
				field.Name != "versionIsDefault" {
				t.Errorf("%s.%s has no line in documented: which field of the document does it set?", name, field.Name)
			}
		}
	}
}
