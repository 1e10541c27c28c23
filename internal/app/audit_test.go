package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"gatehouse/internal/apptest"
)

// records reads the audit log by REST, the newest first, once it has the record of a request of its own that was
// refused: those that are written behind the calls are there by then.
func records(t testing.TB, s *apptest.Server, query string) []gjson.Result {
	t.Helper()
	mark := s.Do(t, "DELETE", "/api/apis/none", "", "Authorization: "+s.AccessKey)
	id := mark.Header.Get("X-Request-ID")
	require.Eventually(t, func() bool {
		r := s.Do(t, "GET", "/api/audit-logs?p=1&page_size=500", "", "Authorization: "+s.AccessKey)
		return strings.Contains(string(r.Body), id)
	}, 5*time.Second, 5*time.Millisecond)
	r := s.Do(t, "GET", "/api/audit-logs?p=1&page_size=500&"+query, "", "Authorization: "+s.AccessKey)
	require.Equal(t, 200, r.Status, "%s", r.Body)
	var out []gjson.Result
	for _, one := range r.Get("audit_logs").Array() {
		if one.Get("req_id").Str != id {
			out = append(out, one)
		}
	}
	return out
}

func TestChangesOfBothFacesAreRecordedWithWhatTheyChanged(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	made := s.REST(t, "POST", "/api/hooks", `{"name":"one","method":"GET","target_path":"http://x.test"}`)
	require.Equal(t, 200, made.Status, "%s", made.Body)
	id := made.Get("ID").Str
	r := s.GraphQL(t, `mutation($id: ID!) { updateWebhook(id: $id, input: {name: "two"}) { name } }`, map[string]any{"id": id})
	require.Empty(t, r.Get("errors").Raw)
	require.Equal(t, 200, s.REST(t, "DELETE", "/api/hooks/"+id, "").Status)

	got := records(t, s, "object=Webhook/"+id)
	require.Len(t, got, 3)
	for i, want := range []struct{ face, operation, action, method, url, diff string }{
		{"rest", "deleteWebhook", "Delete Webhook", "DELETE", "/api/hooks/" + id, "before"},
		{"graphql", "updateWebhook", "Update Webhook", "PUT", "/api/hooks/" + id, "after"},
		{"rest", "createWebhook", "Create Webhook", "POST", "/api/hooks", "after"},
	} {
		one := got[i]
		require.Equal(t, want.face, one.Get("face").Str, "%s", one.Raw)
		require.Equal(t, want.operation, one.Get("operation").Str)
		require.Equal(t, want.action, one.Get("action").Str)
		require.Equal(t, want.method, one.Get("method").Str)
		require.Equal(t, want.url, one.Get("url").Str)
		require.EqualValues(t, 200, one.Get("status").Int())
		require.Equal(t, s.UserID, one.Get("user_id").Str)
		require.Equal(t, s.OrgID, one.Get("org_id").Str)
		require.NotEmpty(t, one.Get("req_id").Str)
		require.True(t, one.Get("diff.Webhook/"+id+"."+want.diff).Exists(), "%s", one.Raw)
	}
	require.Equal(t, `{"name":"one"}`, got[1].Get("diff.Webhook/"+id+".before").Raw)
	require.Equal(t, `{"name":"two"}`, got[1].Get("diff.Webhook/"+id+".after").Raw)
}

func TestRefusalsAreRecorded(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	_, weak := user(t, s, s.OrgID, true, map[string]string{"apis": "read"})
	require.Equal(t, 403, s.Do(t, "DELETE", "/api/hooks/1", "", "Authorization: "+weak).Status)
	r := s.GraphQL(t, `mutation { deleteWebhook(id: "1") { id } }`, nil, "Authorization: "+weak)
	require.Equal(t, "FORBIDDEN", r.Get("errors.0.extensions.code").Str)
	require.Equal(t, 403, s.Do(t, "GET", "/api/keys", "", "Authorization: "+weak).Status)
	require.Equal(t, 401, s.Do(t, "GET", "/api/apis", "", "Authorization: wrong-key-of-somebody").Status)
	require.Equal(t, 401, s.Do(t, "GET", "/admin/organisations", "", "admin-auth: wrong-secret-of-somebody").Status)
	s.GraphQL(t, `{ me { id } }`, nil, "Authorization: wrong-key-of-somebody")

	got := records(t, s, "status=403")
	require.Len(t, got, 3)
	for _, one := range got {
		require.Equal(t, "FORBIDDEN", one.Get("code").Str)
	}
	all := s.Do(t, "GET", "/admin/audit-logs?status=401&page_size=100&p=1", "", "admin-auth: "+apptest.AdminSecret)
	require.Equal(t, 200, all.Status, "%s", all.Body)
	refused := all.Get("audit_logs").Array()
	require.Len(t, refused, 3, "%s", all.Body)
	require.NotContains(t, string(all.Body), "of-somebody")
	require.Equal(t, refused[0].Get("user").Str, refused[2].Get("user").Str, "the same key has the same hash")
	require.NotEqual(t, refused[0].Get("user").Str, refused[1].Get("user").Str)
	require.True(t, strings.HasPrefix(refused[0].Get("user").Str, "hmac:"), refused[0].Raw)
}

func TestReadsAreRecordedWhereTheConfigurationSaysSo(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	require.Equal(t, 200, s.REST(t, "GET", "/api/apis?p=1", "").Status)
	require.Empty(t, records(t, s, "method=GET"))
	s = apptest.New(t, apptest.WithEnv("GATEHOUSE_AUDIT_READS=true"))
	require.Equal(t, 200, s.REST(t, "GET", "/api/apis?p=1", "").Status)
	got := records(t, s, "method=GET&url=/api/apis")
	require.Len(t, got, 1)
	require.Equal(t, "/api/apis?p=1", got[0].Get("url").Str)
}

func TestAnOrganisationSeesItsOwnRecordsAlone(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	s.REST(t, "POST", "/api/hooks", `{"name":"one","method":"GET","target_path":"http://x.test"}`)
	require.NotEmpty(t, records(t, s, ""))
	_, other := s.Organisation(t, "other")
	r := s.Do(t, "GET", "/api/audit-logs?action=createWebhook", "", "Authorization: "+other)
	require.Equal(t, 200, r.Status)
	require.Empty(t, r.Get("audit_logs").Array(), "%s", r.Body)
	id := records(t, s, "action=Create+Webhook")[0].Get("_id").Str
	require.Equal(t, 404, s.Do(t, "GET", "/api/audit-logs/"+id, "", "Authorization: "+other).Status)
	require.Equal(t, 200, s.REST(t, "GET", "/api/audit-logs/"+id, "").Status)
	_, none := user(t, s, s.OrgID, true, map[string]string{"apis": "read"})
	require.Equal(t, 403, s.Do(t, "GET", "/api/audit-logs", "", "Authorization: "+none).Status)
}

func TestTheAuditLogIsAskedByEachOfItsFilters(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	one := s.REST(t, "POST", "/api/hooks", `{"name":"one","method":"GET","target_path":"http://x.test"}`).Get("ID").Str
	s.REST(t, "PUT", "/api/hooks/"+one, `{"name":"two","method":"GET","target_path":"http://x.test"}`)
	email := s.REST(t, "GET", "/api/users/me", "").Get("email_address").Str
	for query, want := range map[string]int{
		"user=" + s.UserID + "&object=Webhook/" + one: 2, "user=" + email + "&object=Webhook/" + one: 2,
		"user=nobody@x.test": 0, "action=updateWebhook": 1, "action=Update+Webhook": 1, "method=PUT": 1,
		"url=" + one: 1, "url=HOOKS&method=POST": 1, "ip=192.0.2.1": 2, "ip=192.0.2.7": 0, "status=200&object=Webhook/" + one: 2,
		"from_date=2000-01-01&to_date=2001-01-01": 0, "from_date=2000-01-01&method=PUT": 1,
	} {
		if strings.HasPrefix(query, "ip=192.0.2.1") {
			query += "&url=hooks"
		}
		require.Len(t, records(t, s, query), want, query)
	}
	for _, query := range []string{"status=x", "from_date=yesterday", "to_date=1", "type=xml", "from=yesterday", "User=jo"} {
		r := s.REST(t, "GET", "/api/audit-logs?"+query, "")
		require.Equal(t, 400, r.Status, query)
		if query == "from=yesterday" {
			require.Contains(t, r.Get("Message").Str, "from_date")
		}
	}
	r := s.GraphQL(t, `query($f: AuditRecordFilter) { auditRecords(filter: $f, first: 1) { totalCount pageInfo { hasNextPage endCursor }
		nodes { id at user operation objects diff diffText arguments status chain place hash previous } } }`,
		map[string]any{"f": map[string]any{"object": "Webhook/" + one, "failed": false}})
	require.Empty(t, r.Get("errors").Raw)
	require.EqualValues(t, 2, r.Get("data.auditRecords.totalCount").Int(), "%s", r.Body)
	require.Equal(t, "updateWebhook", r.Get("data.auditRecords.nodes.0.operation").Str)
	r = s.GraphQL(t, `query($f: AuditRecordFilter, $after: String) { auditRecords(filter: $f, first: 1, after: $after) { nodes { operation } pageInfo { hasNextPage } } }`,
		map[string]any{"f": map[string]any{"object": "Webhook/" + one}, "after": r.Get("data.auditRecords.pageInfo.endCursor").Str})
	require.Equal(t, "createWebhook", r.Get("data.auditRecords.nodes.0.operation").Str, "%s", r.Body)
	require.False(t, r.Get("data.auditRecords.pageInfo.hasNextPage").Bool())
}

func TestTheAuditLogIsDownloadedInEachForm(t *testing.T) {
	t.Parallel()
	s := apptest.New(t)
	s.REST(t, "POST", "/api/hooks", `{"name":"one","method":"GET","target_path":"http://x.test"}`)
	n := len(records(t, s, "")) + 1
	r := s.REST(t, "GET", "/api/audit-logs?download=true&type=csv", "")
	require.Equal(t, "text/csv; charset=utf-8", r.Header.Get("Content-Type"))
	require.Contains(t, r.Header.Get("Content-Disposition"), "audit-logs.csv")
	require.Equal(t, n+1, strings.Count(string(r.Body), "\n"), "%s", r.Body)
	r = s.REST(t, "GET", "/api/audit-logs?download=true&type=json", "")
	require.Len(t, gjson.ParseBytes(r.Body).Array(), n)
	r = s.REST(t, "GET", "/api/audit-logs?download=true&type=jsonl", "")
	lines := strings.Split(strings.TrimSpace(string(r.Body)), "\n")
	require.Len(t, lines, n)
	for _, line := range lines {
		require.True(t, gjson.Valid(line))
	}
}

func TestWhatIsMadeAndShownOnceIsInNoRecord(t *testing.T) {
	t.Parallel()
	s := apptest.New(t, apptest.WithEnv("GATEHOUSE_AUDIT_READS=true", "TYK_DB_AUDIT_DETAILEDRECORDING=true"))
	key := s.REST(t, "POST", "/api/keys", `{"access_rights":{},"apply_policies":[],"alias":"a"}`)
	user := s.REST(t, "POST", "/api/users", `{"first_name":"A","last_name":"B","email_address":"new@x.test","password":"correct-horse-battery","active":true,"user_permissions":{"apis":"read"}}`)
	require.Equal(t, 200, user.Status, "%s", user.Body)
	reset := s.GraphQL(t, `mutation($id: ID!) { resetUserKey(id: $id) { accessKey } }`, map[string]any{"id": user.Get("Meta.id").Str})
	s.REST(t, "GET", "/api/users/"+s.UserID, "")
	byAdmin := s.Do(t, "POST", "/admin/users", `{"first_name":"A","last_name":"B","email_address":"more@x.test","active":true,"user_permissions":{"apis":"read"},
		"org_id":"`+s.OrgID+`"}`, "admin-auth: "+apptest.AdminSecret)
	require.Len(t, byAdmin.Get("Message").Str, 32, "%s", byAdmin.Body)
	secrets := []string{s.AccessKey, apptest.AdminSecret, key.Get("key_id").Str, key.Get("Meta.key_id").Str, byAdmin.Get("Message").Str,
		byAdmin.Get("Meta.access_key").Str, reset.Get("data.resetUserKey.accessKey").Str, "correct-horse-battery"}
	got := records(t, s, "")
	require.Greater(t, len(got), 3)
	dumps := 0
	for _, one := range got {
		for _, text := range secrets {
			if len(text) > 12 {
				require.NotContains(t, one.Raw, text, text)
			}
		}
		if one.Get("response_dump").Str != "" {
			dumps++
		}
	}
	require.NotZero(t, dumps)
	for _, one := range got {
		if one.Get("operation").Str == "createUser" && one.Get("kind").Str == "" && one.Get("face").Str == "rest" {
			require.Contains(t, one.Get("request_dump").Str, "POST /api/users HTTP/1.1\n", "%s", one.Raw)
			require.Contains(t, one.Get("request_dump").Str, "Authorization: hmac:")
		}
	}
}
