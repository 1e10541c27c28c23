// Package sdl reads the texts of GraphQL schemas: which types there are, and which fields they have. It exists because
// gateways take such texts into their engine as they are, and go down with some, so that one has to be read before a
// gateway does.
//
// A text comes from outside, so what it may cost is known before it is read: its size and its nesting are bounded, and
// the rest is linear in its length.
package sdl

import (
	"errors"
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
)

const (
	// MaxBytes is how long a text may be. The largest public schemas have 2 MB.
	MaxBytes = 4 << 20
	// MaxNesting is how deep brackets may be nested in each other. Gateways read them by recursion, and a process whose
	// stack is used up ends; real texts have five levels or so.
	MaxNesting = 200
	// maxTokens bounds what is made of a text.
	maxTokens = 1 << 20
)

// ErrTooMuch is in the error about a text that is too long or nested too deep, for whatever it says.
var ErrTooMuch = errors.New("is too much for one schema")

// Schema is what a text says.
type Schema struct {
	fields map[string]map[string]bool
}

// Read reads a text. The error says what is wrong with it, and where, in words for people.
func Read(text string) (*Schema, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("%w: it has %d bytes, and %d are allowed", ErrTooMuch, len(text), MaxBytes)
	}
	if deepest := nesting(text); deepest > MaxNesting {
		return nil, fmt.Errorf("%w: it nests its brackets more than %d levels deep", ErrTooMuch, MaxNesting)
	}
	doc, err := parser.ParseSchemaWithLimit(&ast.Source{Name: "schema", Input: text}, maxTokens)
	if err != nil {
		return nil, said(err)
	}
	s := &Schema{fields: map[string]map[string]bool{}}
	for _, list := range []ast.DefinitionList{doc.Definitions, doc.Extensions} {
		for _, d := range list {
			if s.fields[d.Name] == nil {
				s.fields[d.Name] = make(map[string]bool, len(d.Fields))
			}
			for _, f := range d.Fields {
				s.fields[d.Name][f.Name] = true
			}
		}
	}
	return s, nil
}

// HasType tells whether there is a type of a name.
func (s *Schema) HasType(name string) bool { return s.fields[name] != nil }

// HasField tells whether a type has a field.
func (s *Schema) HasField(typeName, field string) bool { return s.fields[typeName][field] }

// said is what the parser says, with the line and without the name of a file that there is not.
func said(err error) error {
	var e *gqlerror.Error
	if !errors.As(err, &e) {
		return err
	}
	message := strings.ToValidUTF8(e.Message, "")
	if len(message) > 200 {
		message = strings.ToValidUTF8(message[:200], "") + "..."
	}
	if len(e.Locations) == 0 {
		return errors.New(message)
	}
	return fmt.Errorf("%s in line %d, column %d", message, e.Locations[0].Line, e.Locations[0].Column)
}

// nesting is how deep brackets are nested, outside of strings and comments.
func nesting(text string) (deepest int) {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '#':
			end := strings.IndexAny(text[i:], "\r\n")
			if end < 0 {
				return deepest
			}
			i += end
		case '"':
			i = skipString(text, i)
		case '[', '{', '(':
			depth++
			deepest = max(deepest, depth)
		case ']', '}', ')':
			depth--
		}
	}
	return deepest
}

// skipString returns where the string that begins at i ends; the end of the text where it does not.
func skipString(text string, i int) int {
	if strings.HasPrefix(text[i:], `"""`) {
		for i += 3; i < len(text); i++ {
			switch {
			case strings.HasPrefix(text[i:], `\"""`):
				i += 3
			case strings.HasPrefix(text[i:], `"""`):
				return i + 2
			}
		}
		return i
	}
	for i++; i < len(text) && text[i] != '"' && text[i] != '\n'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i
}
