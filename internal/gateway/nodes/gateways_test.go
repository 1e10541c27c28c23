package nodes_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
)

// hello is the health endpoint of a gateway, and how often it was asked.
func hello(t *testing.T, status int, body string) (address string, asked *atomic.Int64) {
	t.Helper()
	asked = &atomic.Int64{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path != "/hello" {
			status = http.StatusTeapot
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(web.Close)
	return web.URL, asked
}

func TestVersionsAndTagsOfGateways(t *testing.T) {
	t.Parallel()
	version, asked := hello(t, 200, `{"status":"pass","version":"5.5.2"}`)
	broken, _ := hello(t, 200, `<html>`)
	host, port, _ := strings.Cut(strings.TrimPrefix(version, "http://"), ":")
	edge := `TYK_DB_EDGEENDPOINTS=[{"name":"e","endpoint":"` + version + `","tags":["edge","eu"]}]`
	configured := []string{"TYK_DB_TYKAPI_HOST=" + host, "TYK_DB_TYKAPI_PORT=" + port, "TYK_DB_TYKAPI_SECRET=s"}
	for _, tc := range []struct {
		name          string
		env           []string
		hostname      string
		others        int
		version, tags string
	}{
		{"nothing is known of a gateway that no setting names", nil, "gw.example", 0, `null`, `null`},
		{"the configured gateway is the only one that is there", configured, "gw.example", 0, `"5.5.2"`, `null`},
		{"which of several is the configured one is not known", configured, "gw.example", 1, `null`, `null`},
		{"an edge endpoint on the same host tells both", []string{edge}, host, 2, `"5.5.2"`, `["edge","eu"]`},
		{"one on another host tells nothing", []string{edge}, "gw.example", 0, `null`, `null`},
		{"an endpoint that is none", []string{`TYK_DB_EDGEENDPOINTS=[{"name":"e","endpoint":"` + broken + `"}]`}, host, 0, `null`, `[]`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv, g := program(t, apptest.WithEnv(tc.env...))
			g.hostname = tc.hostname
			g.register(t)
			for range tc.others {
				newGateway(srv.Handler).register(t)
			}
			before := asked.Load()
			for range 3 {
				list := srv.REST(t, "GET", "/api/gateways?state=ACTIVE", "")
				mine := list.Get(`gateways.#(id=="` + g.id + `")`)
				require.Equal(
					t,
					[]string{tc.version, tc.tags},
					[]string{mine.Get("version").Raw, mine.Get("tags").Raw},
					"%s",
					list.Body,
				)
			}
			require.LessOrEqual(t, asked.Load()-before, int64(1), "a version is asked for once")
			require.Empty(t, srv.REST(t, "GET", "/admin/gateways?state=AWAY", "").Get("gateways").Array())
		})
	}
}

func FuzzNonce(f *testing.F) {
	s := newServer(f, openEngine(f))
	g := newGateway(s)
	g.register(f)
	f.Add(g.id, g.nonce[:31])
	f.Add("", "")
	f.Add(strings.Repeat("0", 24), strings.Repeat("A", 32))
	f.Fuzz(func(t *testing.T, id, nonce string) {
		other := &gateway{handler: s, secret: secret, id: id, nonce: nonce}
		if nonce != g.nonce {
			require.Equal(t, http.StatusForbidden, other.ask(t, "GET", "/register/ping", "").status)
		}
	})
}
