package core_test

import (
	"strings"
	"testing"

	"gatehouse/internal/core"
)

func TestEachValueOfAnObjectIsChangedInItsPlace(t *testing.T) {
	t.Parallel()
	upper := func(name string, value core.Document) core.Document {
		if name == "keep" {
			return value
		}
		return core.Document(strings.ToUpper(string(value)))
	}
	for name, c := range map[string]struct{ doc, path, want string }{
		"an object":                 {`{"x":1, "o" : { "a":"b" ,"keep":"c","d\u0065":{"e":"f"}} ,"y":[2]}`, "o", `{"x":1, "o" : { "a":"B" ,"keep":"c","d\u0065":{"E":"F"}} ,"y":[2]}`},
		"an object in an object":    {`{"p":{"o":{"a":"b"}}}`, "p.o", `{"p":{"o":{"a":"B"}}}`},
		"a list":                    {`{"o":["a", "b"]}`, "o", `{"o":["A", "B"]}`},
		"an empty object":           {`{"o":{}}`, "o", `{"o":{}}`},
		"an empty list":             {`{"o":[]}`, "o", `{"o":[]}`},
		"a text":                    {`{"o":"a"}`, "o", `{"o":"a"}`},
		"nothing":                   {`{"x":"a"}`, "o", `{"x":"a"}`},
		"values of all other types": {`{"o":{"a":null,"b":true,"c":1e3,"d":-0}}`, "o", `{"o":{"a":NULL,"b":TRUE,"c":1E3,"d":-0}}`},
	} {
		t.Run(name, func(t *testing.T) {
			doc := core.Document(c.doc)
			if got := string(doc.EachOf(c.path, upper)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if string(doc) != c.doc {
				t.Errorf("the document itself became %s", doc)
			}
		})
	}
}

func TestAPatchThatNestsForEverIsRefused(t *testing.T) {
	t.Parallel()
	deep := func(levels int) []byte {
		return []byte(strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels))
	}
	if _, err := core.ParsePatch(deep(core.MaxPatchDepth)); err != nil {
		t.Error(err)
	}
	if _, err := core.ParsePatch(deep(core.MaxPatchDepth + 1)); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("%d levels: %v", core.MaxPatchDepth+1, err)
	}
	if _, err := core.ParsePatch([]byte(`{"a":`)); core.CodeOf(err) != core.CodeMalformed {
		t.Errorf("half a patch: %v", err)
	}
}
