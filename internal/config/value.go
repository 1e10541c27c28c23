package config

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Mask is shown in the place of a secret that is set.
const Mask = "****"

var errNotAllowed = errors.New("not allowed")

var durationType = reflect.TypeFor[time.Duration]()

// parseText reads a value as variables, flags and defaults spell it: lists are separated by commas, maps are k:v,k2:v2,
// and lists of objects are JSON.
func (f Field) parseText(s string) (reflect.Value, error) {
	v := reflect.New(f.typ).Elem()
	if f.typ == durationType {
		d, err := time.ParseDuration(s)
		v.SetInt(int64(d))
		return v, err
	}
	switch f.typ.Kind() {
	case reflect.String:
		v.SetString(s)
		return v, nil
	case reflect.Bool:
		b, err := strconv.ParseBool(s)
		v.SetBool(b)
		return v, err
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(s, 10, f.typ.Bits())
		v.SetInt(n)
		return v, err
	case reflect.Uint, reflect.Uint16:
		n, err := strconv.ParseUint(s, 10, f.typ.Bits())
		v.SetUint(n)
		return v, err
	case reflect.Map:
		v.Set(reflect.MakeMap(f.typ))
		for pair := range strings.SplitSeq(s, ",") {
			key, value, ok := strings.Cut(pair, ":")
			if !ok {
				return v, errNotAllowed
			}
			v.SetMapIndex(
				reflect.ValueOf(strings.TrimSpace(key)).Convert(f.typ.Key()),
				reflect.ValueOf(strings.TrimSpace(value)),
			)
		}
		return v, nil
	}
	if f.typ.Elem().Kind() == reflect.String {
		for item := range strings.SplitSeq(s, ",") {
			v.Set(reflect.Append(v, reflect.ValueOf(strings.TrimSpace(item))))
		}
		return v, nil
	}
	return f.parseJSON(json.RawMessage(s))
}

// parseJSON reads a value as files spell it, where a number in quotes is a text and not a number. Durations are texts.
func (f Field) parseJSON(raw json.RawMessage) (reflect.Value, error) {
	if f.typ == durationType {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return reflect.Value{}, err
		}
		return f.parseText(s)
	}
	v := reflect.New(f.typ)
	err := json.Unmarshal(raw, v.Interface())
	return v.Elem(), err
}

// check holds a value against the bounds and the list of allowed values of its field.
func (f Field) check(v reflect.Value) bool {
	if f.oneof != "" {
		return slices.Contains(strings.Fields(f.oneof), fmt.Sprint(v.Interface()))
	}
	var n int64
	switch v.Kind() {
	case reflect.Int, reflect.Int64:
		n = v.Int()
	case reflect.String:
		n = int64(v.Len())
	default:
		return true
	}
	lowest, highest := f.bounds()
	return (lowest == nil || n >= *lowest) && (highest == nil || n <= *highest)
}

func (f Field) bounds() (lowest, highest *int64) {
	bound := func(tag string) *int64 {
		if tag == "" {
			return nil
		}
		var n int64
		if f.typ == durationType {
			d, _ := time.ParseDuration(tag)
			n = int64(d)
		} else {
			n, _ = strconv.ParseInt(tag, 10, 64)
		}
		return &n
	}
	lowest, highest = bound(f.min), bound(f.max)
	if lowest == nil && highest != nil {
		lowest = new(int64)
	}
	return lowest, highest
}

// Limits says in words which values of its type a field takes; "" when it takes all.
func (f Field) Limits() string {
	if f.min == "" && f.max == "" && f.oneof == "" {
		return ""
	}
	return f.allowed()
}

// allowed says in words what a field takes.
func (f Field) allowed() string {
	if f.oneof != "" {
		words := strings.Fields(f.oneof)
		last := len(words) - 1
		return strings.Join(words[:last], ", ") + " or " + words[last]
	}
	between := ""
	switch {
	case f.max != "":
		between = " from " + cmp.Or(f.min, "0") + " to " + f.max
	case f.min != "":
		between = " of at least " + f.min
	}
	switch k := f.typ.Kind(); {
	case f.typ == durationType:
		return `a duration such as "1m30s",` + between
	case k == reflect.String && between != "":
		return "a text" + strings.NewReplacer(" from 0 to", " of at most").Replace(between) + " bytes"
	case k == reflect.String:
		return "a text"
	case k == reflect.Bool:
		return "true or false"
	case k == reflect.Uint || k == reflect.Uint16:
		return "a whole number that is not negative"
	case k == reflect.Int || k == reflect.Int64:
		return "a whole number" + between
	case k == reflect.Map:
		return `an object of texts in a file, k:v,k2:v2 in a variable`
	case f.typ.Elem().Kind() == reflect.String:
		return `a list of texts in a file, texts separated by commas in a variable`
	}
	return "a JSON list of objects with the fields " + strings.Join(jsonNames(f.typ.Elem()), ", ")
}

func jsonNames(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		out = append(out, t.Field(i).Tag.Get("json"))
	}
	return out
}

// formatText is the inverse of parseText, for people: what cannot be printed is escaped.
func formatText(v any) string {
	var s string
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Map:
		pairs := make([]string, 0, r.Len())
		for key, value := range r.Seq2() {
			pairs = append(pairs, fmt.Sprint(key, ":", value))
		}
		slices.Sort(pairs)
		s = strings.Join(pairs, ",")
	case reflect.Slice:
		if list, ok := v.([]string); ok {
			s = strings.Join(list, ",")
		} else if r.Len() > 0 {
			raw, _ := json.Marshal(v)
			s = string(raw)
		}
	default:
		s = fmt.Sprint(v)
	}
	if strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 {
		return strconv.Quote(s)
	}
	return s
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
