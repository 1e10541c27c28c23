package nodes_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
)

func TestGatewaysAreToldOfNoCertificateOfAnotherOrganisation(t *testing.T) {
	t.Parallel()
	s := newServer(t, openEngine(t))
	g := newGateway(s)
	g.register(t)
	print64 := strings.Repeat("ab", 32)
	foreign, own, none := "5e9d9544a1dcd60001d0ed21"+print64, org+print64, core.NoCertificate(org)
	const plain = `{"name":"n","active":true,"org_id":"` + org + `","proxy":{"target_url":"http://up.test"}`
	var want, before []string
	var first *core.Api
	for _, field := range []string{
		`"client_certificates":["%s","` + own + `"]`, `"certificates":["%s"]`, `"upstream_certificates":{"*":"%s"}`,
		`"request_signing":{"certificate_id":"%s"}`, `"pinned_public_keys":{"*":"%s,` + own + `"}`,
		`"certificates":["` + own + `","/etc/ssl/own.pem","env://X"]`,
	} {
		a := s.api(t, plain+`,`+strings.ReplaceAll(field, "%s", foreign)+`}`)
		if first == nil {
			first = a
		}
		before = append(before, a.Definition.Get("api_definition").Raw)
		want = append(want, strings.ReplaceAll(before[len(before)-1], foreign, none))
	}
	told := func() []string {
		_, apis := g.load(t)
		var out []string
		for _, d := range apis.get("Message.#.api_definition").Array() {
			out = append(out, d.Raw)
		}
		return out
	}
	require.ElementsMatch(t, before, told(), "one organisation alone has nobody to keep from")
	for range 2 {
		id := core.NewID(time.Now())
		require.NoError(
			t,
			s.store.Organisations.Create(
				t.Context(),
				core.NewOrganisation(core.Meta{ID: id}, core.Document(`{"owner_slug":"`+id+`"}`)),
			),
		)
	}
	require.ElementsMatch(t, want, told())
	require.ElementsMatch(t, want, told())
	require.Equal(
		t,
		5,
		strings.Count(s.log.String(), "certificates that are not its organisation's"),
		"each is logged once",
	)

	shown, err := s.Definition(t.Context(), first)
	require.NoError(t, err)
	require.Equal(t, want[0], string(shown), "what a gateway is asked to try is told in the same way")
	bad := s.api(t, `{"name":"bad","enable_jwt":"yes"}`)
	shown, err = s.Definition(t.Context(), bad)
	require.NoError(t, err)
	require.Nil(t, shown)
}
