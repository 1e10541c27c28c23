package httpserver

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheAddressComesFromTrustedProxiesOnly(t *testing.T) {
	trusted := []netip.Prefix{
		netip.MustParsePrefix("10.0.0.0/8"),
		netip.MustParsePrefix("fd00::/8"),
		netip.MustParsePrefix("127.0.0.1/32"),
	}
	for name, c := range map[string]struct {
		peer      string
		forwarded []string
		want      string
	}{
		"a client without a proxy":                     {"198.51.100.1:99", nil, "198.51.100.1"},
		"a client that makes the header up":            {"198.51.100.1:99", []string{"203.0.113.9"}, "198.51.100.1"},
		"a client behind a proxy":                      {"10.1.1.1:99", []string{"198.51.100.1"}, "198.51.100.1"},
		"a client that makes up what it sends a proxy": {"10.1.1.1:99", []string{"203.0.113.9, 127.0.0.1, 198.51.100.1"}, "198.51.100.1"},
		"a client behind two proxies":                  {"10.1.1.1:99", []string{"198.51.100.1, 10.2.2.2"}, "198.51.100.1"},
		"a header of several lines":                    {"10.1.1.1:99", []string{"203.0.113.9", "198.51.100.1 ", "10.2.2.2"}, "198.51.100.1"},
		"proxies only":                                 {"10.1.1.1:99", []string{"10.3.3.3,10.2.2.2"}, "10.3.3.3"},
		"a proxy that says nothing":                    {"10.1.1.1:99", nil, "10.1.1.1"},
		"a proxy that says something else":             {"10.1.1.1:99", []string{"198.51.100.1, unknown"}, "10.1.1.1"},
		"an empty header":                              {"10.1.1.1:99", []string{""}, "10.1.1.1"},
		"an address with a port":                       {"10.1.1.1:99", []string{"198.51.100.1:443"}, "198.51.100.1"},
		"IPv6":                                         {"[fd00::1]:99", []string{"2001:db8::1"}, "2001:db8::1"},
		"IPv6 with a port":                             {"[fd00::1]:99", []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		"IPv6 with a zone":                             {"[fe80::1%eth0]:99", nil, "fe80::1"},
		"IPv4 as IPv6":                                 {"[::ffff:10.1.1.1]:99", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
		"a peer that is no address":                    {"pipe", []string{"198.51.100.1"}, "pipe"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr, r.Header["X-Forwarded-For"] = c.peer, c.forwarded
			var got string
			Chain(
				http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = Address(r.Context()) }),
				Identify,
				Locate(trusted),
			).
				ServeHTTP(
					httptest.NewRecorder(),
					r,
				)
			assert.Equal(t, c.want, got)
		})
	}
	assert.Empty(t, Address(t.Context()))
}

func TestALongForwardedHeaderCostsLittle(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header["X-Forwarded-For"] = []string{strings.Repeat("10.1.1.1,", 7000) + "10.1.1.1"} // 64 KiB of proxies
	start := time.Now()
	assert.Equal(t, "10.1.1.1", locate(withPeer(r, "10.1.1.1:9"), []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}))
	assert.Less(t, time.Since(start), time.Second)
}

func withPeer(r *http.Request, peer string) *http.Request {
	r.RemoteAddr = peer
	return r
}

func TestTheAccessLogShowsTheAddressOfTheClient(t *testing.T) {
	out := &logs{}
	h := Chain(
		answer(200, ""),
		Identify,
		Locate([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}),
		AccessLog(out.logger()),
	)
	r := withPeer(httptest.NewRequest("GET", "/", nil), "10.1.1.1:9")
	r.Header.Set("X-Forwarded-For", "203.0.113.9, 198.51.100.1")
	h.ServeHTTP(httptest.NewRecorder(), r)
	lines := out.lines(t)
	require.Len(t, lines, 1)
	assert.Equal(t, "198.51.100.1", lines[0]["remote_ip"])
}
