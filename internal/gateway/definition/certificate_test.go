package definition_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
)

func TestEveryFieldThatNamesACertificateIsKnownAsOne(t *testing.T) {
	definitions, sessions := core.CertificateFields()
	known := map[string]bool{
		// What switches them on and off, and a way to give keys.
		"APIDefinition.upstream_certificates_disabled": true, "APIDefinition.certificate_pinning_disabled": true, "AuthConfig.use_certificate": true,
	}
	for _, path := range definitions {
		known["APIDefinition."+path] = true
	}
	for _, path := range sessions {
		known["SessionState."+path] = true
	}
	raw, err := os.ReadFile("fields.txt")
	require.NoError(t, err)
	found, kind := 0, ""
	for line := range strings.Lines(string(raw)) {
		words := strings.Fields(line)
		if line[0] != ' ' {
			kind = strings.Replace(words[0], "RequestSigningMeta", "APIDefinition.request_signing", 1)
			continue
		}
		if slices.ContainsFunc(
			[]string{"cert", "public_key", "pinned"},
			func(part string) bool { return strings.Contains(words[0], part) },
		) {
			found++
			assert.True(t, known[kind+"."+words[0]], "%s.%s may name a certificate", kind, words[0])
		}
	}
	assert.Equal(t, len(known), found, "there is no field that is known and not there")
}
