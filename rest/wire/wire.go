// Package wire knows how the legacy API spells what needs no request to be known: files in forms, words of its own, and
// its one page.
package wire

import (
	"errors"
	"html/template"
	"io"
	"mime/multipart"

	"gatehouse/internal/core"
)

// OnlyFile returns the one file of a form.
func OnlyFile(form *multipart.Reader) ([]byte, error) {
	var file []byte
	for files := 0; ; {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return file, nil
		}
		if err != nil {
			return nil, core.Wrap(core.CodeMalformed, err, "the form cannot be read: send multipart/form-data with one file")
		}
		if part.FileName() == "" {
			continue
		}
		if files++; files > 1 {
			return nil, core.Errorf(
				core.CodeInvalid,
				"there are two files in the form: send one, with the certificate and, behind it, its private key",
			)
		}
		if file, err = io.ReadAll(part); err != nil {
			return nil, core.Wrap(core.CodeMalformed, err, "the form cannot be read: send multipart/form-data with one file")
		}
	}
}

// Uses are uses in the words of the legacy API, which has none for a pinned public key: it is about an upstream.
func Uses(uses []string) []string {
	out := []string{}
	upstream := false
	for _, use := range uses {
		if use == "pinned" || use == "upstream" {
			if upstream {
				continue
			}
			use, upstream = "upstream", true
		}
		out = append(out, use)
	}
	return out
}

// Kind is what an API is, in the words of this endpoint.
func Kind(a *core.Api) string {
	switch a.Kind {
	case "tcp":
		return "TCP"
	case "graphql":
		return "Tyk GraphQL"
	case "udg":
		return "Tyk UDG"
	case "subgraph":
		return "Subgraph"
	case "supergraph":
		return "Supergraph"
	}
	return "Tyk Classic"
}

const failedPage = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Sign-in failed</title></head>
<body><h1>You are not signed in</h1><p>{{.}}</p></body></html>
`

// SignInFailed writes the page that people see whose sign-in failed; why is for them to read.
func SignInFailed(w io.Writer, why string) error {
	page, err := template.New("").Parse(failedPage)
	if err != nil {
		return err
	}
	return page.Execute(w, why)
}
