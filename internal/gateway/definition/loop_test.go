package definition_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/definition"
)

func TestReloopedFindsEveryLoop(t *testing.T) {
	for doc, want := range map[string]string{
		`{"a":"tyk://pets/x?y"}`:                     `{"a":"tyk://[pets]/x?y"}`,
		`{"a":["TYK://Pets"," tyk://b "]}`:           `{"a":["TYK://[Pets]"," tyk://[b] "]}`,
		`{"a":"tyk:\/\/pets\/x<"}`:                   `{"a":"tyk://[pets]/x<"}`,
		`{"a":"\u0074yk://pets"}`:                    `{"a":"tyk://[pets]"}`,
		`{"a":"x tyk://a, tyk://b/"}`:                `{"a":"x tyk://[a,] tyk://[b]/"}`,
		`{"a":"tyk://self/x","b":"tyk://$1/","c":1}`: `{"a":"tyk://self/x","b":"tyk://$1/","c":1}`,
		`{"a":"http://x","b":"\"//","c":"env://X"}`:  `{"a":"http://x","b":"\"//","c":"env://X"}`,
		`{"a":"monkeytyk://x"}`:                      `{"a":"monkeytyk://x"}`,
		`{"a":"tyk://x`:                              `{"a":"tyk://x`,
	} {
		assert.Equal(t, want, string(definition.Relooped([]byte(doc), func(host string) string { return "[" + host + "]" })))
	}
	assert.Equal(t, []string{"a", "b"}, definition.LoopHosts([]byte(`{"x":"tyk://a/1","y":"tyk://b"}`)))
}

func TestALoopNameIsWhatGatewaysMakeOfAName(t *testing.T) {
	for name, want := range map[string]string{"Pets": "pets", "My pets! #a #b": "my-pets-", "a  b": "a-b", "Café": "caf-", "": "", "天気": "-"} {
		assert.Equal(t, want, core.LoopName(name), name)
	}
}

func FuzzReloopedKeepsJSON(f *testing.F) {
	f.Add([]byte(`{"a":"tyk://pets/x","b":"\"","c":["tyk:\/\/y"]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		if !json.Valid(doc) {
			return
		}
		assert.True(t, json.Valid(definition.Relooped(doc, func(string) string { return "0" })))
		assert.Equal(t, doc, definition.Relooped(doc, func(host string) string { return host }))
	})
}
