package rest_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the answers in testdata again")

// TestGolden plays every file of testdata. A file holds requests and answers together, as text that is reviewed as text: what
// scripts of others rely on. -update writes the answers again.
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

// scripts lists the golden files.
func scripts(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	return paths
}
