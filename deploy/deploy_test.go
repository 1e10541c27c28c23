// Package deploy_test judges what Gatehouse is deployed with as far as that goes without a container engine: the files
// that are copied exist, every setting is one and is allowed, and ports and secrets are those of the other side. Nothing
// is built and no image is fetched.
package deploy_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"gatehouse/internal/config"
)

// service is the part of a service of compose.yaml that is judged here.
type service struct {
	Image       string
	Build       string
	Ports       []string
	Environment map[string]string
	Configs     []struct{ Source, Target string }
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	Healthcheck struct{ Test []string }
}

type compose struct {
	Services map[string]service
	Configs  map[string]struct{ File string }
	Volumes  map[string]any
}

func readCompose(t *testing.T) compose {
	t.Helper()
	data, err := os.ReadFile("../compose.yaml")
	require.NoError(t, err)
	var out compose
	require.NoError(t, yaml.Unmarshal(data, &out))
	require.Subset(t, slices.Collect(maps.Keys(out.Services)), []string{"gatehouse", "gateway", "redis", "echo", "example"})
	return out
}

var variable = regexp.MustCompile(`\$\{(\w+):-([^}]*)\}`)

// environment is that of a service where .env sets nothing.
func (s service) environment() map[string]string {
	out := map[string]string{}
	for name, value := range s.Environment {
		out[name] = variable.ReplaceAllString(value, "$2")
	}
	return out
}

func load(t *testing.T, environment map[string]string) *config.Loaded {
	t.Helper()
	var env []string
	known := map[string]bool{}
	for _, f := range config.Fields() {
		known[f.Variable] = true
	}
	for name, value := range environment {
		require.True(t, known[name], "%s is no setting", name)
		env = append(env, name+"="+value)
	}
	loaded, err := config.Load(config.Sources{Env: env})
	require.NoError(t, err)
	require.Empty(t, loaded.Idle)
	require.Empty(t, loaded.WithoutEffect())
	return loaded
}

func TestTheComposedGatehouseStartsWithItsEnvironment(t *testing.T) {
	c := readCompose(t)
	cfg := load(t, c.Services["gatehouse"].environment()).Config
	require.Equal(t, []string{"redis:6379"}, cfg.RedisAddresses())
	require.Equal(t, "http://gateway:8080", cfg.GatewayAPIURL())
	require.Equal(t, []string{"127.0.0.1:3000:3000"}, c.Services["gatehouse"].Ports)
	require.Equal(t, ":3000", cfg.Address())

	gateway := c.Services["gateway"].environment()
	for name, want := range map[string]string{
		"TYK_GW_LISTENPORT": cfg.TykAPI.Port, "TYK_GW_SECRET": cfg.TykAPI.Secret, "TYK_GW_NODESECRET": cfg.SharedNodeSecret,
		"TYK_GW_SECURITY_PRIVATECERTIFICATEENCODINGSECRET": cfg.Security.PrivateCertificateEncodingSecret,
		"TYK_GW_DBAPPCONFOPTIONS_CONNECTIONSTRING":         "http://gatehouse:3000",
		"TYK_GW_POLICIES_POLICYCONNECTIONSTRING":           "http://gatehouse:3000",
		"TYK_GW_STORAGE_HOST":                              "redis", "TYK_GW_STORAGE_PORT": "6379",
		"TYK_GW_USEDBAPPCONFIGS": "true", "TYK_GW_POLICIES_POLICYSOURCE": "service",
	} {
		require.Equal(t, want, gateway[name], name)
	}
	require.Equal(t, cfg.AdminSecret, c.Services["example"].environment()["ADMIN_SECRET"])
}

func TestWhatIsComposedListensOnTheLoopbackAndIsPinned(t *testing.T) {
	c := readCompose(t)
	secrets := map[string]bool{}
	for name, s := range c.Services {
		for _, port := range s.Ports {
			require.True(t, strings.HasPrefix(port, "127.0.0.1:"), "%s listens on %s", name, port)
		}
		if s.Build == "" {
			require.Regexp(t, `^[a-z0-9/-]+:v?\d+\.\d+`, s.Image, "%s has no version, or names a host", name)
		}
		for other, condition := range s.DependsOn {
			require.Contains(t, c.Services, other)
			if condition.Condition == "service_healthy" && other != "gatehouse" {
				require.NotEmpty(t, c.Services[other].Healthcheck.Test, "%s waits for the health of %s", name, other)
			}
		}
		for _, used := range s.Configs {
			require.FileExists(t, filepath.Join("..", c.Configs[used.Source].File))
		}
		for key, value := range s.Environment {
			for _, found := range variable.FindAllStringSubmatch(value, -1) {
				secrets[found[1]] = true
				require.Contains(t, found[2], "for-trying-out-only", key)
			}
			if strings.Contains(key, "SECRET") {
				require.Regexp(t, variable, value, "%s of %s can't be another one", key, name)
			}
		}
	}
	example, err := os.ReadFile("../.env.example")
	require.NoError(t, err)
	for secret := range secrets {
		require.Contains(t, string(example), secret+"=\n")
	}
}

func TestTheImageIsMadeOfWhatThereIs(t *testing.T) {
	data, err := os.ReadFile("../Dockerfile")
	require.NoError(t, err)
	text := strings.ReplaceAll(string(data), "\\\n", " ")
	_, last, found := strings.Cut(text[strings.LastIndex(text, "\nFROM "):], "\n")
	require.True(t, found)
	require.True(t, strings.HasPrefix(last, "FROM scratch\n"), "what is shipped holds the program alone")
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 3 || words[0] != "COPY" || strings.HasPrefix(words[1], "--from") {
			continue
		}
		for _, source := range words[1 : len(words)-1] {
			_, err := os.Stat(filepath.Join("..", source))
			require.NoError(t, err, line)
		}
	}
	require.Contains(t, text, "CGO_ENABLED=0")
	require.Regexp(t, `\nUSER [1-9]\d*:[1-9]\d*\n`, last)
	require.Contains(t, last, `CMD ["/gatehouse", "health"]`)

	environment := map[string]string{}
	for _, found := range regexp.MustCompile(`(?m)^ENV (\w+)=(\S+)$`).FindAllStringSubmatch(last, -1) {
		environment[found[1]] = found[2]
	}
	cfg := load(t, environment).Config
	require.Contains(t, last, "\nVOLUME "+cfg.Gatehouse.DataDir+"\n")
	require.Contains(t, last, "\nEXPOSE 3000\n")
	require.Equal(t, 3000, cfg.ListenPort)

	module, err := os.ReadFile("../go.mod")
	require.NoError(t, err)
	version := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(string(module))
	require.Contains(t, text, "FROM golang:"+version[1]+"-", "the image is built with the Go of go.mod")
}

func TestTheServiceIsOneThatSystemdTakes(t *testing.T) {
	data, err := os.ReadFile("gatehouse.service")
	require.NoError(t, err)
	for _, found := range regexp.MustCompile(`(?m)^Environment=(\w+)=`).FindAllStringSubmatch(string(data), -1) {
		require.True(t, slices.ContainsFunc(config.Fields(), func(f config.Field) bool { return f.Variable == found[1] }), found[1])
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("no systemd-analyze here: the unit is not verified")
	}
	// The program that it starts is not installed here; true stands in for it.
	program, err := exec.LookPath("true")
	require.NoError(t, err)
	unit := filepath.Join(t.TempDir(), "gatehouse.service")
	text := strings.ReplaceAll(string(data), "/usr/local/bin/gatehouse", program)
	require.NoError(t, os.WriteFile(unit, []byte(text), 0o600))
	said, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", unit).CombinedOutput()
	require.NoError(t, err, "%s", said)
	require.NotContains(t, string(said), "gatehouse.service")
}
