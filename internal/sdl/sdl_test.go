package sdl_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/sdl"
)

func TestReadKnowsTypesAndFields(t *testing.T) {
	s, err := sdl.Read(`
"A comment with { and [ in it."
type Query { "a" pet(id: ID! = "}"): Pet } # {{{{
extend type Query { pets: [Pet!]! }
interface Named { name: String } union Any = Pet scalar JSON enum Colour { RED }
type Pet implements Named @key(fields: "name") { name: String """ block { """ colour: Colour }
input Filter { q: String }`)
	require.NoError(t, err)
	for _, want := range []string{"Query", "Pet", "Named", "Any", "JSON", "Colour", "Filter"} {
		assert.True(t, s.HasType(want), want)
	}
	assert.True(t, s.HasField("Query", "pet") && s.HasField("Query", "pets") && s.HasField("Pet", "colour"))
	assert.False(t, s.HasField("Query", "dogs") || s.HasField("Dog", "name") || s.HasType("Dog"))
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no schema":        {"type Query { a: String", "in line 1"},
		"a number":         {"type Query {\n 1 }", "in line 2, column 2"},
		"too long":         {strings.Repeat(" ", sdl.MaxBytes+1), "bytes, and 4194304 are allowed"},
		"too deep a type":  {"type Query { a: " + strings.Repeat("[", 3_000_000), "more than 200 levels deep"},
		"too deep a value": {"type Query { a(b: Int = " + strings.Repeat("{a:", 1_000_000), "more than 200 levels deep"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sdl.Read(c.text)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func FuzzReadEndsSoon(f *testing.F) {
	for _, seed := range []string{"", "type Query { a: String }", `"""`, `" \`, "#", "{[(", "extend type A { b(c: [D!]! = [1]): E @f }"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		start := time.Now()
		_, _ = sdl.Read(text)
		assert.Less(t, time.Since(start), 5*time.Second)
	})
}

func BenchmarkReadHostile(b *testing.B) {
	for name, text := range map[string]string{
		"types":        strings.Repeat("type A{a:B}", 1<<20/11),
		"fields":       "type A{" + strings.Repeat("a:B ", 1<<18) + "}",
		"directives":   "type A " + strings.Repeat("@a", 1<<19) + "{a:B}",
		"comments":     strings.Repeat("#\n", 1<<19) + "type A{a:B}",
		"strings":      strings.Repeat(`"" `, 1<<18),
		"descriptions": strings.Repeat(`"d" type A{a:B} `, 1<<16),
		"union":        "union A = " + strings.Repeat("B|", 1<<19) + "B",
		"block":        `"""` + strings.Repeat("\n a", 1<<18) + `""" type A{a:B}`,
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				_, _ = sdl.Read(text)
			}
		})
	}
}
