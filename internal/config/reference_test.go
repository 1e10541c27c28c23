package config_test

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse/internal/config"
)

// TestTheKeysAreThoseOfTheReference compares the declaration with the published list of keys, where that list is at
// hand.
func TestTheKeysAreThoseOfTheReference(t *testing.T) {
	dir := cmp.Or(os.Getenv("GATEHOUSE_REFERENCE"), "../../../shared/reference")
	data, err := os.ReadFile(filepath.Join(dir, "config-keys.tsv"))
	if err != nil {
		t.Skip("config-keys.tsv is not here; set GATEHOUSE_REFERENCE to the folder that holds it")
	}
	declared, sections := map[string]config.Field{}, map[string]bool{}
	for _, f := range config.Fields() {
		declared[f.Key] = f
		for i, c := range f.Key {
			if c == '.' {
				sections[f.Key[:i]] = true
			}
		}
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	if len(lines) < 200 {
		t.Fatalf("the list has %d lines only", len(lines))
	}
	for _, line := range lines[1:] {
		columns := strings.Split(line, "\t")
		key, variable, typ := columns[0], columns[1], columns[2]
		if typ == "section" {
			if !sections[key] {
				t.Errorf("the section %s is not declared", key)
			}
			continue
		}
		f, ok := declared[key]
		if !ok || f.Variable != variable || f.Type != typ {
			t.Errorf("%s: declared as variable %q of type %q, want %q of type %q", key, f.Variable, f.Type, variable, typ)
		}
		delete(declared, key)
	}
	for key := range declared {
		if !strings.HasPrefix(key, "gatehouse.") {
			t.Errorf("%s is not in the list", key)
		}
	}
}

func TestKeysAndVariablesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range config.Fields() {
		for _, name := range []string{strings.ToLower(f.Key), f.Variable} {
			if seen[name] {
				t.Errorf("%s is declared twice", name)
			}
			seen[name] = true
		}
	}
}

func TestWhatLooksLikeASecretIsOne(t *testing.T) {
	for _, f := range config.Fields() {
		for _, word := range []string{"secret", "license_key", "connection_string", "encryption_key", "mongo_url"} {
			if strings.Contains(strings.ToLower(f.Key), word) && !f.Secret && f.Key != "statsd_connection_string" {
				t.Errorf("%s is not marked as a secret", f.Key)
			}
		}
		if strings.HasSuffix(f.Key, "password") && f.Type == "string" && !f.Secret {
			t.Errorf("%s is not marked as a secret", f.Key)
		}
	}
}
