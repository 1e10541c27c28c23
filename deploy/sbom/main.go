// Command sbom says what a Go program is made of: it reads what the Go tool wrote into the program, and writes it as a
// CycloneDX document. The same program gives the same bytes, so the document has no time and no number of its own.
//
//	sbom dist/gatehouse_linux_amd64 v1.0.0
package main

import (
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"runtime/debug"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: sbom PROGRAM VERSION")
		os.Exit(2)
	}
	info, err := buildinfo.ReadFile(os.Args[1])
	if err == nil {
		err = write(os.Stdout, info, os.Args[2])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

// document is the part of CycloneDX 1.5 that is used here.
type document struct {
	Format     string       `json:"bomFormat"`
	Spec       string       `json:"specVersion"`
	Version    int          `json:"version"`
	Metadata   metadata     `json:"metadata"`
	Components []component  `json:"components"`
	Depends    []dependency `json:"dependencies"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type       string     `json:"type"`
	Ref        string     `json:"bom-ref"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	PURL       string     `json:"purl,omitempty"`
	Properties []property `json:"properties,omitempty"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref string   `json:"ref"`
	On  []string `json:"dependsOn"`
}

// write lists the modules of which packages are in the program, the standard library among them. Where a module was
// replaced, what was built is listed.
func write(w io.Writer, info *debug.BuildInfo, version string) error {
	root := component{Type: "application", Ref: info.Main.Path + "@" + version, Name: info.Main.Path, Version: version}
	for _, s := range info.Settings {
		if s.Key == "GOOS" || s.Key == "GOARCH" || s.Key == "CGO_ENABLED" {
			root.Properties = append(root.Properties, property{"go:" + s.Key, s.Value})
		}
	}
	parts := []component{module("std", info.GoVersion, "")}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		parts = append(parts, module(m.Path, m.Version, m.Sum))
	}
	on := dependency{Ref: root.Ref}
	for _, p := range parts {
		on.On = append(on.On, p.Ref)
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(document{"CycloneDX", "1.5", 1, metadata{root}, parts, []dependency{on}})
}

func module(path, version, sum string) component {
	purl := "pkg:golang/" + path + "@" + url.PathEscape(version)
	out := component{Type: "library", Ref: purl, Name: path, Version: version, PURL: purl}
	if sum != "" {
		out.Properties = []property{{"go:sum", sum}}
	}
	return out
}
