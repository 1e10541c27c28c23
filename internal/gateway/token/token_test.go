package token_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/gateway/token"
)

const (
	org   = "5e9d9544a1dcd60001d0ed20"
	other = "5e9d9544a1dcd60001d0ed21"
	// hello is the published token of the custom key hello-world.
	hello = "eyJvcmciOiI1ZTlkOTU0NGExZGNkNjAwMDFkMGVkMjAiLCJpZCI6ImhlbGxvLXdvcmxkIiwiaCI6Im11cm11cjY0In0="
)

func encoded(json string) string { return base64.StdEncoding.EncodeToString([]byte(json)) }

func TestHash(t *testing.T) {
	for name, c := range map[string]struct{ token, want string }{
		"a token is hashed with the function that it names": {hello, "567b9a5419c3a9ef"},
		"a legacy token is hashed with murmur32":            {org + "hello-world", "fb9cf2a3"},
		"a bare custom key is hashed with murmur32":         {"hello-world", "b2925602"},
		"a token without a function is hashed with murmur32": {
			encoded(`{"org":"o","id":"i"}`), token.HashWith(token.Murmur32, encoded(`{"org":"o","id":"i"}`))},
		"a token with an unknown function is hashed with murmur32": {
			encoded(`{"org":"o","id":"i","h":"md5"}`), token.HashWith(token.Murmur32, encoded(`{"org":"o","id":"i","h":"md5"}`))},
		"what only starts like a token is hashed with murmur32": {"eyes-only", token.HashWith(token.Murmur32, "eyes-only")},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, token.Hash(c.token)) })
	}
}

// The sums were taken from the gateway's own hash package.
func TestHashWithGivesTheSumsOfTheGateway(t *testing.T) {
	for fn, want := range map[string]string{
		token.Murmur32:  "b2925602",
		token.Murmur64:  "e4a2f65b5047a6e9",
		token.Murmur128: "e4a2f65b5047a6e9fe632bfdd6963514",
		token.SHA256:    "afa27b44d43b02a9fea41d13cedc2e4016cfcf87c5dbf990e593669aa8ce286d",
		"":              "b2925602",
		"md5":           "b2925602",
	} {
		assert.Equal(t, want, token.HashWith(fn, "hello-world"), fn)
	}
	assert.Equal(t, "972eaa05", token.HashWith(token.Murmur32, hello))
	assert.Equal(t, "567b9a5419c3a9efd91fc46c84929caf", token.HashWith(token.Murmur128, hello))
	assert.Equal(t, "00000000", token.HashWith(token.Murmur32, ""))
}

func TestCustom(t *testing.T) {
	assert.Equal(t, hello, token.Custom(org, "hello-world", token.Murmur64))
	assert.Equal(t, hello, token.Custom(org, "hello-world", ""), "no function means the default")
	assert.Equal(t, hello, token.Custom(org, "hello-world", "md5"), "an unknown function becomes the default")
	assert.Equal(t, hello, token.Custom(org, org+"hello-world", ""), "the organisation is not doubled")
	assert.Equal(t, encoded(`{"org":"`+org+`","id":"a","h":"sha256"}`), token.Custom(org, "a", token.SHA256))

	random, err := token.Parse(token.Custom(org, "", ""))
	require.NoError(t, err)
	assert.Len(t, random.ID, 32, "an empty id becomes a random one")
}

func TestGenerateMakesTokensThatNeverRepeat(t *testing.T) {
	seen := map[string]bool{}
	for _, fn := range token.Functions() {
		for range 100 {
			raw := token.Generate(org, fn)
			require.False(t, seen[raw])
			seen[raw] = true
			parsed, err := token.Parse(raw)
			require.NoError(t, err)
			assert.Equal(t, token.Token{Org: org, ID: parsed.ID, Function: fn}, parsed)
			assert.Regexp(t, "^[0-9a-f]{32}$", parsed.ID)
			assert.True(t, token.LooksHashed(token.Hash(raw)))
		}
	}
}

func TestLegacy(t *testing.T) {
	assert.Equal(t, org+"abc", token.Legacy(org, "abc"))
	assert.Equal(t, org+"abc", token.Legacy(org, org+"abc"))
	assert.Len(t, token.Legacy(org, ""), 24+32)
}

func TestParse(t *testing.T) {
	for name, c := range map[string]struct {
		token string
		want  token.Token
	}{
		"a token":               {hello, token.Token{Org: org, ID: "hello-world", Function: "murmur64"}},
		"a token of sha256":     {token.Custom("default", "x", "sha256"), token.Token{Org: "default", ID: "x", Function: "sha256"}},
		"fields in other order": {encoded(`{"id":"i","h":"murmur32","org":"o"}`), token.Token{Org: "o", ID: "i", Function: "murmur32"}},
		"an unknown function":   {encoded(`{"org":"o","id":"i","h":"md5"}`), token.Token{Org: "o", ID: "i", Function: "md5"}},
		"a legacy token":        {org + "abc", token.Token{Org: org, ID: "abc", Function: "murmur32", Legacy: true}},
	} {
		t.Run(name+" is read", func(t *testing.T) {
			got, err := token.Parse(c.token)
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
	for name, bad := range map[string]string{
		"nothing":                            "",
		"an organisation id alone":           org,
		"a custom key":                       "hello-world",
		"a long custom key":                  "a-custom-key-of-more-than-24-characters",
		"base64 of something else":           "eyJub3QgYSB0b2tlbiJ9",
		"a token that was cut":               hello[:40],
		"a token without an id":              encoded(`{"org":"o","h":"murmur64"}`),
		"a token without a function":         encoded(`{"org":"o","id":"i"}`),
		"a token whose organisation is 1":    encoded(`{"org":1,"id":"i","h":"murmur64"}`),
		"the token in URL-safe base64":       base64.RawURLEncoding.EncodeToString([]byte(`{"org":"o","id":"i","h":"murmur64"}`)),
		"an organisation with a wrong digit": "5e9d9544a1dcd60001d0ed2gabc",
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			_, err := token.Parse(bad)
			assert.ErrorIs(t, err, token.ErrMalformed)
		})
	}
}

func TestLooksHashed(t *testing.T) {
	for _, fn := range token.Functions() {
		assert.True(t, token.LooksHashed(token.HashWith(fn, "x")), fn)
	}
	for _, no := range []string{"", "abc", "b292560g", "B2925602", "hello-world", hello, org, strings.Repeat("a", 40)} {
		assert.False(t, token.LooksHashed(no), no)
	}
}

func TestTokens(t *testing.T) {
	theirs := token.Custom(other, "jo", "")
	for name, c := range map[string]struct {
		given string
		first string
		has   []string
	}{
		"a custom key means its token first, and itself": {"hello-world", hello, []string{"hello-world"}},
		"a custom key means its token under every function": {"jo", token.Custom(org, "jo", "murmur64"), []string{
			token.Custom(org, "jo", "sha256"), token.Custom(org, "jo", "murmur32"), token.Legacy(org, "jo"),
		}},
		"a legacy token means itself first": {org + "hello-world", org + "hello-world", []string{hello}},
		"a hash may be a custom key": {
			"567b9a5419c3a9ef", token.Custom(org, "567b9a5419c3a9ef", ""), []string{"567b9a5419c3a9ef"},
		},
		"another organisation's token is a custom key here": {theirs, token.Custom(org, theirs, ""), []string{theirs}},
	} {
		t.Run(name, func(t *testing.T) {
			got := token.Tokens(org, c.given)
			require.NotEmpty(t, got)
			assert.Equal(t, c.first, got[0])
			assert.Subset(t, got, c.has)
			seen := map[string]bool{}
			for _, tok := range got {
				assert.False(t, seen[tok], "%s comes twice", tok)
				seen[tok] = true
			}
		})
	}
	assert.Equal(t, []string{hello}, token.Tokens(org, hello), "a token means nothing but itself")
	assert.Empty(t, token.Tokens(org, ""))
	assert.Empty(t, token.Tokens(org, org), "the organisation itself is no key")
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", hello, org, org + "x", "ey", "eyJ", encoded(`{"org":"a\"b","id":"\\","h":1}`), encoded(`{"org":{"org":"`)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !token.LooksHashed(token.Hash(s)) {
			t.Fatalf("the hash of %q is none", s)
		}
		parsed, err := token.Parse(s)
		if err != nil {
			return
		}
		if parsed.Legacy && parsed.Org+parsed.ID != s {
			t.Fatalf("%q was cut into %q and %q", s, parsed.Org, parsed.ID)
		}
		if !parsed.Legacy && token.IsFunction(parsed.Function) && token.Hash(s) != token.HashWith(parsed.Function, s) {
			t.Fatalf("%q is not hashed as it says", s)
		}
	})
}

// FuzzCustom holds that whatever name a person chooses, the token made from it names a function that hashes it, and
// that the name leads back to it.
func FuzzCustom(f *testing.F) {
	for _, s := range []string{"jo", `a"b`, `back\slash`, `","h":"sha256`, org, org + org} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if strings.TrimPrefix(id, org) == "" {
			return
		}
		made := token.Custom(org, id, token.Murmur64)
		found := slices.ContainsFunc(token.Tokens(org, id), func(tok string) bool {
			return token.Hash(tok) == token.Hash(made)
		})
		if parsed, err := token.Parse(id); !found && (err != nil || parsed.Org != org) {
			t.Fatalf("%q does not lead to its session", id)
		}
	})
}

func BenchmarkHash(b *testing.B) {
	for b.Loop() {
		token.Hash(hello)
	}
}
