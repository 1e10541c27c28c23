package access_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/access"
	"gatehouse/internal/core"
)

func pointer[T any](v T) *T { return &v }

// full sets everything that can be set.
func full(api string) *access.Input {
	return &access.Input{
		ApiID: api, Versions: []string{"v1", `"v2"`},
		AllowedURLs: []*access.AllowedURL{{URL: `^/(?P<pet>\d+)&$`, Methods: []string{"GET", "POST"}}},
		Limit: &access.Limit{
			Rate: 0.5, Per: 60, ThrottleInterval: -1, ThrottleRetryLimit: -1, MaxQueryDepth: 3,
			QuotaMax: 9007199254740993, QuotaRenewalRate: 3600,
		},
		DisableIntrospection: pointer(true),
		RestrictedTypes:      []*access.Type{{Name: "Query", Fields: []string{"secret"}}},
		AllowedTypes:         []*access.Type{{Name: "Pet", Fields: []string{"name", "age"}}},
	}
}

const fullText = `"a":{"api_id":"a","api_name":"","versions":["v1","\"v2\""],` +
	`"allowed_urls":[{"url":"^/(?P<pet>\\d+)&$","methods":["GET","POST"]}],` +
	`"restricted_types":[{"name":"Query","fields":["secret"]}],"allowed_types":[{"name":"Pet","fields":["name","age"]}],` +
	`"limit":{"rate":0.5,"per":60,"throttle_interval":-1,"throttle_retry_limit":-1,"max_query_depth":3,` +
	`"quota_max":9007199254740993,"quota_renewal_rate":3600},"disable_introspection":true}`

func TestAccessRightsAreWrittenAsGatewaysReadThem(t *testing.T) {
	t.Parallel()
	const plainB = `"b":{"api_id":"b","api_name":"","versions":["Default"]}`
	for name, c := range map[string]struct {
		before  string
		apis    []string
		entries []*access.Input
		want    string
	}{
		"nothing is given": {`{"x":1.0,"access_rights":{"a":{}}}`, nil, nil, `{"x":1.0,"access_rights":{"a":{}}}`},
		"ids, each once": {
			`{"x":1.0,"access_rights":{"b":{"kept":1}}}`, []string{"b", "b"}, nil, `{"x":1.0,"access_rights":{` + plainB + `}}`,
		},
		"no ids":     {`{"access_rights":{"a":{}}}`, []string{}, nil, `{"access_rights":{}}`},
		"no entries": {`{"access_rights":{"a":{}}}`, nil, []*access.Input{}, `{"access_rights":{}}`},
		"all that can be set, in the order given": {
			`{"access_rights":{"gone":{}}}`, nil, []*access.Input{full("a"), {ApiID: "b"}},
			`{"access_rights":{` + fullText + `,` + plainB + `}}`,
		},
		"empty lists are empty lists": {
			`{}`, nil,
			[]*access.Input{{ApiID: "a", Versions: []string{}, AllowedURLs: []*access.AllowedURL{}, AllowedTypes: []*access.Type{{Name: "T"}}}},
			`{"access_rights":{"a":{"api_id":"a","api_name":"","versions":[],"allowed_urls":[],"allowed_types":[{"name":"T","fields":[]}]}}}`,
		},
		"what it has no field for stays, where it was and as it was": {
			`{"access_rights":{"a":{"endpoints":[1.0],"api_name":"Pets","limit":{"smoothing":{"delay":1.0},"rate":1,"quota_renews":5},` +
				`"field_access_rights":[{"x":"\u003c"}],"api_id":"a","versions":["old"]}}}`, nil,
			[]*access.Input{{ApiID: "a", Limit: &access.Limit{Rate: 2}}},
			`{"access_rights":{"a":{"endpoints":[1.0],"api_name":"Pets","limit":{"smoothing":{"delay":1.0},"rate":2,"quota_renews":5,` +
				`"per":0,"throttle_interval":0,"throttle_retry_limit":0,"max_query_depth":0,"quota_max":0,"quota_renewal_rate":0},` +
				`"field_access_rights":[{"x":"\u003c"}],"api_id":"a","versions":["Default"]}}}`,
		},
		"what is left out goes": {
			`{"access_rights":{` + strings.Replace(fullText, `"api_id"`, `"x":{},"api_id"`, 1) + `}}`, nil,
			[]*access.Input{{ApiID: "a"}},
			`{"access_rights":{"a":{"x":{},"api_id":"a","api_name":"","versions":["Default"]}}}`,
		},
		"another spelling, which gateways would read, goes": {
			`{"access_rights":{"a":{"Limit":{"rate":9},"ALLOWED_URLS":[],"limit":{"RATE":8}}}}`, nil,
			[]*access.Input{{ApiID: "a", Limit: &access.Limit{Rate: 2, Per: 1e21}}},
			`{"access_rights":{"a":{"limit":{"rate":2,"per":1000000000000000000000,"throttle_interval":0,"throttle_retry_limit":0,` +
				`"max_query_depth":0,"quota_max":0,"quota_renewal_rate":0},"api_id":"a","api_name":"","versions":["Default"]}}}`,
		},
		"what was none before is replaced": {
			`{"access_rights":[1]}`, nil, []*access.Input{{ApiID: "b"}}, `{"access_rights":{` + plainB + `}}`,
		},
		"and an entry that was none": {
			`{"access_rights":{"b":7}}`, nil, []*access.Input{{ApiID: "b"}}, `{"access_rights":{` + plainB + `}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := access.Write(core.Document(c.before), c.apis, c.entries)
			require.NoError(t, err)
			assert.Equal(t, c.want, string(got))
			_, err = core.ParseDocument(got)
			assert.NoError(t, err)
		})
	}
}

func TestWhatWasWrittenIsReadAgain(t *testing.T) {
	t.Parallel()
	doc, err := access.Write(core.Document(`{}`), nil, []*access.Input{{ApiID: "b"}, full("a")})
	require.NoError(t, err)
	all := access.Rights("org", doc, []string{"a", "b", "none"}, 10)
	require.Len(t, all, 3)
	in, got := full("a"), all[0]
	assert.Equal(t, in, &access.Input{
		ApiID: got.ApiID, Versions: got.Versions(), AllowedURLs: got.AllowedURLs(), Limit: got.Limit(),
		DisableIntrospection: pointer(got.DisableIntrospection()),
		RestrictedTypes:      got.RestrictedTypes(), AllowedTypes: got.AllowedTypes(),
	})
	assert.Equal(t, []string{"Default"}, all[1].Versions())
	assert.Nil(t, all[1].Limit())
	assert.Empty(t, all[2].Versions())
}

func TestAccessRightsOfAnyShapeAreRead(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{
		``, `{}`, `{"access_rights":null}`, `{"access_rights":[{}]}`, `{"access_rights":"a"}`, `{"access_rights":{"a":[]}}`,
		`{"access_rights":{"a":null}}`, `{"access_rights":{"a":{"limit":null,"versions":"v","allowed_urls":{}}}}`,
		`{"access_rights":{"a":{"limit":{"rate":"NaN","per":1e999,"throttle_interval":[],"quota_max":-1e999,"quota_renewal_rate":"9"},` +
			`"versions":[1,null,{}],"allowed_urls":[1,[],{"url":5,"methods":"GET"}],"restricted_types":{},` +
			`"allowed_types":[{"name":{},"fields":[{}]},null],"api_name":7,"disable_introspection":"true"}}}`,
	} {
		r := access.Rights("org", core.Document(doc), []string{"a", "a"}, 0)[1]
		assert.Empty(t, r.ApiName(), doc)
		assert.Empty(t, r.Versions(), doc)
		assert.NotNil(t, r.Versions(), doc)
		assert.Empty(t, r.RestrictedTypes(), doc)
		assert.False(t, r.DisableIntrospection(), doc)
		for _, u := range r.AllowedURLs() {
			assert.Equal(t, &access.AllowedURL{Methods: []string{}}, u, doc)
		}
		for _, o := range r.AllowedTypes() {
			assert.Equal(t, &access.Type{Fields: []string{}}, o, doc)
		}
		if l := r.Limit(); l != nil {
			assert.Equal(t, &access.Limit{}, l, doc)
		}
	}
}

func TestAccessRightsThatGatewaysCouldNotGoByAreRefused(t *testing.T) {
	t.Parallel()
	url := func(url string, methods ...string) *access.Input {
		return &access.Input{ApiID: "a", AllowedURLs: []*access.AllowedURL{{URL: url, Methods: methods}}}
	}
	for name, c := range map[string]struct {
		apis        []string
		entries     []*access.Input
		field, says string
	}{
		"both":              {[]string{}, []*access.Input{}, "access_rights", "leave out apiIds"},
		"an API twice":      {nil, []*access.Input{{ApiID: "a"}, {ApiID: "b"}, {ApiID: "a"}}, "access_rights[2]", "the API a twice, here and at 0"},
		"no id":             {nil, []*access.Input{{}}, "access_rights[0].api_id", "public id"},
		"no plain id":       {nil, []*access.Input{{ApiID: `a"b`}}, "access_rights[0].api_id", "public id"},
		"no expression":     {nil, []*access.Input{url("/a(", "GET")}, "access_rights[0].allowed_urls[0].url", "regular expression"},
		"an empty one":      {nil, []*access.Input{url("", "GET")}, "access_rights[0].allowed_urls[0].url", "regular expression"},
		"a look-ahead":      {nil, []*access.Input{url("/(?!a)", "GET")}, "access_rights[0].allowed_urls[0].url", "regular expression"},
		"a huge expression": {nil, []*access.Input{url("((a{100}){100}){100}", "GET")}, "access_rights[0].allowed_urls[0].url", "regular expression"},
		"no method":         {nil, []*access.Input{url("/a")}, "access_rights[0].allowed_urls[0].methods", "must name a method"},
		"too many URLs": {
			nil, []*access.Input{{ApiID: "a", AllowedURLs: make([]*access.AllowedURL, 1001)}},
			"access_rights[0].allowed_urls", "at most 1000",
		},
		"too many versions": {nil, []*access.Input{{ApiID: "a", Versions: make([]string, 1001)}}, "access_rights[0].versions", "at most 1000"},
		"too many methods":  {nil, []*access.Input{url("/a", make([]string, 1001)...)}, "access_rights[0].allowed_urls[0].methods", "at most 1000"},
		"too many fields": {
			nil, []*access.Input{{ApiID: "a", AllowedTypes: []*access.Type{{Fields: make([]string, 1001)}}}},
			"access_rights[0].allowed_types[0].fields", "at most 1000",
		},
		"too many types": {
			nil, []*access.Input{{ApiID: "a", RestrictedTypes: make([]*access.Type, 1001)}},
			"access_rights[0].restricted_types", "at most 1000",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := access.Write(core.Document(`{}`), c.apis, c.entries)
			require.Error(t, err)
			e := core.AsError(err)
			assert.Equal(t, core.CodeInvalid, e.Code)
			assert.Equal(t, c.field, e.Field)
			assert.Contains(t, e.Message, c.says)
		})
	}
}
