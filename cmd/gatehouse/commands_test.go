package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheEnvironmentWinsOverTheFileAndAFlagOverBoth(t *testing.T) {
	file := writeFile(
		t,
		`{"listen_port":4001,"page_size":5,"admin_secret":"from the file","license_key":"not needed","sentry_code":"x","no_such_key":1}`,
	)
	env := []string{"TYK_DB_PAGESIZE=3", "TYK_DB_LISTENPORT=4002"}

	stdout, stderr, code := run(t, env, "config", "--conf", file)
	require.Zero(t, code, stderr)
	assert.Regexp(t, `(?m)^page_size +3 +environment$`, stdout)
	assert.Regexp(t, `(?m)^admin_secret +\*\*\*\* +file$`, stdout)
	assert.Contains(t, stdout, "Without effect in this version: license_key, sentry_code")
	assert.Contains(t, stdout, `Unknown: "no_such_key"`)
	assert.NotContains(t, stdout, "from the file")
	assert.NotContains(t, stdout, "not needed")

	// start gives --port 0, which wins over both.
	s := start(t, t.TempDir(), env...)
	assert.NotContains(t, s.url, ":4001")
	assert.NotContains(t, s.url, ":4002")
}

func TestKnownSettingsWithoutEffectAreNamedInOneLogLine(t *testing.T) {
	s := startNew(t, "TYK_DB_LICENSEKEY=hunter22", "TYK_DB_SENTRYCODE=x", "TYK_DB_NOSUCH=1", "TYK_DB_PAGESIZE=3")
	var effect, unknown []string
	for line := range strings.Lines(s.errs.String()) {
		if strings.Contains(line, "license_key") || strings.Contains(line, "sentry_code") {
			effect = append(effect, line)
		}
		if strings.Contains(line, "TYK_DB_NOSUCH") {
			unknown = append(unknown, line)
		}
		assert.NotContains(t, line, "page_size")
	}
	require.Len(t, effect, 1, s.errs.String())
	assert.Contains(t, effect[0], "license_key, sentry_code")
	require.Len(t, unknown, 1, s.errs.String())
	secrets{"licence key": "hunter22"}.requireAbsent(t, s.errs.String())
}

func TestVersionPrintsWhatTheProgramIs(t *testing.T) {
	stdout, stderr, code := run(t, nil, "version")
	assert.Zero(t, code)
	assert.Empty(t, stderr)
	assert.Regexp(t, `^gatehouse \S+\ncommit .+\ngo1\.\S+ \w+/\w+\n$`, stdout)
}

func TestHelpTeaches(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		says []string
	}{
		"of the program":   {[]string{"--help"}, []string{"/graphql", "/playground", "/api", "port 3000", "./data", "--conf", "bootstrap", "config", "completion", "tyk_analytics.conf"}},
		"of serve":         {[]string{"serve", "--help"}, []string{"SIGTERM", "--port", "--data-dir", "listen_port"}},
		"of bootstrap":     {[]string{"bootstrap", "--help"}, []string{"--organisation", "--email", "repeated"}},
		"of config":        {[]string{"config", "--help"}, []string{"Secrets are shown as ****", "--json"}},
		"of the completer": {[]string{"completion", "--help"}, []string{"bash", "zsh", "fish"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := run(t, nil, c.args...)
			assert.Zero(t, code)
			assert.Empty(t, stderr)
			for _, want := range c.says {
				assert.Contains(t, stdout, want)
			}
		})
	}
}

func TestCompletionWritesAScriptForBash(t *testing.T) {
	stdout, _, code := run(t, nil, "completion", "bash")
	assert.Zero(t, code)
	assert.Contains(t, stdout, "__start_gatehouse")
	stdout, _, code = run(t, nil, "__complete", "")
	assert.Zero(t, code)
	for _, name := range []string{"bootstrap", "config", "serve", "version"} {
		assert.Contains(t, stdout, name+"\t")
	}
}

func TestBootstrapCanBeRepeatedAndRunsBesideAServer(t *testing.T) {
	s := startNew(t)
	env := []string{"GATEHOUSE_DATADIR=" + s.dir}
	args := []string{"bootstrap", "--organisation", "Weather Ltd.", "--slug", "weather", "--email", "Ops@weather.example"}

	stdout, stderr, code := run(t, env, args...)
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "organisation: made\nadministrator: made\n")
	made := printedCredentials(stdout)
	assert.Equal(t, "ops@weather.example", made.email)
	assert.Equal(t, s.adminSecret, made.adminSecret)
	assert.NotEmpty(t, made.password)
	me, err := s.request("GET", "/api/users/me", "", "Authorization: "+made.accessKey)
	require.NoError(t, err)
	assert.Equal(t, made.org, me.get("org_id").Str, "the running server knows the new user")

	stdout, stderr, code = run(t, env, args...)
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "organisation: was there already\nadministrator: was there already\n")
	assert.Equal(
		t,
		credentials{org: made.org, email: made.email, accessKey: made.accessKey, adminSecret: made.adminSecret},
		printedCredentials(stdout),
		"it changes nothing, and does not know the password",
	)
	assert.Equal(t, int64(2), s.do(t, 200, "GET", "/admin/organisations?p=0", "").get("organisations.#").Int())
}

func TestBootstrapBeforeTheFirstStartLeavesNothingToPrint(t *testing.T) {
	dir := t.TempDir()
	stdout, stderr, code := run(t, []string{"GATEHOUSE_DATADIR=" + dir}, "bootstrap", "--password", "a password")
	require.Zero(t, code, stderr)
	s := start(t, dir)
	s.credentials = printedCredentials(stdout)
	s.do(t, 200, "GET", "/api/users/me", "")
	assert.NotContains(t, s.out.String(), "access key")
}

func TestBootstrapRefusesAWeakPassword(t *testing.T) {
	_, stderr, code := run(t, []string{"GATEHOUSE_DATADIR=" + t.TempDir()}, "bootstrap", "--password", "short")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "at least 6 characters")
}
