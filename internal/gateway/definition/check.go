package definition

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

// checker walks one document beside the kinds that gateways expect.
type checker struct {
	// oldest is the first release that the document has to be right for.
	oldest Release
	// effect is what a wrong type does.
	effect string
	// owned are fields at the top that are the dashboard's own.
	owned map[string]bool

	// access collects what gateways are told to do; nil where nobody asks.
	access *accessList

	// repeated is how much longer the patterns are when they are compiled.
	repeated int

	path     []step
	depth    int
	warnings []string
	more     int
	// misreads are those of the warnings that a save may not add.
	misreads []misread
}

// step is one part of a path: a name, or where inList is set an index.
type step struct {
	name   string
	index  int
	inList bool
}

func (c *checker) check(name string, doc gjson.Result) ([]string, error) {
	c.depth = len(c.path)
	if err := c.value(types()[name], doc, false); err != nil {
		return nil, err
	}
	return summary(c.warnings, c.more), nil
}

// value checks one value. Within a field that is newer itself, newer fields are not worth a warning.
func (c *checker) value(k *kind, v gjson.Result, newer bool) error {
	if v.Type == gjson.Null && k.class != isDuration {
		return nil
	}
	switch k.class {
	case isStruct:
		return c.object(k, v, newer)
	case isMap:
		return c.each(k, v, v.IsObject(), newer)
	case isList:
		return c.each(k, v, v.IsArray(), newer)
	case isAny:
		if c.access != nil && (v.IsObject() || v.IsArray()) {
			return c.each(anything(v), v, true, newer)
		}
		return c.numbers(v.Raw)
	case isRaw:
		if c.access != nil && (v.IsObject() || v.IsArray()) {
			return c.each(anything(v), v, true, newer)
		}
	}
	if !fits(k, v) {
		return c.wrong(k, v)
	}
	if v.Type == gjson.String {
		return c.repeats(v.Str)
	}
	return nil
}

// fits tells whether gateways read a plain value.
func fits(k *kind, v gjson.Result) bool {
	switch k.class {
	case isBool:
		return v.IsBool()
	case isString:
		return v.Type == gjson.String
	case isFloat:
		_, err := strconv.ParseFloat(v.Raw, 64)
		return v.Type == gjson.Number && err == nil
	case isInt:
		_, err := strconv.ParseInt(v.Raw, 10, k.bits)
		return v.Type == gjson.Number && err == nil
	case isUint:
		_, err := strconv.ParseUint(v.Raw, 10, k.bits)
		return v.Type == gjson.Number && err == nil
	case isTime:
		return new(time.Time).UnmarshalJSON([]byte(v.Raw)) == nil
	case isDuration:
		// Gateways unquote it as Go does, which knows fewer escapes than JSON, and take one that is no duration for none.
		_, err := strconv.Unquote(v.Raw)
		return v.Type == gjson.String && err == nil
	case isID:
		return idPattern.MatchString(v.Raw)
	}
	return true
}

var idPattern = regexp.MustCompile(`^"([0-9a-fA-F]{24})?"$`)

// object checks the fields of a struct.
func (c *checker) object(k *kind, v gjson.Result, newer bool) (err error) {
	if !v.IsObject() {
		return c.wrong(k, v)
	}
	judge := ruleOf(k.name)
	var seen fieldSet
	var known map[string]gjson.Result
	if judge != nil {
		known = map[string]gjson.Result{}
	}
	v.ForEach(func(key, value gjson.Result) bool {
		c.path = append(c.path, step{name: key.Str})
		f := k.find(key.Str)
		if f != nil && !seen.add(f) && c.access == nil {
			// Which of the two counts is up to who reads them. What looks up a field of this object later may take the first for
			// it.
			err = core.Errorf(
				core.CodeInvalid,
				"%s is there twice, in other capitals: gateways take both for %q, so leave one out",
				c.place(),
				f.name,
			).In(
				c.place(),
			)
			return false
		}
		if f != nil && judge != nil {
			known[f.name] = value
		}
		if c.access == nil && f != nil && key.Str != f.name && rewritten(k.name, f.name) {
			err = core.Errorf(
				core.CodeInvalid,
				"%s must be spelled %q: which APIs are versions is written anew for gateways, and gateways read the name in any capitals",
				c.place(),
				f.name,
			)
			return false
		}
		switch {
		case f == nil && !c.known(key.Str):
			c.warn("no gateway knows the field ")
		case f != nil && f.newer && !newer && c.oldest < newest:
			c.warn("only gateways newer than 5.5 know the field ")
		}
		if f != nil && c.access != nil {
			c.access.note(c, v, k, f, value)
		}
		if f != nil {
			err = c.value(f.kind, value, newer || f.newer)
		}
		c.path = c.path[:len(c.path)-1]
		return err == nil || c.access != nil
	})
	if judge != nil && (err == nil || c.access != nil) {
		err = judge(c, known)
	}
	if c.access != nil {
		return nil // what is wrong hides nothing that comes after it
	}
	return err
}

// known tells whether a field that gateways do not know is the dashboard's, or an extension.
func (c *checker) known(name string) bool {
	return len(c.path) == c.depth+1 && c.owned[name] || strings.HasPrefix(name, "x-")
}

// each checks the elements of a list or a map.
func (c *checker) each(k *kind, v gjson.Result, right, newer bool) (err error) {
	if !right {
		return c.wrong(k, v)
	}
	i := 0
	v.ForEach(func(key, value gjson.Result) bool {
		c.path = append(c.path, step{key.Str, i, k.class == isList})
		if c.access != nil {
			c.access.texts(c, value)
		}
		err = c.value(k.elem, value, newer)
		c.path = c.path[:len(c.path)-1]
		i++
		return err == nil || c.access != nil
	})
	return err
}

// numbers checks that every number within a value that holds anything is one that gateways can read: floats have their
// limits.
func (c *checker) numbers(raw string) error {
	for i := 0; i < len(raw); i++ {
		switch ch := raw[i]; {
		case ch == '"':
			for i++; i < len(raw) && raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
		case ch == '-' || ch >= '0' && ch <= '9':
			start := i
			for i < len(raw) && strings.IndexByte("+-.0123456789eE", raw[i]) >= 0 {
				i++
			}
			if _, err := strconv.ParseFloat(raw[start:i], 64); err != nil {
				return core.Errorf(
					core.CodeInvalid,
					"%s holds the number %s, which is too large: %s",
					c.place(),
					clip(raw[start:i]),
					c.effect,
				).In(
					c.place(),
				)
			}
		}
	}
	return nil
}

// warn notes something about the place of the walk.
func (c *checker) warn(what string) { c.note(what + c.place()) }

func (c *checker) note(warning string) {
	if len(c.warnings) == maxWarnings {
		c.more++
		return
	}
	c.warnings = append(c.warnings, warning)
}

// wrong says what is expected, and what is there: as it is where it can be no secret.
func (c *checker) wrong(k *kind, v gjson.Result) error {
	there := map[gjson.Type]string{
		gjson.String: "a string", gjson.Number: "a number", gjson.Null: "null", gjson.True: "true", gjson.False: "false",
	}[v.Type]
	switch {
	case v.IsObject():
		there = "an object"
	case v.IsArray():
		there = "a list"
	case k.class < isList && k.class != isString:
		there = clip(v.Raw)
	}
	return core.Errorf(
		core.CodeInvalid,
		"%s must be %s, not %s: %s",
		c.place(),
		expected(k),
		there,
		c.effect,
	).In(
		c.place(),
	)
}

// expected is a kind in words.
func expected(k *kind) string {
	switch k.class {
	case isBool:
		return "true or false"
	case isString:
		return "a string"
	case isFloat:
		return "a number"
	case isInt:
		return fmt.Sprintf("a whole number of at most %d bits", k.bits)
	case isUint:
		return fmt.Sprintf("a whole number from 0 to %d", uint64(1)<<k.bits-1)
	case isTime:
		return `a time such as "2026-01-31T12:00:00Z"`
	case isDuration:
		return `a string such as "1m30s"`
	case isID:
		return `24 hex digits or ""`
	case isList:
		return "a list"
	}
	return "an object"
}

// place is where the walk is, such as proxy.target_list[2].
func (c *checker) place() string {
	var b strings.Builder
	for _, s := range c.path {
		switch {
		case s.inList:
			fmt.Fprintf(&b, "[%d]", s.index)
			continue
		case b.Len() > 0:
			b.WriteByte('.')
		}
		if plainName.MatchString(s.name) {
			b.WriteString(s.name)
		} else {
			b.WriteString(strconv.Quote(clip(s.name)))
		}
	}
	return b.String()
}

var plainName = regexp.MustCompile(`^[\w@$/ -]{1,64}$`)

// clip bounds what is repeated of an input.
func clip(text string) string {
	if len(text) <= 40 {
		return text
	}
	return strings.ToValidUTF8(text[:40], "") + "..."
}
