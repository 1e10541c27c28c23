package password_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/internal/password"
)

// policy is one whose file holds a text; "" is no file.
func policy(t *testing.T, text string, strong bool) *password.Policy {
	t.Helper()
	path := filepath.Join(t.TempDir(), "password.json")
	if text != "" {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	p, err := password.New(password.Options{File: path, Strong: strong, Every: time.Nanosecond})
	require.NoError(t, err)
	return p
}

func TestAPasswordIsHeldToThePolicy(t *testing.T) {
	t.Parallel()
	const documented = `{"title": "User password schema", "type": "string",
		"minLength": 6, "multiCase": true, "minNumeric": 2, "minSpecial": 2, "disableSequential": true}`
	for _, c := range []struct {
		name, file string
		strong     bool
		password   string
		missed     string // "" lets it be; the parts that the error has, separated by a bar
	}{
		{"six characters do without a file", "", false, "test12", ""},
		{"five do not", "", false, "test1", "at least 6 characters"},
		{"all rules are kept", documented, false, "aB1$cD2%", ""},
		{"all rules are missed, and all are named", documented, false, "stu", "at least 6 characters|letters of upper and of lower case|" +
			"at least 2 digits|at least 2 special characters, such as @, $ or %|no three characters in sequence"},
		{"one rule is missed, and no other is named", documented, false, "aB1$cDe%", "at least 2 digits"},
		{"a longer password is asked for", `{"minLength": 12}`, false, "elevenchars", "at least 12 characters"},
		{"characters count, not bytes", `{"minLength": 8}`, false, "äöüäöü", "at least 8 characters"},
		{"a file cannot ask for less than everybody does", `{"minLength": 2}`, false, "abx", "at least 6 characters"},
		{"one case is not both", `{"multiCase": true}`, false, "correct horse", "letters of upper and of lower case"},
		{"one digit is called so", `{"minNumeric": 1}`, false, "correct horse", "at least 1 digit"},
		{"a space is a special character", `{"minSpecial": 1}`, false, "correct horse", ""},
		{"a letter of another script is none", `{"minSpecial": 1}`, false, "пароль12", "at least 1 special character"},
		{"letters in sequence", `{"disableSequential": true}`, false, "xabcx9", "no three characters in sequence"},
		{"digits in sequence", `{"disableSequential": true}`, false, "horse 789", "no three characters in sequence"},
		{"the same digit again", `{"disableSequential": true}`, false, "horse 111", "no three characters in sequence"},
		{"the same letter again", `{"disableSequential": true}`, false, "horsexxx", "no three characters in sequence"},
		{"two in sequence are no sequence", `{"disableSequential": true}`, false, "ab12yy77", ""},
		{"signs that happen to follow one another are none", `{"disableSequential": true}`, false, "horse#$%", ""},
		{"strong asks for eight", "", true, "qzhjkmw", "at least 8 characters"},
		{"strong refuses the most common, in any case", "", true, "PassWord123", "among the most common"},
		{"strong takes others", "", true, "correct horse", ""},
		{"common ones do where nobody asks for strong ones", "", false, "password1", ""},
		{"strong and a file hold together", `{"minNumeric": 1}`, true, "short", "at least 8 characters|at least 1 digit"},
		{"the own address", documented, false, "jo@eX4mple.t3st", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := policy(t, c.file, c.strong).Check(c.password, &core.User{Email: "jo@example.org"})
			if c.missed == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, core.CodeInvalid, core.CodeOf(err))
			message := core.AsError(err).Message
			parts := strings.Split(c.missed, "|")
			for _, part := range parts {
				require.Contains(t, message, part)
			}
			require.Equal(t, len(parts), strings.Count(message, ";")+1, message)
			require.NotContains(t, message, c.password)
		})
	}
}

func TestAPolicyThatCannotBeUsedStopsTheStart(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		`{`:                                    "must be a JSON object",
		`[]`:                                   "must be a JSON object",
		`{"minLength": "8"}`:                   "must be a JSON object",
		`{"minLength": -1}`:                    "minLength must be a number from 0 to 72",
		`{"minSpecial": 1000}`:                 "minSpecial must be a number from 0 to 72",
		`{"minNumeric": 50, "minSpecial": 50}`: "ask for 100 characters",
		strings.Repeat(" ", 70000):             "more than 65536",
	} {
		path := filepath.Join(t.TempDir(), "password.json")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := password.New(password.Options{File: path})
		require.ErrorContains(t, err, says)
		require.ErrorContains(t, err, path)
	}
}

func TestThePolicyIsReadAgainWhenItChanges(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "password.json")
	var log bytes.Buffer
	p, err := password.New(password.Options{File: path, Every: time.Nanosecond, Log: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	at := int64(0)
	write := func(text string) {
		at++
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		require.NoError(t, os.Chtimes(path, time.Time{}, time.Unix(at, 0)))
	}
	require.NoError(t, p.Check("horses", nil))
	write(`{"minLength": 10}`)
	require.ErrorContains(t, p.Check("horses", nil), "at least 10 characters")
	write(`{"minLength": 12}`)
	require.ErrorContains(t, p.Check("horses", nil), "at least 12 characters")
	write(`{"minLength": `)
	require.ErrorContains(t, p.Check("horses", nil), "at least 12 characters", "one that cannot be used changes nothing")
	require.ErrorContains(t, p.Check("horses", nil), "at least 12 characters")
	require.Equal(t, 1, strings.Count(log.String(), "level=ERROR"), "it is told once")
	require.NoError(t, os.Remove(path))
	require.NoError(t, p.Check("horses", nil))
	write(`{"minLength": 12}`)
	require.Error(t, p.Check("horses", nil), "a file that is there again is read again")
}

func TestAMadePasswordIsOneThatThePolicyLetsBe(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", `{"minLength": 6, "multiCase": true, "minNumeric": 2, "minSpecial": 2, "disableSequential": true}`, `{"minLength": 40}`,
		`{"multiCase": true, "minNumeric": 20, "minSpecial": 20}`, `{"multiCase": true, "minNumeric": 35, "minSpecial": 35}`,
	} {
		p := policy(t, text, true)
		seen := map[string]bool{}
		for range 20 {
			made, err := p.Make()
			require.NoError(t, err, text)
			require.NoError(t, p.Check(made, &core.User{Email: "jo@example.org"}), "%s: %s", text, made)
			require.GreaterOrEqual(t, len(made), 16)
			require.False(t, seen[made])
			seen[made] = true
		}
	}
	_, err := policy(t, `{"multiCase": true, "minNumeric": 36, "minSpecial": 36}`, false).Make()
	require.ErrorContains(t, err, "leaves hardly any password")
	made, err := (*password.Policy)(nil).Make()
	require.NoError(t, err)
	require.Len(t, made, 16)
}
