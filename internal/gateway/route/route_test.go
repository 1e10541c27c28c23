package route_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/route"
)

// routed is an API of a definition.
func routed(fields string) *core.Api {
	return core.NewApi(core.Meta{}, core.Document(`{"api_definition":{"active":true,`+fields+`}}`))
}

func meets(a, b *core.Api, rules route.Rules) bool {
	claims := route.Claims(b)
	return slices.ContainsFunc(route.Clashes(a, rules), func(label string) bool { return slices.Contains(claims, label) })
}

func TestClashesAreMutual(t *testing.T) {
	t.Parallel()
	var apis []*core.Api
	n := 0
	for _, listenPath := range []string{"/", "/a/", "/a/b", "/{x}/", "/a/{x:.*}", "/c/", "/api-3/", "/a/env://X", "/" + strings.Repeat("d/", 40), "/" + strings.Repeat("d/", 50)} {
		for _, more := range []string{``, `,"domain":"a.test"`, `,"domain":"b.test"`, `,"domain":"{x}.test"`, `,"listen_port":8080`, `,"listen_port":9000,"protocol":"https"`,
			`,"listen_port":9000,"protocol":"tls"`, `,"domain":"gw.test"`} {
			n++
			apis = append(apis, routed(fmt.Sprintf(`"api_id":"api-%d","proxy":{"listen_path":%q}%s`, n, listenPath, more)))
		}
	}
	for _, rules := range []route.Rules{{}, {Port: 8080, Host: "gw.test"}, {Strict: true, Port: 8080, Host: "gw.test"}} {
		clashes := 0
		for i, a := range apis {
			for _, b := range apis[:i] {
				if meets(a, b, rules) != meets(b, a, rules) {
					t.Errorf("%+v: only one of these takes the route of the other:\n%s\n%s", rules, a.Definition, b.Definition)
				}
				if !meets(a, b, rules) {
					continue
				}
				clashes++
				if !slices.ContainsFunc(
					route.Locks(a, rules.Strict),
					func(l int) bool { return slices.Contains(route.Locks(b, rules.Strict), l) },
				) {
					t.Errorf("%+v: these clash, and hold no lock in common:\n%s\n%s", rules, a.Definition, b.Definition)
				}
			}
		}
		if clashes == 0 || clashes == len(apis)*(len(apis)-1)/2 {
			t.Fatalf("%d of the pairs clash", clashes)
		}
	}
}

func TestClaimsAreBoundedByTheDepthOfAPath(t *testing.T) {
	t.Parallel()
	deep := routed(`"api_id":"x","proxy":{"listen_path":"/` + strings.Repeat("d/", 500) + `"}`)
	if n := len(route.Claims(deep)); n > 80 {
		t.Errorf("a path of 500 parts has %d claims", n)
	}
	inside := routed(`"api_id":"y","proxy":{"listen_path":"/` + strings.Repeat("d/", 400) + `e/"}`)
	if !meets(deep, inside, route.Rules{}) {
		t.Error("beyond the depth that is told apart, everything must clash")
	}
	tags := strings.TrimSuffix(strings.Repeat(`"t",`, 300), ",")
	if got := route.Segments(routed(`"tags":[` + tags + `]`)); len(got) != 1 || route.SharingSegments(got) != nil {
		t.Errorf("more tags than are told apart must count as any, not as %v", got)
	}
}
