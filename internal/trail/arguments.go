package trail

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"

	"gatehouse/internal/audit"
)

// The longest text of an argument that is recorded, the most elements of a list, and how deep inputs are looked into.
const (
	longestArgument = 256
	mostElements    = 20
	deepestInput    = 4
)

// secretPlaces are the arguments in the path of an operation that are tokens.
var secretPlaces = regexp.MustCompile(`/(?:keys|tokens|ssokey)/\{(\w+)\}`)

// arguments are those of a root field as they are recorded: without secrets, and without documents, which are in what
// they changed.
func (t *Trail) arguments(q Request) json.RawMessage {
	if len(q.Arguments) == 0 {
		return nil
	}
	given := make(map[string]any, len(q.Arguments))
	for name, value := range q.Arguments {
		if v := t.argument(reflect.ValueOf(value), 0); v != nil {
			given[name] = v
		}
	}
	for _, place := range secretPlaces.FindAllStringSubmatch(q.Path, -1) {
		if !strings.HasPrefix(q.Path, "/admin/org/") && given[place[1]] != nil {
			given[place[1]] = t.redact.Secret(fmt.Sprint(given[place[1]]))
		}
	}
	if len(given) == 0 {
		return nil
	}
	raw, err := json.Marshal(given)
	if err != nil {
		return nil
	}
	return audit.Shortened(t.redact.JSON(raw))
}

// argument is what is recorded of a value; nil for one that was not given.
func (t *Trail) argument(v reflect.Value, depth int) any {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	if !v.IsValid() || depth > deepestInput {
		return nil
	}
	if at, ok := v.Interface().(time.Time); ok {
		return at
	}
	switch v.Kind() {
	case reflect.String:
		if v.Len() > longestArgument {
			return fmt.Sprintf("(%d bytes)", v.Len())
		}
		return v.String()
	case reflect.Bool, reflect.Int, reflect.Int32, reflect.Int64, reflect.Float64:
		return v.Interface()
	case reflect.Slice:
		return t.elements(v, depth)
	case reflect.Map:
		if v.Type().Key().Kind() != reflect.String || v.Len() > mostElements {
			return fmt.Sprintf("(%d entries)", v.Len())
		}
		out := map[string]any{}
		for _, key := range v.MapKeys() {
			out[key.String()] = t.argument(v.MapIndex(key), depth+1)
		}
		return out
	case reflect.Struct:
		return t.fields(v, depth)
	}
	return nil
}

func (t *Trail) elements(v reflect.Value, depth int) any {
	if v.IsNil() {
		return nil
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		if t.o.Detailed && v.Len() <= audit.MaxDump && json.Valid(v.Bytes()) {
			return json.RawMessage(v.Bytes())
		}
		return fmt.Sprintf("(%d bytes)", v.Len())
	}
	if v.Len() > mostElements {
		return fmt.Sprintf("(%d elements)", v.Len())
	}
	out := []any{}
	for i := range v.Len() {
		out = append(out, t.argument(v.Index(i), depth+1))
	}
	return out
}

func (t *Trail) fields(v reflect.Value, depth int) any {
	out := map[string]any{}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = field.Name
		}
		if one := t.argument(v.Field(i), depth+1); one != nil {
			out[name] = one
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
