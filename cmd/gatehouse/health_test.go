package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/config"
)

func TestHealthEndsAsTheServerSays(t *testing.T) {
	status := http.StatusOK
	serve := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/alive" {
			status = http.StatusNotFound
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"status":"told"}`))
	})
	for _, start := range []func(http.Handler) *httptest.Server{httptest.NewServer, httptest.NewTLSServer} {
		server := start(serve)
		u, err := url.Parse(server.URL)
		require.NoError(t, err)
		env := []string{
			"TYK_DB_LISTENPORT=" + u.Port(), "GATEHOUSE_LISTENADDRESS=" + u.Hostname(), "TYK_DB_HEALTHCHECKENDPOINTNAME=alive",
		}
		if u.Scheme == "https" {
			env = append(env, "TYK_DB_HTTPSERVEROPTIONS_USESSL=true", "TYK_DB_HTTPSERVEROPTIONS_SSLCERTIFICATES=x.pem")
		}
		loaded, err := config.Load(config.Sources{Env: env})
		require.NoError(t, err)

		var out strings.Builder
		status = http.StatusOK
		require.NoError(t, askHealth(t.Context(), &loaded.Config, &out))
		require.Contains(t, out.String(), "told")
		status = http.StatusServiceUnavailable
		require.ErrorContains(t, askHealth(t.Context(), &loaded.Config, &out), "503")
		server.Close()
		require.Error(t, askHealth(t.Context(), &loaded.Config, &out), "nobody is there")
	}
}
