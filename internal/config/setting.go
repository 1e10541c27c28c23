package config

import "reflect"

// Setting is the value of a field and where it came from, ready to be shown: a secret that is set is Mask.
type Setting struct {
	Key      string `json:"key"`
	Variable string `json:"variable"`
	Value    any    `json:"value"`
	Source   Origin `json:"source"`
}

// Text is the value in the form that the variable takes.
func (s Setting) Text() string { return formatText(s.Value) }

// Settings lists every setting in the order of Fields.
func (l *Loaded) Settings() []Setting {
	var out []Setting
	for _, f := range Fields() {
		v := f.in(&l.Config)
		s := Setting{Key: f.Key, Variable: f.Variable, Value: v.Interface(), Source: l.Origin(f.Key)}
		switch {
		case f.Secret && !isEmpty(v):
			s.Value = Mask
		case f.Secret:
			s.Value = ""
		case f.typ == durationType:
			s.Value = formatText(s.Value)
		}
		out = append(out, s)
	}
	return out
}

// Origin tells where the value of a key came from; OriginDefault for a key that nothing set.
func (l *Loaded) Origin(key string) Origin {
	if o, ok := l.origins[key]; ok {
		return o
	}
	return OriginDefault
}

// WithoutEffect lists the keys that were set and do nothing in this version, in the order of Fields.
func (l *Loaded) WithoutEffect() []string {
	var out []string
	for _, f := range Fields() {
		if !f.HasEffect() && l.Origin(f.Key) != OriginDefault {
			out = append(out, f.Key)
		}
	}
	return out
}

func isEmpty(v reflect.Value) bool {
	if v.Kind() == reflect.Map || v.Kind() == reflect.Slice {
		return v.Len() == 0
	}
	return v.IsZero()
}
