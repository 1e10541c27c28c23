package secret_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/secret"
)

func TestLoadMakesAKeyFileOnceAndReadsItLater(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	first, err := secret.Load(dir, "")
	require.NoError(t, err)
	info, err := os.Stat(filepath.Join(dir, secret.KeyFile))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
	raw, err := os.ReadFile(filepath.Join(dir, secret.KeyFile))
	require.NoError(t, err)
	assert.Regexp(t, "^[0-9a-f]{64}\n$", string(raw))

	second, err := secret.Load(dir, "")
	require.NoError(t, err)
	assert.Equal(t, first.Lookup("x"), second.Lookup("x"))
	other, err := secret.Load(t.TempDir(), "")
	require.NoError(t, err)
	assert.NotEqual(t, first.Lookup("x"), other.Lookup("x"), "each installation has its own key")
	assert.Equal(t, []string{secret.KeyFile}, names(t, dir), "nothing else is left behind")
}

func TestLoadMakesNoFileForAConfiguredKey(t *testing.T) {
	dir := t.TempDir()
	_, err := secret.Load(dir, configured)
	require.NoError(t, err)
	assert.Empty(t, names(t, dir))
}

func TestLoadGivesAllThatStartAtOnceTheSameKey(t *testing.T) {
	for range 20 {
		dir := t.TempDir()
		var starts sync.WaitGroup
		got := make([]string, 16)
		for i := range got {
			starts.Go(func() {
				k, err := secret.Load(dir, "")
				if assert.NoError(t, err) {
					got[i] = k.Lookup("x")
				}
			})
		}
		starts.Wait()
		for _, lookup := range got {
			require.Equal(t, got[0], lookup)
		}
		require.Equal(t, []string{secret.KeyFile}, names(t, dir))
	}
}

func TestLoadRefusesAKeyFile(t *testing.T) {
	good := "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	for name, c := range map[string]struct {
		content string
		mode    os.FileMode
		says    string
	}{
		"that the group may read":   {good, 0o640, "chmod 600"},
		"that everybody may read":   {good, 0o604, "chmod 600"},
		"that others may change":    {good, 0o602, "chmod 600"},
		"that is empty":             {"\n", 0o600, "is empty"},
		"that holds something else": {"my key", 0o600, "64 hex digits"},
		"that holds too little":     {good[:62], 0o600, "64 hex digits"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, secret.KeyFile)
			require.NoError(t, os.WriteFile(path, []byte(c.content), 0o600))
			require.NoError(t, os.Chmod(path, c.mode))
			_, err := secret.Load(dir, "")
			require.ErrorContains(t, err, c.says)
			assert.ErrorContains(t, err, path)
			assert.NotContains(t, err.Error(), good[:16])
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, c.content, string(after), "the file is left as it was")
		})
	}
}

func TestLoadSaysWhereTheDataDirectoryCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := secret.Load(filepath.Join(file, "data"), "")
	assert.ErrorContains(t, err, file)
}

func TestAdminSecret(t *testing.T) {
	dir := t.TempDir()
	got, generated, err := secret.AdminSecret(dir, "12345")
	require.NoError(t, err)
	assert.Equal(t, "12345", got)
	assert.False(t, generated)
	assert.Empty(t, names(t, dir), "a configured secret is kept nowhere")

	first, generated, err := secret.AdminSecret(dir, "")
	require.NoError(t, err)
	assert.True(t, generated, "the first start says that it made one")
	assert.Regexp(t, "^[0-9a-f]{32}$", first)
	again, generated, err := secret.AdminSecret(dir, "")
	require.NoError(t, err)
	assert.False(t, generated)
	assert.Equal(t, first, again)

	require.NoError(t, os.Chmod(filepath.Join(dir, secret.AdminSecretFile), 0o644))
	_, _, err = secret.AdminSecret(dir, "")
	assert.ErrorContains(t, err, "chmod 600")
	assert.NotContains(t, err.Error(), first)
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}
