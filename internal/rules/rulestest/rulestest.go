// Package rulestest finds the texts of rules that the legacy dashboard is documented with, for tests that paste them.
package rulestest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Stock are the documented texts.
type Stock struct {
	// Default is the text that new installations have, Worked the one in which who is an API editor may not create.
	Default, Worked string
}

// Find reads the texts from the documentation beside the samples that GATEHOUSE_SAMPLES names, or skips the test.
func Find(t testing.TB) Stock {
	t.Helper()
	s, ok := At()
	if !ok {
		t.Skip("no documented rules to paste: set GATEHOUSE_SAMPLES to the folder of samples, beside which they are")
	}
	require.NotEmpty(t, s.Default)
	require.NotEmpty(t, s.Worked)
	return s
}

// At reads the texts, where they are at hand.
func At() (Stock, bool) {
	raw, err := os.ReadFile(filepath.Join(os.Getenv("GATEHOUSE_SAMPLES"), "..", "spec", "dashboard.md"))
	if err != nil {
		return Stock{}, false
	}
	fenced := regexp.MustCompile("(?s)```[a-z]*[^\n]*\n(.*?)```")
	var s Stock
	for _, m := range fenced.FindAllStringSubmatch(string(raw), -1) {
		switch text := m[1]; {
		case !strings.Contains(text, "package dashboard_users"):
		case strings.Contains(text, "api_editor"):
			s.Worked = text
		default:
			s.Default = text
		}
	}
	return s, true
}
