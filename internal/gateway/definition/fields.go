package definition

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"github.com/tidwall/gjson"
)

//go:embed fields.txt
var fieldsText string

// types are the types of fields.txt by name. They are read once and never change.
var types = sync.OnceValue(func() map[string]*kind {
	known, err := parseTypes(fieldsText)
	if err != nil {
		panic("definition: " + err.Error())
	}
	return known
})

// class says what JSON a kind takes.
type class uint8

const (
	isBool class = iota
	isString
	isFloat
	isInt
	isUint
	isTime
	isDuration
	isID
	isAny
	isRaw
	isList
	isMap
	isStruct
)

// kind is what gateways expect of a value.
type kind struct {
	class class
	// bits is the size of an integer.
	bits int
	// elem is the kind of the elements of a list or a map.
	elem *kind
	// name is that of a struct.
	name string
	// fields are those of a struct, by name and by folded name.
	fields, folded map[string]*field
}

// field is a field of a struct.
type field struct {
	name string
	kind *kind
	// newer marks a field that gateways of release 5.5 do not know.
	newer bool
	// index is the place among the fields of its type.
	index int
}

// maxFields is how many fields a type may have.
const maxFields = 256

// fieldSet is a set of the fields of one type.
type fieldSet [maxFields / 64]uint64

// add tells whether the field is new to the set.
func (s *fieldSet) add(f *field) bool {
	bit := uint64(1) << (f.index % 64)
	was := s[f.index/64]
	s[f.index/64] |= bit
	return was&bit == 0
}

// find returns the field that encoding/json would decode a name into; nil for none.
func (k *kind) find(name string) *field {
	if f := k.fields[name]; f != nil {
		return f
	}
	return k.folded[fold(name)]
}

// anything is the kind of an object or a list that holds anything.
func anything(v gjson.Result) *kind {
	if v.IsArray() {
		return &kind{class: isList, elem: &kind{class: isAny}}
	}
	return &kind{class: isMap, elem: &kind{class: isAny}}
}

// plainKinds are the kinds of fields.txt that hold no other.
func plainKinds() map[string]*kind {
	return map[string]*kind{
		"bool": {class: isBool}, "string": {class: isString}, "float": {class: isFloat},
		"int": {class: isInt, bits: 64}, "uint64": {class: isUint, bits: 64}, "uint16": {class: isUint, bits: 16},
		"time": {
			class: isTime,
		}, "duration": {class: isDuration}, "id": {class: isID}, "any": {class: isAny}, "raw": {class: isRaw},
	}
}

// parseTypes reads fields.txt.
func parseTypes(text string) (map[string]*kind, error) {
	plain, structs := plainKinds(), map[string]*kind{}
	structOf := func(name string) *kind {
		if structs[name] == nil {
			structs[name] = &kind{class: isStruct, name: name}
		}
		return structs[name]
	}
	var kindOf func(name string) *kind
	kindOf = func(name string) *kind {
		if elem, ok := strings.CutPrefix(name, "[]"); ok {
			return &kind{class: isList, elem: kindOf(elem)}
		}
		if elem, ok := strings.CutPrefix(name, "{}"); ok {
			return &kind{class: isMap, elem: kindOf(elem)}
		}
		if k := plain[name]; k != nil {
			return k
		}
		return structOf(name)
	}
	var current *kind
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "#"):
		case len(words) == 1 && line[0] != ' ' && structOf(words[0]).fields == nil:
			current = structOf(words[0])
			current.fields, current.folded = map[string]*field{}, map[string]*field{}
		case line[0] == ' ' && current != nil && (len(words) == 2 || len(words) == 3 && words[2] == "newer"):
			f := &field{words[0], kindOf(words[1]), len(words) == 3, len(current.fields)}
			current.fields[f.name], current.folded[fold(f.name)] = f, f
		default:
			return nil, fmt.Errorf("fields.txt: %q is no line of it", line)
		}
	}
	for name, k := range structs {
		if k.fields == nil {
			return nil, fmt.Errorf("fields.txt: %s is used and not described", name)
		}
		if len(k.fields) > maxFields {
			return nil, fmt.Errorf("fields.txt: %s has more than %d fields", name, maxFields)
		}
		if len(k.folded) != len(k.fields) {
			return nil, fmt.Errorf("fields.txt: two fields of %s differ in case only", name)
		}
	}
	return structs, nil
}

// fold is the same for names that encoding/json takes for each other. Names of fields are ASCII, to which two other
// letters fold.
func fold(name string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'A' && c <= 'Z':
			return c + 'a' - 'A'
		case c == 'ſ':
			return 's'
		case c == '\u212A': // the Kelvin sign
			return 'k'
		}
		return c
	}, name)
}
