package rest_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
)

var update = flag.Bool("update", false, "write the answers in testdata again")

// TestGolden plays every file of testdata. A file holds requests and answers together, as text that is reviewed as
// text: what scripts of others rely on. -update writes the answers again.
func TestGolden(t *testing.T) {
	for _, path := range scripts(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			s := readScript(t, path)
			_, answers := s.play(t)
			if *update {
				require.NoError(t, os.WriteFile(path, s.format(answers), 0o644))
				return
			}
			for i, st := range s.steps {
				assert.Equal(t, st.answer, answers[i], "%s: %s", path, st.name)
			}
		})
	}
}

// keyFiles are the files whose answers must be the same wherever keys live.
var keyFiles = regexp.MustCompile(`^(keys.*|basic-auth|admin-cascade|permissions|authentication|pagination)$`)

// TestGoldenWithKeysInRedis plays the files about keys with keys in the gateways' Redis. The answers are the same, but
// for the fields by which gateways know that limits begin anew.
func TestGoldenWithKeysInRedis(t *testing.T) {
	for _, path := range scripts(t) {
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		if !keyFiles.MatchString(name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := readScript(t, path)
			_, answers := s.play(t, apptest.WithRedis(miniredis.RunT(t).Addr()))
			for i, st := range s.steps {
				assert.Equal(t, withoutLimitFields(st.answer), withoutLimitFields(answers[i]), "%s: %s", path, st.name)
			}
		})
	}
}

// withoutLimitFields removes the fields by which gateways know that limits begin anew.
func withoutLimitFields(answer string) string {
	return regexp.MustCompile(`,?\s*"(last_updated|quota_renews)": [^,\n]+`).ReplaceAllString(answer, "")
}

// scripts lists the golden files.
func scripts(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	return paths
}
