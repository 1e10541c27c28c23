package app_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/internal/audit"
	"gatehouse/rest"
	"gatehouse/store"
)

// secretMarker is a text that stands in the place of every secret.
const secretMarker = "Mark3r-that-nobody-may-read"

// secretive is a document that has a secret wherever documents have some.
const secretive = `{"name":"secretive-%d","org_id":"","target_path":"http://x.test","method":"GET","email_address":"s%d@x.test","password":"M",
	"access_key":"M","secret":"M","client_secret":"M","hmac_string":"M","jwt_data":{"secret":"M"},"basic_auth_data":{"password":"M"},
	"current_password":"M","new_password":"M","header_map":{"Authorization":"M","X-Api-Key":"M","Cookie":"M"},
	"api_definition":{"name":"secretive-%d","proxy":{"listen_path":"/secretive-%d/","target_url":"http://joe:M@x.test"},"jwt_source":"M",
		"auth":{"signature":{"secret":"M"}},"upstream_auth":{"basic_auth":{"password":"M"},"oauth":{"clients":[{"client_secret":"M"}]}}},
	"oauth_keys":{"M":"x"},"private":"-----BEGIN PRIVATE KEY-----M-----END PRIVATE KEY-----","nonce":"M","id_token":"M",
	"meta_data":{"api_key":"M","list":[{"key":"authorization","value":"M"},{"name":"x-tyk-authorization","value":"M"}]}}`

func TestNoSecretOfAnyOperationIsInARecordTheLogOrTheFile(t *testing.T) {
	t.Parallel()
	for _, place := range []string{"db", "json", "text"} {
		t.Run(place, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.log")
			env := []string{"GATEHOUSE_AUDIT_READS=true", "TYK_DB_AUDIT_DETAILEDRECORDING=true"}
			if place != "db" {
				env = append(env, "TYK_DB_AUDIT_PATH="+path, "TYK_DB_AUDIT_FORMAT="+place)
			}
			log := &lines{}
			s := apptest.New(t, apptest.WithEnv(env...), apptest.WithLog(slog.New(slog.NewJSONHandler(log, nil))),
				apptest.WithAccessLog(slog.New(slog.NewJSONHandler(log, nil))))
			n := putMarkers(t, s)
			require.Greater(t, n, 200, "the test has stopped to try")
			s.App.Close() // which writes what waits
			kept := log.String()
			if place == "db" {
				records := 0
				for r, err := range s.Store.AuditRecords.All(t.Context(), store.Query{Tenant: store.AllTenants(), Sort: "id"}) {
					require.NoError(t, err)
					kept += string(r.Document) + "\n"
					records++
				}
				require.Greater(t, records, n/2)
			} else {
				raw, err := os.ReadFile(path)
				require.NoError(t, err)
				require.Greater(t, len(raw), 100*n)
				kept += string(raw)
			}
			for _, line := range strings.Split(kept, "\n") {
				if strings.Contains(line, secretMarker) {
					require.Fail(t, "a secret is shown", "%.3000s", line)
				}
			}
		})
	}
}

// putMarkers sends the marker in the place of each secret of each operation, by both faces.
func putMarkers(t *testing.T, s *apptest.Server) (sent int) {
	t.Helper()
	document := func() string {
		sent++
		return strings.ReplaceAll(strings.NewReplacer("%d", fmt.Sprint(sent), `"M"`, `"`+secretMarker+`"`, "joe:M", "joe:"+secretMarker,
			"KEY-----M", "KEY-----"+secretMarker).Replace(secretive), "\n", "")
	}
	names := regexp.MustCompile(`\{(\w+)\}`)
	tokens := regexp.MustCompile(`/(keys|tokens|ssokey)/\{\w+\}`)
	as := []string{"Authorization: " + s.AccessKey, "admin-auth: " + apptest.AdminSecret}
	for _, route := range rest.Routes() {
		if strings.HasSuffix(route.Path, "/reload") || route.Operation == "proxyRequest" {
			continue
		}
		target := names.ReplaceAllString(route.Path, core24)
		if tokens.MatchString(route.Path) && !strings.HasPrefix(route.Path, "/admin/org/") {
			target = names.ReplaceAllString(tokens.ReplaceAllString(route.Path, "/$1/"+secretMarker), core24)
		}
		query := "?nonce=" + secretMarker + "&client_secret=" + secretMarker + "&code=" + secretMarker
		s.Do(t, route.Method, target+query, document(), append(as, "Cookie: a="+secretMarker)...)
		s.Do(t, route.Method, target, "", "Authorization: "+secretMarker, "admin-auth: "+secretMarker)
		sent++
	}
	schema := contract()
	for _, field := range append(schema.Mutation.Fields, schema.Query.Fields...) {
		if strings.HasPrefix(field.Name, "__") || strings.HasPrefix(field.Name, "reload") || field.Name == "proxyRequest" {
			continue
		}
		args := map[string]any{}
		for _, a := range field.Arguments {
			switch input := schema.Types[a.Type.Name()]; {
			case audit.IsSecret(a.Name) && a.Type.Name() != "JSON":
				args[a.Name] = secretMarker
			case a.Type.Name() == "JSON":
				args[a.Name] = document()
			case a.Type.Name() == "ID" && strings.Contains(strings.ToLower(field.Name), "key") && a.Name == "id" && !strings.Contains(field.Name, "User"):
				args[a.Name] = secretMarker
			case len(input.Fields) > 0:
				fields := map[string]any{}
				for _, f := range input.Fields {
					switch {
					case audit.IsSecret(f.Name) && f.Type.Name() == "String":
						fields[f.Name] = secretMarker
					case f.Type.Name() == "JSON" && f.Type.Elem == nil:
						fields[f.Name] = document()
					case f.Type.NonNull && f.Type.Name() == "String":
						fields[f.Name] = "x"
					}
				}
				args[a.Name] = fields
			case a.Type.NonNull && (a.Type.Name() == "ID" || a.Type.Name() == "String"):
				args[a.Name] = core24
			}
		}
		s.GraphQL(t, operation(schema, field, 0), args, as...)
		sent++
	}
	s.GraphQL(t, `{ me { id } }`, nil, "Authorization: "+secretMarker)
	return sent
}

const core24 = "5e9d9544a1dcd60001d0ed20"
