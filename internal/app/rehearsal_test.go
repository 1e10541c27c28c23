package app_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"gatehouse/internal/apptest"
	"gatehouse/internal/rules"
	"gatehouse/store"
)

func TestRulesAreRehearsedOnWhatWasDone(t *testing.T) {
	t.Parallel()
	srv := withRules(t)
	created := srv.rest(t, "POST", "/api/apis", fmt.Sprintf(petsAPI, "pets", "pets"))
	id := created.Get("Meta").Str
	require.NotEmpty(t, id, "%s", created.Body)
	writer, writerID := person(t, srv, "writer", `{apis: "write"}`)
	reader, _ := person(t, srv, "reader", `{apis: "read"}`)
	since := time.Now().Add(-time.Minute).Format(time.RFC3339)
	for _, r := range []apptest.Reply{
		srv.as(writer).graphql(t, `mutation { it: updateApi(id: "`+id+`", input: {name: "renamed"}) { name } }`),
		srv.as(writer).graphql(t, `mutation { it: updateApi(id: "`+id+`", input: {active: false}) { name } }`),
		srv.as(writer).graphql(t, `mutation { it: createApi(input: {name: "more", listenPath: "/more/", targetUrl: "http://x.test"}) { id } }`),
	} {
		require.Empty(t, r.Get("errors").Raw, "%s", r.Body)
	}
	refused := srv.as(reader).rest(t, "PUT", "/api/apis/"+id, fmt.Sprintf(petsAPI, "pets", "pets"))
	require.Equal(t, 403, refused.Status)
	require.Eventually(t, func() bool { // the record of a refusal is written behind it
		n, err := srv.Store.AuditRecords.Count(t.Context(), store.AllTenants(), store.Between("status", 403, 403))
		return err == nil && n > 0
	}, 5*time.Second, 5*time.Millisecond)

	rehearse := func(key, text string) apptest.Reply {
		return srv.as(key).graphql(t, `{ rehearseRules(rules: `+strconv.Quote(text)+`, since: "`+since+`") {
			judged more decisions { allowed reason partly record { operation userId url } } } }`)
	}
	decisions := func(text string) []gjson.Result {
		r := rehearse("", text)
		require.Empty(t, r.Get("errors").Raw, "%s", r.Body)
		require.GreaterOrEqual(t, r.Get("data.rehearseRules.judged").Int(), int64(6), "%s", r.Body)
		return r.Get("data.rehearseRules.decisions").Array()
	}
	before := dump(t, srv.Store, srv.OrgID)
	require.Empty(t, decisions(rules.Default), "the rules in force decide as they did")
	require.Empty(t, decisions(""))

	found := decisions(rules.Default + editors + `deny["nobody makes APIs"] { request_intent == "create"; request_permission.apis; not is_admin }`)
	require.Len(t, found, 1)
	require.Equal(t, "createApi", found[0].Get("record.operation").Str)
	require.Equal(t, writerID, found[0].Get("record.userId").Str)
	require.False(t, found[0].Get("allowed").Bool())
	require.Equal(t, "access denied: nobody makes APIs", found[0].Get("reason").Str)

	// What was changed is known, so that rules which compare find it.
	found = decisions(rules.Default + `deny["stays on"] { request_permission.apis; request_intent == "write"; d := TykDiff(TykAPIGet(input.request.path), input.request.body); not is_null(d.api_definition.active); input.request.method == "PUT" }`)
	require.Len(t, found, 1, "%v", found)
	require.Equal(t, "access denied: stays on", found[0].Get("reason").Str)
	require.False(t, found[0].Get("partly").Bool())

	// A draft that opens more tells of what was refused, without the document, which no record of a refusal has.
	found = decisions(`deny["no"] { input.request.method == "DELETE" }`)
	require.Len(t, found, 1)
	require.True(t, found[0].Get("allowed").Bool())
	require.True(t, found[0].Get("partly").Bool())
	require.Contains(t, found[0].Get("reason").Str, "You do not have permission")
	require.Equal(t, "/api/apis/"+id, found[0].Get("record.url").Str)
	same(t, before, dump(t, srv.Store, srv.OrgID), "a rehearsal changed something")

	require.Contains(t, rehearse("", "deny[x] { x := nobody }").Get("errors.0.message").Str, "line 1, column")
	require.Equal(t, "FORBIDDEN", rehearse(writer, rules.Default).Get("errors.0.extensions.code").Str)
	other := srv.admin(t, "POST", "/admin/organisations", `{"owner_name":"Other"}`).Get("Meta").Str
	made := srv.admin(t, "POST", "/admin/users", `{"org_id":"`+other+`","first_name":"O","last_name":"O","email_address":"o@example.org","active":true,"user_permissions":{"IsAdmin":"admin"}}`)
	theirs := rehearse(made.Get("Message").Str, `deny["no"] { not input.user.user_permissions.IsAdmin }`)
	require.Zero(t, theirs.Get("data.rehearseRules.judged").Int(), "%s", theirs.Body)
}
