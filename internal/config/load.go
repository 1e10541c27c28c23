package config

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
)

// Origin says what set a value.
type Origin string

// The origins, each winning over those before it.
const (
	OriginDefault     Origin = "default"
	OriginFile        Origin = "file"
	OriginEnvironment Origin = "environment"
	OriginFlag        Origin = "flag"
)

// Sources are where a configuration comes from.
type Sources struct {
	// File is the path of a JSON file; "" means none.
	File string
	// Env holds NAME=value pairs, as os.Environ returns them.
	Env []string
	// Overrides are the values of flags, by the key of the setting, in the form that its variable takes.
	Overrides map[string]string
}

// Loaded is a configuration that passed every check, and where it came from.
type Loaded struct {
	Config Config
	// Unknown lists, sorted, the keys of the file and the TYK_DB_ variables that no setting has. They are worth a warning,
	// and no reason to stop: configuration files outlive programs.
	Unknown []string

	// Idle lists what is wrong with settings that nothing uses as things are, sorted: they keep their defaults. Each says
	// why it stops nothing.
	Idle []string

	origins map[string]Origin
}

// Load reads the sources over the defaults. A null or an empty text sets nothing, whatever it is for, and keys of the
// file may be written with other capitals, as the Tyk Dashboard allows too. The error lists all problems, one a line;
// each names the key, the value unless it is secret, what is allowed, and the source.
func Load(src Sources) (*Loaded, error) {
	l := newLoader()
	if src.File != "" {
		data, err := os.ReadFile(src.File)
		if err != nil {
			return nil, fmt.Errorf("cannot read the configuration file: %w", err)
		}
		if err := l.file(src.File, data); err != nil {
			return nil, err
		}
	}
	l.environment(src.Env)
	l.overrides(src.Overrides)
	return l.finish()
}

type loader struct {
	Loaded
	fields   []Field
	byKey    map[string]Field // by the key in lower case
	sections map[string]bool  // keys of sections in lower case
	problems []problem
}

// problem is what is wrong with a setting; rank is the setting's place in the declaration, by which problems are
// sorted.
type problem struct {
	key, text string
	rank      int
}

func newLoader() *loader {
	l := &loader{fields: Fields(), byKey: map[string]Field{}, sections: map[string]bool{}}
	l.origins = map[string]Origin{}
	for _, f := range l.fields {
		lower := strings.ToLower(f.Key)
		l.byKey[lower] = f
		for i, c := range lower {
			if c == '.' {
				l.sections[lower[:i]] = true
			}
		}
		if f.Default != "" {
			v, err := f.parseText(f.Default)
			if err != nil || !f.check(v) {
				panic("config: the default of " + f.Key + " breaks its own rule")
			}
			f.in(&l.Config).Set(v)
		}
	}
	return l
}

func (l *loader) environment(env []string) {
	byVariable := map[string]Field{}
	for _, f := range l.fields {
		byVariable[f.Variable] = f
	}
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		if f, ok := byVariable[name]; ok {
			l.text(f, value, OriginEnvironment, "set by "+name)
		} else if strings.HasPrefix(name, "TYK_DB_") {
			l.Unknown = append(l.Unknown, name)
		}
	}
}

func (l *loader) overrides(values map[string]string) {
	for _, key := range sortedKeys(values) {
		if f, ok := l.byKey[strings.ToLower(key)]; ok {
			l.text(f, values[key], OriginFlag, "set by a flag")
		} else {
			l.problem(key, "is not a setting")
		}
	}
}

func (l *loader) text(f Field, s string, origin Origin, where string) {
	if s == "" {
		return
	}
	v, err := f.parseText(s)
	if err != nil || !f.check(v) {
		l.notAllowed(f, fmt.Sprintf("%q", clip(s)), where)
		return
	}
	l.set(f, v, origin)
}

func (l *loader) json(f Field, raw json.RawMessage, where string) {
	if s := string(raw); s == "null" || s == `""` {
		return
	}
	v, err := f.parseJSON(raw)
	if err != nil || !f.check(v) {
		if raw[0] == '"' && (f.typ.Kind() == reflect.Bool || v.CanInt() && f.typ != durationType || v.CanUint()) {
			where = "without quotes, " + where
		}
		l.notAllowed(f, clip(string(raw)), where)
		return
	}
	l.set(f, v, OriginFile)
}

func (l *loader) set(f Field, v reflect.Value, origin Origin) {
	f.in(&l.Config).Set(v)
	l.origins[f.Key] = origin
}

func (l *loader) notAllowed(f Field, shown, where string) {
	if f.Secret {
		shown = Mask
	}
	l.problem(f.Key, fmt.Sprintf("%s is not allowed; use %s (%s)", shown, f.allowed(), where))
}

func (l *loader) problem(key, text string) {
	rank := slices.IndexFunc(l.fields, func(f Field) bool { return f.Key == key })
	l.problems = append(l.problems, problem{key, text, rank})
}

// hasProblem keeps a check of several settings from repeating what is wrong with one of them.
func (l *loader) hasProblem(key string) bool {
	return slices.ContainsFunc(l.problems, func(p problem) bool { return p.key == key })
}

func (l *loader) finish() (*Loaded, error) {
	l.settle()
	l.checkStorage()
	l.checkServer()
	l.checkRedis()
	l.passOver()
	if len(l.problems) == 0 {
		slices.Sort(l.Unknown)
		return &l.Loaded, nil
	}
	slices.SortStableFunc(l.problems, func(a, b problem) int { return cmp.Compare(a.rank, b.rank) })
	errs := make([]error, len(l.problems))
	for i, p := range l.problems {
		errs[i] = errors.New(p.key + ": " + p.text)
	}
	return nil, errors.Join(errs...)
}

// clip keeps a value that is shown in an error to one short line.
func clip(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "..."
	}
	return s
}
