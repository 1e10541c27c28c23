package rulebook_test

import (
	"bytes"
	"context"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/graph"
	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/permission"
	"gatehouse/internal/rulebook"
	"gatehouse/internal/rules"
	"gatehouse/internal/rules/rulestest"
	"gatehouse/store"
)

// book is a guard over one organisation with a text; "" has none.
func book(text string, allowReset bool) *rulebook.Book {
	org := core.NewOrganisation(core.Meta{ID: "org"}, core.Document(`{}`))
	org.OpenPolicy.Rules = text
	return rulebook.New(rulebook.Options{
		Enabled: true, Default: authz.Rules{AllowAdminResetPassword: allowReset}, Engine: rules.New(rules.Options{}),
		Organisation: func(context.Context, string) (*core.Organisation, error) { return org, nil },
		GroupName:    func(context.Context, string, string) (string, error) { return "", nil },
		Api:          func(context.Context, string) (core.Document, error) { return nil, nil },
	})
}

// verdict is what a guard says of a call, its document included.
func verdict(t *testing.T, g authz.Guard, a authz.Actor, c authz.Call) error {
	ctx := authz.WithCall(authz.With(t.Context(), a))
	if err := g.Check(ctx, a, c); err != nil {
		return err
	}
	_, err := authz.Judged(ctx, core.Document(`{"name":"x"}`))
	return err
}

// TestTheGuardAndOurRulesAgree asks the guard in Go, the built-in rules in Rego and, where it is at hand,
// the documented
// default text about random users, operations and ids.
//
// They may differ in two ways, and in no other. What everybody may do for themselves is above rules, so that no text is
// asked: the documented one denies a person who has users: deny themselves. And the words of a refusal are
// each one's own.
func TestTheGuardAndOurRulesAgree(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var operations []authz.Operation
	for _, op := range graph.Operations() {
		if op.Permission != authz.PermissionAdmin && op.Permission != authz.PermissionIsAdmin && op.Name != "changes" {
			operations = append(operations, op)
		}
	}
	slices.SortFunc(operations, func(a, b authz.Operation) int { return strings.Compare(a.Name, b.Name) })
	names := []string{permission.ResetPassword, "made_up"}
	for _, p := range permission.Known()[1:] {
		names = append(names, p.Name)
	}
	levels := []string{"deny", "read", "write", "admin", "own", ""}
	texts := map[string]string{"our rules": rules.Default}
	if documented, ok := rulestest.At(); ok {
		texts["the documented text"] = documented.Default
	}
	for _, allowReset := range []bool{false, true} {
		guard := authz.Rules{AllowAdminResetPassword: allowReset}
		books := map[string]*rulebook.Book{}
		for name, text := range texts {
			books[name] = book(text, allowReset)
		}
		allowed := 0
		const tries = 600
		for range tries {
			set := permission.Set{}
			for range random.IntN(6) {
				set[names[random.IntN(len(names))]] = levels[random.IntN(len(levels))]
			}
			op := operations[random.IntN(len(operations))]
			if random.IntN(2) == 0 {
				set[op.Permission] = levels[random.IntN(len(levels))]
			}
			if random.IntN(3) == 0 {
				set[permission.IsAdmin] = "admin"
			}
			id := []string{"ada", "jo", "keys", "me", "a/b", "jo/", "..", "5d7f6ae2bc5f2c0001e0c1aa"}[random.IntN(8)]
			actor := authz.Actor{User: &core.User{
				Meta: core.Meta{ID: "jo", OrgID: "org"}, Active: random.IntN(10) > 0, Permissions: set,
				Document: core.Document(`{"first_name":"Jo","user_permissions":{}}`),
			}}
			c := op.Call(func(string) string { return id })
			want := guard.Check(t.Context(), actor, c)
			if want == nil {
				allowed++
			}
			for name, b := range books {
				got := verdict(t, b, actor, c)
				require.Equal(t, core.CodeOf(want), core.CodeOf(got), "%s: %s of %s by %v (active %v): %v, and the guard %v",
					name, op.Method, c.Route, set, actor.User.Active, got, want)
			}
		}
		require.Greater(t, allowed, tries/10, "calls that may be made are among those tried")
		require.Less(t, allowed, tries*9/10, "and calls that may not")
	}
}

func TestEveryOperationIsJudgedByARowOfItsPermission(t *testing.T) {
	table := rulebook.Table()
	for name, op := range graph.Operations() {
		if op.Permission == authz.PermissionAdmin || op.Permission == authz.PermissionNone || op.Permission == authz.PermissionOpen {
			continue
		}
		route := op.Call(func(string) string { return "5d7f6ae2bc5f2c0001e0c1aa" }).Route
		require.True(t, slices.ContainsFunc(table, func(r rules.Row) bool {
			return r.Permission == op.Permission && regexp.MustCompile(r.Expression).MatchString(route)
		}), "%s (%s) needs %s, and no row of the table says so", name, route, op.Permission)
	}
}

func TestPathsThatRulesSeeAreClean(t *testing.T) {
	op := authz.Operation{Method: "GET", Path: "/api/users/{id}/x", Permission: "users"}
	for id, want := range map[string]string{
		"1": "/api/users/1/x", "a/b": "/api/users/a%2Fb/x", "..": "/api/users/%2E%2E/x", ".": "/api/users/%2E/x",
		"me": "/api/users/me/x", "x?y#z": "/api/users/x%3Fy%23z/x", "é": "/api/users/%C3%A9/x", "{id}": "/api/users/%7Bid%7D/x",
		"a\nb": "/api/users/a%0Ab/x",
	} {
		err := verdict(t, book(`deny[x] { x := input.request.path }`, false), authz.Actor{User: &core.User{
			Meta: core.Meta{ID: "jo", OrgID: "org"}, Active: true, Document: core.Document(`{}`),
		}}, op.Call(func(string) string { return id }))
		require.Equal(t, "access denied: "+want, core.AsError(err).Message)
	}
}

func TestADocumentThatRulesHaveNotJudgedIsNotWritten(t *testing.T) {
	a := authz.Actor{User: &core.User{Meta: core.Meta{ID: "jo", OrgID: "org"}, Active: true, Document: core.Document(`{}`)}}
	op := graph.Operations()["updateApi"]
	b := book(`patch_request[x] { x := {"api_definition": {"name": "patched"}} }`, false)
	ctx := authz.WithCall(t.Context())
	require.NoError(t, store.MayWrite(ctx))
	require.NoError(t, b.Check(ctx, a, op.Call(func(string) string { return "1" })))
	require.Equal(t, core.CodeInternal, core.CodeOf(store.MayWrite(ctx)), "nothing is written before")
	doc, err := authz.Judged(ctx, core.Document(`{"api_definition":{"name":"x","api_id":"1"}}`))
	require.NoError(t, err)
	require.JSONEq(t, `{"api_definition":{"name":"patched","api_id":"1"}}`, string(doc))
	require.NoError(t, store.MayWrite(ctx))
	require.Equal(t, core.CodeInternal, core.CodeOf(b.Check(t.Context(), a, op.Call(func(string) string { return "1" }))),
		"and what cannot be judged later is not let through")
}

func TestAPatchOfRulesChangesNeitherOwnersNorIds(t *testing.T) {
	a := authz.Actor{User: &core.User{Meta: core.Meta{ID: "jo", OrgID: "org"}, Active: true, Document: core.Document(`{}`)}}
	for _, patch := range []string{
		`{"org_id": "other"}`, `{"id": null}`, `{"api_definition": {"org_id": "other"}}`, `{"api_definition": {"api_id": "2"}}`,
		`{"api_definition": null}`, `{"password": "x"}`, `{"access_key": "x"}`,
	} {
		ctx := authz.WithCall(t.Context())
		b := book(`patch_request[x] { x := `+patch+` }`, false)
		require.NoError(t, b.Check(ctx, a, graph.Operations()["updateApi"].Call(func(string) string { return "1" })))
		_, err := authz.Judged(ctx, core.Document(`{"id":"1","org_id":"org","api_definition":{"org_id":"org","api_id":"1"}}`))
		require.Equal(t, core.CodeForbidden, core.CodeOf(err), patch)
		require.Error(t, store.MayWrite(ctx), patch)
	}
}

func TestTheRulesOfTheServerAreReadAgainWhenTheyChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dashboard.rego")
	org := core.NewOrganisation(core.Meta{ID: "org"}, core.Document(`{}`))
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	b := rulebook.New(rulebook.Options{Enabled: true, Engine: rules.New(rules.Options{}), File: path, FileEvery: time.Nanosecond, Log: logger,
		Organisation: func(context.Context, string) (*core.Organisation, error) { return org, nil }})
	require.Equal(t, rules.Default, b.Text(org), "there is no file")
	write := func(text string, at int) {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		require.NoError(t, os.Chtimes(path, time.Time{}, time.Unix(int64(at), 0)))
	}
	write(`deny["a"] { true }`, 1)
	require.Equal(t, `deny["a"] { true }`, b.Text(org))
	write(`deny["b"] { true }`, 2)
	require.Equal(t, `deny["b"] { true }`, b.Text(org))
	write(`deny[`, 3)
	require.Equal(t, `deny["b"] { true }`, b.Text(org), "one that cannot be used changes nothing")
	require.Contains(t, log.String(), "cannot be used")
	org.OpenPolicy.Rules = `deny["own"] { true }`
	require.Equal(t, `deny["own"] { true }`, b.Text(org), "the organisation's own comes first")
	org.OpenPolicy.Rules = ""
	require.NoError(t, os.Remove(path))
	require.Equal(t, rules.Default, b.Text(org))
}

func BenchmarkGuard(b *testing.B) {
	user := authz.Actor{User: &core.User{
		Meta: core.Meta{ID: "jo", OrgID: "org"}, Active: true, Permissions: permission.Set{"apis": "write", "keys": "read"},
		Document: core.Document(`{"first_name":"Jo","last_name":"D","email_address":"jo@example.org","active":true,"user_permissions":{"apis":"write","keys":"read"}}`),
	}}
	body := core.Document(`{"api_definition":{"name":"Pets","active":true,"config_data":{` +
		strings.TrimSuffix(strings.Repeat(`"k%":{"method":"GET","path":"/pets","tags":["a","b"],"rate":100,"per":60},`, 100), ",") + `}}}`)
	for i := range 100 {
		body = core.Document(strings.Replace(string(body), "%", strconv.Itoa(i), 1))
	}
	ops := graph.Operations()
	read, write := ops["api"], ops["updateApi"]
	with := func(text string) *rulebook.Book { return book(text, false) }
	reading := rules.Default + "\ndeny[\"no\"] { request_permission.apis; old := TykAPIGet(input.request.path); d := TykDiff(old, input.request.body); d.api_definition.never }"
	for _, bm := range []struct {
		name string
		book *rulebook.Book
		op   authz.Operation
	}{
		{"built-in rules in Go/GET", with(""), read},
		{"default rules in Rego/GET", with(rules.Default), read},
		{"default rules in Rego/PUT of 8 KB", with(rules.Default), write},
		{"rules that diff/PUT of 8 KB", rulebook.New(rulebook.Options{
			Enabled: true, Engine: rules.New(rules.Options{}),
			Organisation: func(context.Context, string) (*core.Organisation, error) {
				o := core.NewOrganisation(core.Meta{ID: "org"}, core.Document(`{}`))
				o.OpenPolicy.Rules = reading
				return o, nil
			},
			GroupName: func(context.Context, string, string) (string, error) { return "", nil },
			Api:       func(context.Context, string) (core.Document, error) { return body, nil },
		}), write},
	} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			c := bm.op.Call(func(string) string { return "5d7f6ae2bc5f2c0001e0c1aa" })
			for b.Loop() {
				ctx := authz.WithCall(b.Context())
				if err := bm.book.Check(ctx, user, c); err != nil {
					b.Fatal(err)
				}
				if bm.op.Method == "PUT" {
					if _, err := authz.Judged(ctx, body); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// BenchmarkManyOrganisations measures what rules of their own cost that a thousand organisations have, each judged once:
// the memory that is held in the end; the time is that of a thousand first uses.
func BenchmarkManyOrganisations(b *testing.B) {
	const organisations = 1000
	op := graph.Operations()["apis"]
	for b.Loop() {
		texts := map[string]*core.Organisation{}
		book := rulebook.New(rulebook.Options{
			Enabled: true, Engine: rules.New(rules.Options{}),
			Organisation: func(_ context.Context, id string) (*core.Organisation, error) { return texts[id], nil },
			GroupName:    func(context.Context, string, string) (string, error) { return "", nil },
		})
		for i := range organisations {
			o := core.NewOrganisation(core.Meta{ID: strconv.Itoa(i)}, core.Document(`{}`))
			o.OpenPolicy.Rules = rules.Default + "\ndeny[\"no\"] { input.user.id == \"" + strconv.Itoa(i) + "\" }\n"
			texts[o.ID] = o
		}
		for i := range organisations {
			jo := &core.User{Meta: core.Meta{ID: "jo", OrgID: strconv.Itoa(i)}, Active: true,
				Permissions: permission.Set{"apis": "read"}, Document: core.Document(`{}`)}
			c := op.Call(func(string) string { return "" })
			if err := book.Check(authz.WithCall(b.Context()), authz.Actor{User: jo}, c); err != nil {
				b.Fatal(err)
			}
		}
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "MB-held")
		runtime.KeepAlive(book)
	}
}
