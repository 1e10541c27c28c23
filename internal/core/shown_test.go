package core

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestADefinitionHasWhatToolsReadOfEach(t *testing.T) {
	old := func(doc string) *Api { return NewApi(Meta{}, Document(doc)) }
	for name, c := range map[string]struct {
		doc  string
		old  *Api
		want string
	}{
		"a small one gets the few fields": {
			`{"api_definition":{"name":"a"}}`, nil,
			`{"api_definition":{"name":"a","active":false,"tags":[],"event_handlers":{"events":{}}}}`,
		},
		"what is there stays as it is spelled": {
			`{"api_definition":{ "tags" : ["b", "a"],"event_handlers":{"events" :{"E":[]}},"active":true}}`, nil,
			`{"api_definition":{ "tags" : ["b", "a"],"event_handlers":{"events" :{"E":[]}},"active":true}}`,
		},
		"handlers without events get none": {
			`{"api_definition":{"active":true,"tags":[],"event_handlers":{"x":1}}}`, nil,
			`{"api_definition":{"active":true,"tags":[],"event_handlers":{"x":1,"events":{}}}}`,
		},
		"a null that was sent stays": {
			`{"api_definition":{"active":null,"tags":null,"event_handlers":null}}`, nil,
			`{"api_definition":{"active":null,"tags":null,"event_handlers":null}}`,
		},
		"one that was saved without them stays without": {
			`{"api_definition":{"name":"a"}}`, old(`{"api_definition":{"name":"a"}}`),
			`{"api_definition":{"name":"a"}}`,
		},
		"one that had them keeps having them": {
			`{"api_definition":{"name":"a"}}`, old(`{"api_definition":{"name":"a","tags":["x"],"active":true}}`),
			`{"api_definition":{"name":"a","active":false,"tags":[]}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, string(ShownDefinition(Document(c.doc), c.old)))
		})
	}
}
