package core_test

import (
	"fmt"
	"strings"
	"testing"

	"gatehouse/internal/core"
)

// definition is one of 7 KB.
func definition() core.Document {
	var paths []string
	for i := range 38 {
		paths = append(
			paths,
			fmt.Sprintf(
				`{"disabled":false,"path":"/resource/%d/{id}","method":"GET","timeout":30,"method_actions":{"GET":{"action":"no_action","code":200,"data":"","headers":{}}}}`,
				i,
			),
		)
	}
	return core.Document(
		`{"api_definition":{"id":"65e0f1a2b3c4d5e600000001","api_id":"one","name":"Service #internal","slug":"service","use_standard_auth":true,"active":true,` +
			`"proxy":{"listen_path":"/one/","target_url":"http://upstream"},"version_data":{"versions":{"Default":{"extended_paths":{"ignored":[` + strings.Join(
			paths,
			",",
		) + `]}}}},"tags":["edge"]},` +
			`"hook_references":[],"user_owners":[],"user_group_owners":[]}`,
	)
}

// BenchmarkNewApi reads the fields of a definition of 7 KB, which each API of a list goes through.
func BenchmarkNewApi(b *testing.B) {
	doc := definition()
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if a := core.NewApi(core.Meta{}, doc); a.Name == "" || len(a.AuthTypes) != 1 {
			b.Fatal(a)
		}
	}
}

// BenchmarkParseDocument checks a definition of 7 KB, which each write of an API goes through.
func BenchmarkParseDocument(b *testing.B) {
	doc := definition()
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := core.ParseDocument(doc); err != nil {
			b.Fatal(err)
		}
	}
}
