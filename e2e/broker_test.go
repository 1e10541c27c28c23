package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
)

// TestAStockIdentityBrokerSignsPeopleIn has a stock Tyk Identity Broker ask another server whether a name and a password
// are right, and sign people in here by what it says: /api/sso, and a browser that brings the nonce to /tap.
func TestAStockIdentityBrokerSignsPeopleIn(t *testing.T) {
	binary := os.Getenv("GATEHOUSE_E2E_BROKER")
	if binary == "" {
		t.Skip("no broker: set GATEHOUSE_E2E_BROKER to the binary of a Tyk Identity Broker (1.7) to prove Gatehouse against it")
	}
	redis, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("no Redis: install the Debian package redis-server")
	}
	s := apptest.New(t, apptest.WithEnv("TYK_DB_SSOENABLEUSERLOOKUP=true"))
	gatehouse := httptest.NewServer(s.Handler)
	t.Cleanup(gatehouse.Close)
	made := s.REST(t, "POST", "/api/users", `{"email_address":"jo@example.test","active":true,"user_permissions":{"apis":"write"}}`)
	require.Equal(t, 200, made.Status, "%s", made.Body)
	group := s.REST(t, "POST", "/api/usergroups", `{"name":"readers","active":true,"user_permissions":{"keys":"read"}}`).Get("Meta").Str
	require.NotEmpty(t, group)
	asks := s.REST(t, "POST", "/api/users", `{"email_address":"broker@example.test","active":true,"user_permissions":{"idm":"write"}}`)
	key := s.REST(t, "GET", "/api/users/"+asks.Get("Meta").Str, "").Get("access_key").Str
	require.NotEmpty(t, key)

	// The server that knows the passwords.
	people := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, password, _ := r.BasicAuth()
		if password != "right" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"user": name})
	}))
	t.Cleanup(people.Close)

	dir := t.TempDir()
	redisPort, port := freePort(t), freePort(t)
	store := process{name: "Redis", path: redis, dir: dir,
		args: []string{"--bind", "127.0.0.1", "--port", fmt.Sprint(redisPort), "--dir", dir, "--save", ""}}
	at, err := url.Parse(gatehouse.URL)
	require.NoError(t, err)
	conf := write(t, dir, "tib.conf", fmt.Sprintf(`{"Secret":"s","Port":%d,"BackEnd":{"Name":"in_memory","ProfileBackendSettings":{},
		"IdentityBackendSettings":{"Hosts":{"127.0.0.1":"%d"},"Database":0,"MaxIdle":10,"MaxActive":20}},
		"TykAPISettings":{"GatewayConfig":{"Endpoint":"http://127.0.0.1","Port":"1","AdminSecret":"none"},
		"DashboardConfig":{"Endpoint":"http://%s","Port":"%s","AdminSecret":"not-ours"}}}`, port, redisPort, at.Hostname(), at.Port()))
	profiles := write(t, dir, "profiles.json", fmt.Sprintf(`[{"ID":"one","OrgID":%q,"ActionType":"GenerateOrLoginUserProfile","Type":"passthrough",
		"ProviderName":"ProxyProvider","ProviderConfig":{"TargetHost":%q,"OKCode":200,"ResponseIsJson":true,"UsernameField":"user"},
		"IdentityHandlerConfig":{"DashboardCredential":%q},"ReturnURL":%q,"DefaultUserGroupID":%q}]`,
		s.OrgID, people.URL, key, gatehouse.URL+"/tap", group))
	broker := process{name: "the broker", path: binary, dir: dir, args: []string{"-c", conf, "-p", profiles}}
	t.Cleanup(func() {
		for _, p := range []*process{&broker, &store} {
			p.stop(syscall.SIGTERM)
			if t.Failed() {
				t.Log(p.tail(40))
			}
		}
	})
	store.start(t)
	broker.start(t)
	eventually(t, 30*time.Second, "the broker listens", func() (bool, string) {
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
		if err != nil {
			return false, err.Error() + broker.tail(5)
		}
		_ = c.Close()
		return true, ""
	})

	// signIn goes the way of a browser: to the broker, which sends it to /tap with a nonce.
	signIn := func(name, password string) (nonce string, landed *http.Response) {
		client := &http.Client{Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		r, err := http.NewRequestWithContext(t.Context(), "GET", fmt.Sprintf("http://127.0.0.1:%d/auth/one/proxy", port), nil)
		require.NoError(t, err)
		r.SetBasicAuth(name, password)
		answer, err := client.Do(r)
		require.NoError(t, err)
		defer answer.Body.Close()
		to := answer.Header.Get("Location")
		if to == "" {
			return "", nil
		}
		require.True(t, strings.HasPrefix(to, gatehouse.URL+"/tap?nonce="), to)
		landed, err = client.Get(to)
		require.NoError(t, err)
		require.NoError(t, landed.Body.Close())
		return to, landed
	}
	me := func(landed *http.Response) apptest.Reply {
		require.Equal(t, http.StatusSeeOther, landed.StatusCode)
		require.Len(t, landed.Cookies(), 1)
		c := landed.Cookies()[0]
		return s.Do(t, "GET", "/api/users/me", "", "Cookie: "+c.Name+"="+c.Value)
	}
	_, landed := signIn("jo@example.test", "right")
	require.NotNil(t, landed, broker.tail(20))
	require.Equal(t, made.Get("Meta").Str, me(landed).Get("id").Str, "an account is signed in as itself")

	used, landed := signIn("new@example.test", "right")
	require.NotNil(t, landed, broker.tail(20))
	guest := me(landed)
	require.Equal(t, group, guest.Get("group_id").Str, "who has none gets the group of the profile")
	again, err := http.Get(used)
	require.NoError(t, err)
	require.NoError(t, again.Body.Close())
	require.Equal(t, http.StatusForbidden, again.StatusCode, "a nonce works once")

	_, landed = signIn("jo@example.test", "wrong")
	require.Nil(t, landed)
	require.NotContains(t, broker.said.String(), "Login failed")
}
