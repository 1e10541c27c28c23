package main

import (
	"bytes"
	"encoding/json"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryModuleOfAProgramIsListedAsItWasBuilt(t *testing.T) {
	info := &debug.BuildInfo{
		GoVersion: "go1.26.8", Main: debug.Module{Path: "gatehouse"},
		Deps: []*debug.Module{
			{Path: "example.org/a", Version: "v1.0.0+incompatible", Sum: "h1:a="},
			{Path: "example.org/b", Version: "v2.0.0", Replace: &debug.Module{Path: "example.org/c", Version: "v3.0.0"}},
		},
		Settings: []debug.BuildSetting{{Key: "GOOS", Value: "linux"}, {Key: "-ldflags", Value: "-X main.secret=s"}},
	}
	var out, again bytes.Buffer
	require.NoError(t, write(&out, info, "v1.2.3"))
	require.NoError(t, write(&again, info, "v1.2.3"))
	require.Equal(t, out.String(), again.String(), "the same program gives the same bytes")

	var doc document
	require.NoError(t, json.Unmarshal(out.Bytes(), &doc))
	require.Equal(t, "gatehouse@v1.2.3", doc.Metadata.Component.Ref)
	require.Equal(t, []property{{"go:GOOS", "linux"}}, doc.Metadata.Component.Properties)
	var refs []string
	for _, c := range doc.Components {
		refs = append(refs, c.PURL)
	}
	require.Equal(t, []string{
		"pkg:golang/std@go1.26.8", "pkg:golang/example.org/a@v1.0.0+incompatible", "pkg:golang/example.org/c@v3.0.0",
	}, refs)
	require.Equal(t, []property{{"go:sum", "h1:a="}}, doc.Components[1].Properties)
	require.Equal(t, []dependency{{"gatehouse@v1.2.3", refs}}, doc.Depends)
}
