// Package rulestest finds the texts of rules that the legacy dashboard is documented with, for tests that paste them.
package rulestest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Stock are the documented texts.
type Stock struct {
	// Default is the text that new installations have, Worked the one in which who is an API editor may not create.
	Default, Worked string
}

// At reads the texts from the documentation beside the samples that GATEHOUSE_SAMPLES names, where it is at hand.
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
	return s, s.Default != "" && s.Worked != ""
}
