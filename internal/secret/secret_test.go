package secret_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

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

// A wrong password, an unknown user and a user without a password must cost one bcrypt each. An answer without one
// would take a ten-thousandth, so the bounds can be wide enough for busy machines.
func TestCheckNoPasswordTakesAsLongAsCheckPassword(t *testing.T) {
	hash, err := secret.HashPassword("x", secret.PasswordCost)
	require.NoError(t, err)
	secret.CheckNoPassword() // the first call makes the hash
	wrong := fastest(func() { secret.CheckPassword(hash, "y") })
	for name, took := range map[string]float64{
		"an unknown user":         fastest(secret.CheckNoPassword),
		"a user without password": fastest(func() { secret.CheckPassword("", "y") }),
	} {
		assert.Greater(t, took/wrong, 0.25, name)
		assert.Less(t, took/wrong, 4.0, name)
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
