package config

import (
	"reflect"
	"strings"
)

// Field is the declaration of one setting.
type Field struct {
	// Key is the path of JSON keys, joined with dots; Variable is the environment variable.
	Key      string
	Variable string
	// Type is the type in Go's spelling, without the package.
	Type string
	// Default is the value when nothing sets the field, in the form that the variable takes.
	Default string
	// Doc says what the setting does. It is empty for a setting that is known, but has no effect in this version.
	Doc string
	// Protects says what is open to whom when the setting is on: it protects something, and has no effect in this version.
	Protects string
	// Secret settings are shown as Mask.
	Secret bool

	min, max, oneof string
	index           []int
	typ             reflect.Type
}

// HasEffect tells whether this version does anything with the setting.
func (f Field) HasEffect() bool { return f.Doc != "" }

func (f Field) in(c *Config) reflect.Value { return reflect.ValueOf(c).Elem().FieldByIndex(f.index) }

// Section is an object of the configuration file that is at its top level, or (with an empty Key) that level itself.
type Section struct {
	Key, Doc string
	Fields   []Field
}

// Sections lists every setting, by section, in the order of their declaration; the top level comes first.
func Sections() []Section {
	top, rest := Section{}, []Section{}
	root := reflect.TypeFor[Config]()
	for _, sf := range reflect.VisibleFields(root) {
		switch {
		case sf.Anonymous:
		case isSection(sf.Type):
			s := Section{Key: sf.Tag.Get("json"), Doc: sf.Tag.Get("doc")}
			s.Fields = fields(sf.Type, s.Key+".", sf.Tag.Get("env"), sf.Index)
			rest = append(rest, s)
		default:
			top.Fields = append(top.Fields, newField(sf, "", "", nil))
		}
	}
	return append([]Section{top}, rest...)
}

// Fields lists every setting, in the order of Sections.
func Fields() []Field {
	var out []Field
	for _, s := range Sections() {
		out = append(out, s.Fields...)
	}
	return out
}

func fields(t reflect.Type, key, variable string, index []int) []Field {
	var out []Field
	for i := range t.NumField() {
		sf := t.Field(i)
		if isSection(sf.Type) {
			out = append(out, fields(sf.Type, key+sf.Tag.Get("json")+".", variable+sf.Tag.Get("env"), join(index, sf.Index))...)
			continue
		}
		out = append(out, newField(sf, key, variable, index))
	}
	return out
}

func newField(sf reflect.StructField, key, variable string, index []int) Field {
	return Field{
		Key:      key + sf.Tag.Get("json"),
		Variable: variable + sf.Tag.Get("env"),
		Type:     strings.ReplaceAll(strings.TrimPrefix(sf.Type.String(), "time."), "config.", ""),
		Default:  sf.Tag.Get("default"),
		Doc:      sf.Tag.Get("doc"),
		Protects: sf.Tag.Get("protects"),
		Secret:   sf.Tag.Get("secret") != "",
		min:      sf.Tag.Get("min"),
		max:      sf.Tag.Get("max"),
		oneof:    sf.Tag.Get("oneof"),
		index:    join(index, sf.Index),
		typ:      sf.Type,
	}
}

func isSection(t reflect.Type) bool { return t.Kind() == reflect.Struct }

// join copies, since the paths of sibling fields must not share memory.
func join(a, b []int) []int { return append(append(make([]int, 0, len(a)+len(b)), a...), b...) }
