package definition_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/definition"
)

func TestATemplateThatMakesMuchOfLittleIsCode(t *testing.T) {
	of := func(text string) []definition.Access {
		doc := extended(
			`"transform_response": [{"template_data": {"template_mode": "blob", "template_source": "` + encoded(text) + `"}}]`,
		)
		return definition.NewAccess(core.Document(doc), nil, definition.Subjects())
	}
	for _, text := range []string{
		`{{define "a"}}x{{end}}`, `{{define "a"}}x{{end}}{{define "b"}}{{template "a"}}{{template "a"}}{{end}}{{template "b"}}`, `{{template "" .}}`, `{{block "a" .}}x{{end}}`,
		`{{ until 100000000000 }}`, `{{ range until 1000 }}x{{ end }}`, `{{ .n | int | until }}`, `{{ untilStep 0 10 1 }}`, `{{ seq 1 9 }}`,
		`{{ if eq (len (repeat 1000000 "a")) 1 }}{{ else if .a }}{{ end }}`, `{{ "a" | repeat 101 }}`, `{{ with genPrivateKey "rsa" }}{{ . }}{{ end }}`, `{{ (bcrypt .a).b }}`,
		`{{ $x := derivePassword 1 "long" "p" "u" "s" }}`, `{{ getHostByName .host }}`, `{{ printf "%100000d" 1 }}`, `{{ printf "%*d" .n 1 }}`, `{{ .a | printf .b }}`, `{{ printf "%1.99999f" 1.0 }}`,
		`{{ set . "a" . }}`, `{{ $d := merge . (dict "a" .) }}`, `{{ range 1000000000 }}x{{ end }}`, `{{ range mul 100000 100000 }}x{{ end }}`,
		`{{ $n := 1000000000 }}{{ range $n }}x{{ end }}`, `{{ with 1000000000 }}{{ range . }}x{{ end }}{{ end }}`,
		`{{range .a}}{{range $.a}}{{range $.a}}{{range $.a}}x{{end}}{{end}}{{end}}{{end}}`,
	} {
		found := of(text)
		if assert.Len(t, found, 1, text) {
			assert.Equal(
				t,
				[2]string{
					"code",
					"version_data.versions.Default.extended_paths.transform_response[0].template_data.template_source",
				},
				[2]string{found[0].Subject, found[0].Path},
				text,
			)
		}
	}
	for _, text := range []string{
		`{"a": "{{.a}}", "b": {{ .b | toJson }}, "l": [{{range $i, $e := .l}}{{if $i}}, {{end}}"{{$e.name | default "none"}}"{{end}}]}`,
		`{{ $l := .list }}{{ range $l }}{{ range .rows }}{{ range .cells }}{{ printf "%-10s %02d" .a .b }}{{ end }}{{ end }}{{ end }}`,
		`{{ .a | indent 4 }}{{ .b | nindent 8 }}{{ repeat 3 "-" }}{{ range until 5 }}{{ . }}{{ end }}`,
		`{{/* {{define "a"}} */}}{{ "{{template \"a\"}}" }} define template until 1000`, `{{ if`, `until 1000`,
		`{{ if and (gt (len .a) 0) (eq .b "c") }}{{ len .a }}{{ else if .c }}{{ add .c 1000 }}{{ end }}{{ range .a }}{{ . }}{{ end }}`,
	} {
		assert.Empty(t, of(text), text)
	}
}

func TestWhatIsWrongInADefinitionHidesNoAccess(t *testing.T) {
	for _, doc := range []string{
		`{"name": "#a", "version_data": {"versions": {"Default": {"use_extended_paths": true, "extended_paths": {"validate_json": [{"schema": {"$ref": "#"}}], "go_plugin": [{"plugin_path": "/p.so"}]}}}}}`,
		`{"name": 5, "slug": [], "Definition": {"Versions": {}}, "custom_middleware_bundle": "b.zip"}`,
		`{"tags": [1], "name": "a", "Name": "b", "custom_middleware_bundle": "b.zip"}`,
	} {
		assert.Len(t, definition.NewAccess(core.Document(doc), nil, []string{"code"}), 1, doc)
	}
}
