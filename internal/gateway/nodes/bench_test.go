package nodes_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/store"
	"gatehouse/store/sql"
)

// BenchmarkTwoHundredNodesPing measures what 200 nodes that ping every 2 s cost: an op is one ping, and after every 500
// of them, which is what comes in 5 s, the rows are written. The share of one core that the rate of the 200 takes is
// core-%.
func BenchmarkTwoHundredNodesPing(b *testing.B) {
	e, err := sql.Open(context.Background(), sql.Config{Type: "sqlite", DSN: filepath.Join(b.TempDir(), "gatehouse.db")})
	require.NoError(b, err)
	b.Cleanup(func() { _ = e.Close() })
	s := newServer(b, e)
	gateways := make([]*gateway, 200)
	for i := range gateways {
		gateways[i] = newGateway(s)
		gateways[i].register(b)
	}
	spent, pings := cpu(b), 0
	b.ReportAllocs()
	for b.Loop() {
		gateways[pings%len(gateways)].beat(b)
		if pings++; pings%500 == 0 {
			require.NoError(b, s.Flush(b.Context()))
		}
	}
	each := (cpu(b) - spent) / time.Duration(pings)
	b.ReportMetric(each.Seconds()*100*100, "core-%") // 200 nodes ping 100 times a second
}

// BenchmarkFeedOf10000Apis reads the feed of 10,000 definitions of 7 KB over HTTP, as a gateway does. peak-MB is the
// most memory that the process had meanwhile, the client and the database included.
func BenchmarkFeedOf10000Apis(b *testing.B) {
	e, err := sql.Open(context.Background(), sql.Config{Type: "sqlite", DSN: filepath.Join(b.TempDir(), "gatehouse.db")})
	require.NoError(b, err)
	b.Cleanup(func() { _ = e.Close() })
	s := newServer(b, e)
	for from := 0; from < 10_000; from += 100 {
		var writes []store.Change
		for i := range 100 {
			writes = append(writes, s.store.Apis.Creating(benchApi(from+i)))
		}
		require.NoError(b, s.store.Apply(b.Context(), writes...))
	}
	web := httptest.NewServer(s)
	b.Cleanup(web.Close)
	g := newGateway(s)
	g.register(b)
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // lets the peak start anew; without it, it is the higher one
	spent := cpu(b)
	for b.Loop() {
		req, err := http.NewRequestWithContext(b.Context(), "GET", web.URL+"/system/apis", nil)
		require.NoError(b, err)
		req.Header.Set("authorization", secret)
		req.Header.Set("x-tyk-nodeid", g.id)
		req.Header.Set("x-tyk-nonce", g.nonce)
		resp, err := web.Client().Do(req)
		require.NoError(b, err)
		n, err := io.Copy(io.Discard, resp.Body)
		require.NoError(b, err)
		require.NoError(b, resp.Body.Close())
		require.Greater(b, n, int64(10_000*7000))
		b.SetBytes(n)
	}
	require.Equal(b, 10_000, s.one(b).ApisServed)
	b.ReportMetric((cpu(b)-spent).Seconds()*1000/float64(b.N), "cpu-ms/op")
	b.ReportMetric(peak(b), "peak-MB")
}

// benchApi is an API whose definition has 7 KB, as those of real installations.
func benchApi(i int) *core.Api {
	var paths []string
	for n := range 44 {
		paths = append(
			paths,
			fmt.Sprintf(
				`{"path":"/resource/%d/items/{id}","method":"GET","ignore_case":false,"disabled":false,"timeout":30,"transform_headers":{"X-Request-Source":"gateway"}}`,
				n,
			),
		)
	}
	doc := core.Document(
		fmt.Sprintf(
			`{"api_definition":{"id":"%024x","api_id":"%032x","org_id":%q,"name":"API number %d","slug":"api-%d","active":true,"use_keyless":true,`+
				`"proxy":{"listen_path":"/api-%d/","target_url":"http://up.test","strip_listen_path":true},"version_data":{"not_versioned":true,"default_version":"",`+
				`"versions":{"Default":{"name":"Default","use_extended_paths":true,"extended_paths":{"x_paths":[%s]}}}}},"hook_references":[],"user_owners":[]}`,
			i,
			i,
			org,
			i,
			i,
			i,
			strings.Join(paths, ","),
		),
	)
	return core.NewApi(core.Meta{ID: fmt.Sprintf("%024x", i), OrgID: org}, doc)
}

// cpu is the processor time that this process took.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peak is the most memory that this process had, in MB.
func peak(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("there is no /proc to read the memory from")
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kb, err := strconv.Atoi(strings.Fields(rest)[0])
	require.NoError(b, err)
	return float64(kb) / 1024
}
