package main_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
)

// connections is how many clients ask at once where throughput is measured; where latency is, there is one.
const connections = 32

// nested is the query that reads 20 policies, their APIs, and 5 keys of each.
const nested = `{ policies(first: 20) { nodes { name apis { nodes { name listenPath } } keys(first: 5) { nodes { id alias } } } } }`

// BenchmarkServer measures the real program, over HTTP on the loopback, on an installation of 10,000 APIs and 100,000
// keys.
func BenchmarkServer(b *testing.B) {
	path, dir := program(b), b.TempDir()
	org, key := seed(b, dir)
	s := start(b, path, dir)
	one := seedID(seedApis / 2)
	deep := cursor(b, s, key)

	for _, c := range []struct {
		name        string
		connections int
		request     request
		// want is a gjson path into the answer, and what must be there: a fast wrong answer is no result.
		want, is string
	}{
		{"one API of 7 KB, REST", connections, get("/api/apis/"+one, key), "api_definition.id", one},
		{"one API of 7 KB, GraphQL", connections, query(`{ api(id: "`+one+`") { id name listenPath active } }`, key), "data.api.id", one},
		{"one API of 7 KB with its definition, GraphQL", connections, query(`{ api(id: "`+one+`") { definition } }`, key), "data.api.definition.api_definition.id", one},

		{"page of 10 APIs, REST", 1, get("/api/apis?p=1", key), "pages", "1000"},
		{"page of 10 APIs, REST, the 500th", 1, get("/api/apis?p=500", key), "apis.#", "10"},
		{"page of 10 APIs, REST, the 500th by name", 1, get("/api/apis?p=500&sort=name", key), "apis.#", "10"},
		{"page of 10 APIs, REST, of a rare category", 1, get("/api/apis?category=rare", key), "pages", "10"},
		{"page of 10 APIs, REST, of a frequent category", 1, get("/api/apis?category=internal", key), "pages", "990"},
		{"page of 10 APIs, REST, search with one match", 1, get("/api/apis?q=number+9999", key), "apis.#", "1"},
		{"page of 10 APIs, REST, search with many matches", 1, get("/api/apis?q=service", key), "pages", "1000"},
		{"page of 10 APIs, GraphQL", 1, query(`{ apis(first: 10) { nodes { id name } totalCount } }`, key), "data.apis.totalCount", "10000"},
		{"page of 10 APIs, GraphQL, behind a cursor", 1, query(`{ apis(first: 10, after: "`+deep+`") { nodes { id name } } }`, key), "data.apis.nodes.#", "10"},
		{"page of 10 APIs, GraphQL, of a rare category", 1, query(`{ apis(first: 10, filter: {categories: ["rare"]}) { nodes { id name } totalCount } }`, key), "data.apis.totalCount", "100"},

		{"100,000 keys by alias, one match", 1, query(`{ keys(first: 10, filter: {alias: "customer 99999"}) { nodes { id alias } totalCount } }`, key), "data.keys.totalCount", "1"},
		{"100,000 keys by alias, no match", 1, query(`{ keys(first: 10, filter: {alias: "nobody"}) { nodes { id alias } totalCount } }`, key), "data.keys.totalCount", "0"},
		{"100,000 keys by alias, all match", 1, query(`{ keys(first: 10, filter: {alias: "customer"}) { nodes { id alias } totalCount } }`, key), "data.keys.totalCount", "100000"},

		{"nested query", 1, query(nested, key), "data.policies.nodes.19.keys.nodes.#", "5"},
		{"nested query, 32 clients", connections, query(nested, key), "data.policies.nodes.19.apis.#", "5"},
		{"health", connections, newRequest("GET", "/hello", "", "Accept: */*"), "status", "ok"},
	} {
		b.Run(c.name, func(b *testing.B) {
			var body bytes.Buffer
			require.NoError(b, dial(b, s.addr).do(c.request, &body))
			require.Equal(b, c.is, gjson.GetBytes(body.Bytes(), c.want).String(), body.String())
			s.load(b, c.connections, always(c.request))
		})
	}

	create := newRequest("POST", "/api/keys", string(session(org, 1)), "Authorization: "+key)
	b.Run("create key", func(b *testing.B) { s.load(b, connections, always(create)) })
	b.Run("create key, one client", func(b *testing.B) { s.load(b, 1, always(create)) })

	b.Run("mixed", func(b *testing.B) {
		s.load(b, connections, func(n int64) request {
			switch {
			case n%10 == 0:
				return create
			case n%10 == 1:
				return get("/api/apis?p=1", key)
			case n%10 == 2:
				return query(nested, key)
			}
			return get("/api/apis/"+seedID(int(n*7919%seedApis+seedApis)%seedApis), key)
		})
	})

	imports := 0
	b.Run("import of 1,000 APIs", func(b *testing.B) {
		s.load(b, 1, func(int64) request {
			imports++
			return importOf1000(org, seedApis+imports*1000)
		})
		resident, _ := s.memory(b)
		b.ReportMetric(resident, "resident-MB") // after all that came before, too
	})
}

// cursor stands in the middle of the APIs.
func cursor(b *testing.B, s *process, key string) string {
	b.Helper()
	c := dial(b, s.addr)
	after := core.OffsetCursor(seedApis / 2)
	var body bytes.Buffer
	require.NoError(b, c.do(query(`{ apis(first: 1, after: "`+after+`") { pageInfo { endCursor } } }`, key), &body))
	return gjson.GetBytes(body.Bytes(), "data.apis.pageInfo.endCursor").Str
}

func importOf1000(org string, from int) request {
	apis := make([]string, 1000)
	for i := range apis {
		apis[i] = string(apiOf7KB(org, from+i))
	}
	return newRequest("POST", "/admin/apis/import", `{"apis":[`+strings.Join(apis, ",")+`]}`, "admin-auth: "+benchSecret)
}

// BenchmarkStart measures the time from the start of the process to its first answer: on nothing, where it makes the
// database, an organisation and an administrator, and on what that left.
func BenchmarkStart(b *testing.B) {
	path := program(b)
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			s := start(b, path, b.TempDir())
			b.StopTimer()
			s.stop()
			b.StartTimer()
		}
	})
	b.Run("second", func(b *testing.B) {
		dir := b.TempDir()
		start(b, path, dir).stop()
		for b.Loop() {
			s := start(b, path, dir)
			b.StopTimer()
			s.stop()
			b.StartTimer()
		}
	})
}

// BenchmarkIdle measures the resident memory of the program two seconds after its first start: all of it, and the part
// that is not pages of the program's file.
func BenchmarkIdle(b *testing.B) {
	s := start(b, program(b), b.TempDir())
	for b.Loop() {
		time.Sleep(2 * time.Second) // what is measured is that nothing happens
	}
	resident, anonymous := s.memory(b)
	b.ReportMetric(resident, "resident-MB")
	b.ReportMetric(anonymous, "anonymous-MB")
	b.ReportMetric(0, "ns/op")
}
