package secret_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"gatehouse/internal/core"
	"gatehouse/internal/secret"
)

const configured = "a configured encryption key"

func keyring(t testing.TB, key string) *secret.Keyring {
	t.Helper()
	k, err := secret.Load(t.TempDir(), key)
	require.NoError(t, err)
	return k
}

func TestLoadRefusesAShortKeyAndSaysHowLongItMustBe(t *testing.T) {
	_, err := secret.Load(t.TempDir(), "fifteen bytes..")
	require.ErrorContains(t, err, "15 bytes")
	require.ErrorContains(t, err, "16 or more")
	assert.NotContains(t, err.Error(), "fifteen")
	_, err = secret.Load(t.TempDir(), "sixteen bytes...")
	require.NoError(t, err)
}

func TestLookup(t *testing.T) {
	k := keyring(t, configured)
	assert.Equal(t, k.Lookup("x"), k.Lookup("x"), "it is the same for the same secret")
	assert.Equal(t, k.Lookup("x"), keyring(t, configured).Lookup("x"), "it is the same in another process")
	assert.NotEqual(t, k.Lookup("x"), k.Lookup("y"))
	assert.NotEqual(t, k.Lookup("x"), keyring(t, configured+"!").Lookup("x"), "it depends on the key")
	assert.Regexp(t, "^[0-9a-f]{64}$", k.Lookup(""))
	// Pinned, since what is stored must be found by every later version.
	assert.Equal(t, "e9e9e3f0dabc26e5a3fe0de077b91cebbf8f4d43316342a48828dcd5f4594727", k.Lookup("x"))
}

func TestOpenReturnsWhatWasSealed(t *testing.T) {
	k := keyring(t, configured)
	for _, plain := range []string{"", "x", "pass wörd\x00", strings.Repeat("long", 10000)} {
		sealed, err := k.Seal(plain, "user 1")
		require.NoError(t, err)
		got, err := keyring(t, configured).Open(sealed, "user 1")
		require.NoError(t, err)
		assert.Equal(t, plain, got)
	}
	// Pinned, since what is stored must be opened by every later version.
	got, err := k.Open("v1:iMUhE_U3F9oBYIjAbsRiXvyLX4cACdQcr1pIp5o", "user 1")
	require.NoError(t, err)
	assert.Equal(t, "x", got)
}

func TestSealNeverRepeats(t *testing.T) {
	k := keyring(t, configured)
	one, err := k.Seal("x", "")
	require.NoError(t, err)
	two, err := k.Seal("x", "")
	require.NoError(t, err)
	assert.NotEqual(t, one, two)
	assert.True(t, strings.HasPrefix(one, "v1:"), one)
}

func TestOpenRefuses(t *testing.T) {
	k := keyring(t, configured)
	sealed, err := k.Seal("the secret", "user 1")
	require.NoError(t, err)
	flipped := []byte(sealed)
	flipped[len(flipped)-3] ^= 1
	for name, c := range map[string]struct {
		ring            *secret.Keyring
		sealed, context string
	}{
		"another context":    {k, sealed, "user 2"},
		"another key":        {keyring(t, configured+"!"), sealed, "user 1"},
		"a changed value":    {k, string(flipped), "user 1"},
		"a cut value":        {k, sealed[:20], "user 1"},
		"nothing":            {k, "", "user 1"},
		"the prefix alone":   {k, "v1:", "user 1"},
		"an unknown version": {k, "v2" + sealed[2:], "user 1"},
		"plain text":         {k, "the secret", "user 1"},
		"bad base64":         {k, "v1:%%%", "user 1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.ring.Open(c.sealed, c.context)
			require.ErrorIs(t, err, secret.ErrSealed)
			assert.NotContains(t, err.Error(), "the secret")
		})
	}
}

func TestPasswords(t *testing.T) {
	hash, err := secret.HashPassword("correct horse", secret.PasswordCost)
	require.NoError(t, err)
	assert.True(t, secret.CheckPassword(hash, "correct horse"))
	assert.False(t, secret.CheckPassword(hash, "correct horse "))
	assert.False(t, secret.CheckPassword(hash, ""))
	assert.False(t, secret.CheckPassword("", ""), "a user without a password has none that matches")
	assert.False(t, secret.CheckPassword("plain", "plain"), "a hash that is none does not match itself")
	cost, err := bcrypt.Cost([]byte(hash))
	require.NoError(t, err)
	assert.Equal(t, 10, cost)
	_, err = secret.HashPassword(strings.Repeat("x", 73), secret.PasswordCost)
	assert.Error(t, err)
}

func TestAHasherMakesArgonAndChecksBcryptToo(t *testing.T) {
	h := secret.NewHasher(secret.Hashing{})
	hash, err := h.Hash(t.Context(), "correct horse")
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$"), hash)
	again, err := h.Hash(t.Context(), "correct horse")
	require.NoError(t, err)
	assert.NotEqual(t, hash, again, "each has a salt of its own")
	old, err := secret.HashPassword("correct horse", bcrypt.MinCost)
	require.NoError(t, err)
	long := strings.Repeat("x", 72)
	cut, err := secret.HashPassword(long, bcrypt.MinCost)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		hash, password string
		want           bool
	}{
		"the password":                        {hash, "correct horse", true},
		"another one":                         {hash, "correct horse ", false},
		"the password of before":              {old, "correct horse", true},
		"another one of before":               {old, "wrong horse", false},
		"no hash":                             {"", "", false},
		"a hash that is none":                 {"plain", "plain", false},
		"a hash that is cut off":              {hash[:len(hash)-1], "correct horse", false},
		"one that asks for all memory":        {strings.Replace(hash, "m=19456", "m=99999999", 1), "correct horse", false},
		"bcrypt with more than it reads":      {cut, long + "y", false},
		"bcrypt with just as much":            {cut, long, true},
		"argon without its parameters":        {"$argon2id$v=19$", "", false},
		"argon with parameters of no numbers": {"$argon2id$v=19$m=a,t=b,p=c$AAAA$AAAA", "", false},
	} {
		got, err := h.Check(t.Context(), c.hash, c.password)
		require.NoError(t, err)
		assert.Equal(t, c.want, got, name)
	}
	assert.True(t, h.IsCurrent(hash))
	assert.False(t, h.IsCurrent(old))
}

// A wrong password, an unknown user and a user without a password cost one hash each.
func TestWhoIsNotThereCostsTheSameWork(t *testing.T) {
	h := secret.NewHasher(secret.Hashing{Memory: 64, Passes: 1})
	hash, err := h.Hash(t.Context(), "x")
	require.NoError(t, err)
	for _, hash := range []string{hash, "", "plain"} {
		before := h.Work()
		_, err := h.Check(t.Context(), hash, "y")
		require.NoError(t, err)
		assert.EqualValues(t, 1, h.Work()-before)
	}
}

func TestWhoseTurnDoesNotComeIsTold(t *testing.T) {
	h := secret.NewHasher(secret.Hashing{Memory: 64, Passes: 1})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	refused := 0
	for range 100 { // a turn that is free may be taken all the same
		if _, err := h.Hash(ctx, "x"); err != nil {
			assert.Equal(t, core.CodeUnavailable, core.CodeOf(err))
			refused++
		}
	}
	assert.NotZero(t, refused)
}

func TestTokensAreKnownByTheirForm(t *testing.T) {
	token := secret.NewToken()
	assert.True(t, secret.IsToken(token))
	assert.Len(t, token, 43)
	for _, other := range []string{"", token[1:], token + "A", token[:42] + "=", strings.Repeat("/", 43)} {
		assert.False(t, secret.IsToken(other), other)
	}
	assert.Regexp(t, "^[0-9a-f]{64}$", secret.HashToken(token))
}

func BenchmarkPassword(b *testing.B) {
	h := secret.NewHasher(secret.Hashing{})
	for b.Loop() {
		if _, err := h.Hash(b.Context(), "correct horse"); err != nil {
			b.Fatal(err)
		}
	}
}

func TestEqual(t *testing.T) {
	assert.True(t, secret.Equal("", ""))
	assert.True(t, secret.Equal("abc", "abc"))
	for _, other := range []string{"", "ab", "abd", "abcd", "ABC"} {
		assert.False(t, secret.Equal("abc", other), other)
	}
}

func TestNewSecretsAreRandomAndWellFormed(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		s, p := secret.NewSecret(), secret.NewPassword()
		assert.Regexp(t, "^[0-9a-f]{32}$", s)
		assert.Regexp(t, "^[A-HJ-NP-Z2-9]{16}$", p)
		assert.False(t, seen[s] || seen[p])
		seen[s], seen[p] = true, true
	}
}

func FuzzOpen(f *testing.F) {
	k := keyring(f, configured)
	sealed, err := k.Seal("x", "c")
	require.NoError(f, err)
	f.Add(sealed)
	f.Add("v1:")
	f.Add("v1:AAAA")
	f.Fuzz(func(t *testing.T, s string) {
		if plain, err := k.Open(s, "c"); err == nil && plain != "x" {
			t.Fatalf("%q was opened", s)
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	k := keyring(b, configured)
	for b.Loop() {
		k.Lookup("0123456789abcdef0123456789abcdef")
	}
}

func BenchmarkOpen(b *testing.B) {
	k := keyring(b, configured)
	sealed, err := k.Seal("0123456789abcdef0123456789abcdef", "user 1")
	require.NoError(b, err)
	for b.Loop() {
		_, _ = k.Open(sealed, "user 1")
	}
}
