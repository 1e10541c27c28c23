package e2e

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
)

const (
	nodeSecret    = "the node secret of this test"
	gatewaySecret = "the gateway secret of this test"
	// certificateSecret encrypts private keys between Gatehouse and the gateway.
	certificateSecret = "the certificate secret of this test"
)

// installation is everything that a platform team runs.
type installation struct {
	dir      string
	upstream *httptest.Server

	redis     process
	redisPort int

	gatehouse       process
	url             string
	org, key, admin string

	gateway    process
	gatewayURL string
	binary     string
	client     *http.Client
}

// install starts everything. It skips the test, with a line that says why, where a part is not to be had.
func install(t *testing.T) *installation {
	t.Helper()
	binary := os.Getenv("GATEHOUSE_E2E_GATEWAY")
	if binary == "" {
		t.Skip("no gateway: set GATEHOUSE_E2E_GATEWAY to the binary of a Tyk Gateway (5.x) to prove Gatehouse against it")
	}
	redis, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("no Redis: install the Debian package redis-server")
	}
	in := &installation{dir: t.TempDir(), binary: binary, client: &http.Client{Timeout: 10 * time.Second,
		Transport: &http.Transport{DisableKeepAlives: true}}}
	in.upstream = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "upstream was asked for %s", r.URL.Path)
	}))
	t.Cleanup(in.upstream.Close)
	t.Cleanup(func() {
		for _, p := range []*process{&in.gateway, &in.gatehouse, &in.redis} {
			p.stop(syscall.SIGTERM)
			if t.Failed() {
				t.Log(p.tail(40))
			}
		}
	})
	in.redisPort = freePort(t)
	in.redis = process{
		name: "Redis",
		path: redis,
		dir:  in.dir,
		args: []string{"--bind", "127.0.0.1", "--port", fmt.Sprint(in.redisPort),
			"--dir", in.dir, "--save", "", "--appendonly", "yes"},
	}
	in.startRedis(t)
	in.buildGatehouse(t)
	in.startGatehouse(t)
	in.configureGateway(t)
	in.startGateway(t)
	return in
}

func (in *installation) startRedis(t *testing.T) {
	t.Helper()
	in.redis.start(t)
	in.answers(t, fmt.Sprintf("127.0.0.1:%d", in.redisPort), &in.redis)
}

// answers waits until a program listens.
func (in *installation) answers(t *testing.T, address string, p *process) {
	t.Helper()
	eventually(t, 30*time.Second, p.name+" listens", func() (bool, string) {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return false, err.Error() + "; " + p.tail(5)
		}
		_ = c.Close()
		return true, ""
	})
}

func (in *installation) buildGatehouse(t *testing.T) {
	t.Helper()
	in.gatehouse.path = filepath.Join(in.dir, "gatehouse")
	build := exec.Command("go", "build", "-o", in.gatehouse.path, "./cmd/gatehouse")
	build.Dir = ".." // tests run in the folder of their package
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	port, gatewayPort := freePort(t), freePort(t)
	in.url, in.gatewayURL = fmt.Sprintf("http://127.0.0.1:%d", port), fmt.Sprintf("http://127.0.0.1:%d", gatewayPort)
	in.gatehouse.name, in.gatehouse.dir = "Gatehouse", in.dir
	in.gatehouse.env = []string{
		fmt.Sprintf("TYK_DB_LISTENPORT=%d", port), "GATEHOUSE_DATADIR=" + filepath.Join(in.dir, "data"),
		"TYK_DB_NODESECRET=" + nodeSecret, "TYK_DB_REDISHOST=127.0.0.1", fmt.Sprintf("TYK_DB_REDISPORT=%d", in.redisPort),
		"TYK_DB_TYKAPI_HOST=http://127.0.0.1", fmt.Sprintf("TYK_DB_TYKAPI_PORT=%d", gatewayPort), "TYK_DB_TYKAPI_SECRET=" + gatewaySecret,
		"TYK_DB_SECURITY_PRIVATECERTIFICATEENCODINGSECRET=" + certificateSecret,
	}
}

var credentials = regexp.MustCompile(`(?m)^\s*(organisation|access key|admin secret)\s+(\S+)`)

func (in *installation) startGatehouse(t *testing.T) {
	t.Helper()
	in.gatehouse.start(t)
	in.answers(t, strings.TrimPrefix(in.url, "http://"), &in.gatehouse)
	eventually(t, 10*time.Second, "Gatehouse says its credentials", func() (bool, string) {
		for _, m := range credentials.FindAllStringSubmatch(in.gatehouse.said.String(), -1) {
			switch m[1] {
			case "organisation":
				in.org = m[2]
			case "access key":
				in.key = m[2]
			case "admin secret":
				in.admin = m[2]
			}
		}
		return in.org != "" && in.key != "" && in.admin != "", in.gatehouse.tail(10)
	})
}

// configureGateway writes the configuration of a stock gateway that is managed from here.
func (in *installation) configureGateway(t *testing.T) {
	t.Helper()
	in.gateway = in.newGateway(t, "gateway", in.gatewayURL, nil)
}

// newGateway is a gateway at an address, with settings beside the usual ones.
func (in *installation) newGateway(t *testing.T, name, address string, settings map[string]any) process {
	t.Helper()
	home := filepath.Join(in.dir, name)
	write(t, home, "templates/error.json", `{"error": "{{.Message}}"}`)
	write(t, home, "templates/error.xml", `<error>{{.Message}}</error>`)
	for _, folder := range []string{"apps", "middleware", "policies"} {
		require.NoError(t, os.MkdirAll(filepath.Join(home, folder), 0o700))
	}
	_, port, err := net.SplitHostPort(address[strings.Index(address, "://")+3:])
	require.NoError(t, err)
	conf := map[string]any{
		"listen_address": "127.0.0.1", "listen_port": json.Number(port), "secret": gatewaySecret, "node_secret": nodeSecret,
		"template_path": filepath.Join(
			home,
			"templates",
		), "middleware_path": filepath.Join(home, "middleware"), "app_path": filepath.Join(home, "apps"),
		"use_db_app_configs": true, "db_app_conf_options": map[string]any{"connection_string": in.url, "node_is_segmented": false},
		"policies": map[string]any{
			"policy_source":            "service",
			"policy_connection_string": in.url,
			"allow_explicit_policy_id": true,
		},
		"storage":   map[string]any{"type": "redis", "host": "127.0.0.1", "port": in.redisPort},
		"hash_keys": true, "hash_key_function": "murmur64", "enable_hashed_keys_listing": true, "allow_insecure_configs": false, "enable_analytics": false,
		"local_session_cache": map[string]any{"disable_cached_session_state": false},
		"security":            map[string]any{"private_certificate_encoding_secret": certificateSecret},
	}
	for k, v := range settings {
		conf[k] = v
	}
	text, err := json.MarshalIndent(conf, "", "  ")
	require.NoError(t, err)
	path := write(t, home, "tyk.conf", string(text))
	return process{name: name, path: in.binary, args: []string{"--conf", path}, dir: home}
}

func (in *installation) startGateway(t *testing.T) {
	t.Helper()
	in.gateway.start(t)
	in.answers(t, strings.TrimPrefix(in.gatewayURL, "http://"), &in.gateway)
}

// answer is what a call got.
type answer struct {
	status int
	body   string
	header http.Header
}

func (a answer) get(path string) gjson.Result { return gjson.Get(a.body, path) }

func (a answer) String() string { return fmt.Sprintf("%d %.300s", a.status, a.body) }

// call sends a request; headers are "Name: value".
func (in *installation) call(method, url, body string, headers ...string) answer {
	return send(in.client, method, url, body, headers...)
}

func send(client *http.Client, method, url, body string, headers ...string) answer {
	req, err := http.NewRequest(method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		return answer{body: err.Error()}
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{body: err.Error()}
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{status: resp.StatusCode, body: err.Error()}
	}
	return answer{resp.StatusCode, string(raw), resp.Header}
}

// rest calls /api as the administrator and fails on anything but success.
func (in *installation) rest(t *testing.T, method, path, body string) answer {
	t.Helper()
	a := in.call(method, in.url+path, body, "Authorization: "+in.key)
	require.Equal(t, http.StatusOK, a.status, "%s %s: %s", method, path, a)
	return a
}

// graphQL calls /graphql as the administrator and fails on any error.
func (in *installation) graphQL(t *testing.T, query string, variables map[string]any) gjson.Result {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	require.NoError(t, err)
	a := in.call("POST", in.url+"/graphql", string(body), "Authorization: "+in.key, "Content-Type: application/json")
	require.Equal(t, http.StatusOK, a.status, "%s", a)
	require.False(t, a.get("errors").Exists(), "%s", a)
	return a.get("data")
}

// through calls the gateway as a client of an API does.
func (in *installation) through(path string, headers ...string) answer {
	return in.call("GET", in.gatewayURL+path, "", headers...)
}

// becomes waits until the gateway answers a path with a status.
func (in *installation) becomes(
	t *testing.T,
	within time.Duration,
	status int,
	path string,
	headers ...string,
) time.Duration {
	t.Helper()
	return eventually(t, within, fmt.Sprintf("the gateway answers %d on %s", status, path), func() (bool, string) {
		a := in.through(path, headers...)
		return a.status == status, a.String()
	})
}

// api creates an API over GraphQL and returns its public id. definition holds what differs from a keyless one.
func (in *installation) api(t *testing.T, name string, definition map[string]any) string {
	t.Helper()
	d := map[string]any{
		"name": name, "active": true, "use_keyless": len(definition) == 0,
		"proxy": map[string]any{
			"listen_path":       "/" + name + "/",
			"target_url":        in.upstream.URL,
			"strip_listen_path": true,
		},
		"version_data": map[string]any{
			"not_versioned": true,
			"versions":      map[string]any{"Default": map[string]any{"name": "Default"}},
		},
		"auth": map[string]any{"auth_header_name": "Authorization"},
	}
	for k, v := range definition {
		d[k] = v
	}
	got := in.graphQL(t, `mutation($in: ApiInput!) { createApi(input: $in) { apiId } }`,
		map[string]any{"in": map[string]any{"definition": map[string]any{"api_definition": d}}})
	return got.Get("createApi.apiId").Str
}

// tlsClient speaks HTTPS, with a client certificate unless that is nil, and trusts whatever the gateway shows.
func tlsClient(certificate *tls.Certificate) *http.Client {
	config := &tls.Config{InsecureSkipVerify: true}
	if certificate != nil {
		config.Certificates = []tls.Certificate{*certificate}
	}
	return &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: config},
	}
}
