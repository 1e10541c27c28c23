package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"gatehouse/internal/config"
)

// runConfig runs the command over an environment and returns what it prints.
func runConfig(t *testing.T, env []string, args ...string) string {
	t.Helper()
	var out strings.Builder
	cmd := newConfigCommand(func() (*config.Loaded, error) { return config.Load(config.Sources{Env: env}) })
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(append([]string{}, args...)) // nil would mean those of the test
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestConfigCommandShowsWhatWasSetAndByWhat(t *testing.T) {
	env := []string{
		"TYK_DB_LISTENPORT=8080",
		"TYK_DB_ADMINSECRET=hunter22",
		"TYK_DB_LICENSEKEY=hunter22",
		"TYK_DB_NO\nSUCH=1",
	}
	want := `KEY           VALUE  SOURCE
listen_port   8080   environment
admin_secret  ****   environment
license_key   ****   environment

Without effect in this version: license_key

Unknown: "TYK_DB_NO\nSUCH"
`
	if got := runConfig(t, env); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestConfigCommandSaysSoWhenNothingWasSet(t *testing.T) {
	if got, want := runConfig(t, nil), "Every setting has its default; --all shows them.\n"; got != want {
		t.Errorf("got %q", got)
	}
}

func TestConfigCommandShowsEverySettingWithAll(t *testing.T) {
	got := runConfig(t, nil, "--all")
	for _, f := range config.Fields() {
		if !strings.Contains(got, "\n"+f.Key+" ") {
			t.Errorf("%s is not shown", f.Key)
		}
	}
}

func TestConfigCommandWritesJSON(t *testing.T) {
	raw := runConfig(
		t,
		[]string{"TYK_DB_PAGESIZE=20", "TYK_DB_MONGOURL=mongodb://u:hunter22@h/d", "GATEHOUSE_REQUESTTIMEOUT=5s"},
		"--json",
	)
	if strings.Contains(raw, "hunter22") {
		t.Error("the output holds a secret")
	}
	var got configReport
	if err := json.Unmarshal([]byte(raw), &got); err != nil {
		t.Fatal(err)
	}
	values := map[string]any{}
	for _, s := range got.Settings {
		values[s.Key] = s.Value
	}
	if len(values) != 4 || values["page_size"] != float64(20) || values["mongo_url"] != "****" ||
		values["storage.main.type"] != "mongo" ||
		values["gatehouse.request_timeout"] != "5s" {
		t.Errorf("got %v", values)
	}
	if got.Unknown == nil || got.WithoutEffect == nil {
		t.Error("an empty list is null")
	}
}

func TestConfigCommandFailsOnAConfigurationThatIsNotAllowed(t *testing.T) {
	want := errors.New("page_size: 0 is not allowed")
	cmd := newConfigCommand(func() (*config.Loaded, error) { return nil, want })
	cmd.SetArgs([]string{})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	if err := cmd.Execute(); !errors.Is(err, want) {
		t.Errorf("got %v", err)
	}
}
