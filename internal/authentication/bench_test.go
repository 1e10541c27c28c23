package authentication_test

import (
	"strings"
	"testing"

	"gatehouse/internal/authentication"
	"gatehouse/internal/core"
)

// BenchmarkOf reads how callers of an API show who they are, of a definition of 7 KB, for each API of a list.
func BenchmarkOf(b *testing.B) {
	path := `{"disabled":false,"path":"/resource/{id}","method":"GET","method_actions":{"GET":{"action":"no_action","code":200}}},`
	a := core.NewApi(core.Meta{}, core.Document(
		`{"api_definition":{"enable_jwt":true,"version_data":{"versions":{"Default":{"extended_paths":{"ignored":[`+
			strings.TrimSuffix(strings.Repeat(path, 58), ",")+`]}}}},"auth":{"auth_header_name":"X-Key"},"jwt_signing_method":"rsa"}}`,
	))
	b.SetBytes(int64(len(a.Definition)))
	b.ReportAllocs()
	for b.Loop() {
		if s := authentication.Of(a); len(s.Sources) != 1 || s.JWT.SigningMethod == nil {
			b.Fatal(s)
		}
	}
}
