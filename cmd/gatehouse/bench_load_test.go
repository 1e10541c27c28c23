package main_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// request is the text of a request, as it goes over the wire: the generator has to cost little, since it shares the
// machine with the server.
type request string

func get(path, key string) request { return newRequest("GET", path, "", "Authorization: "+key) }

// query is a GraphQL operation without variables.
func query(text, key string) request {
	return newRequest(
		"POST",
		"/graphql",
		fmt.Sprintf(`{"query":%q}`, text),
		"Authorization: "+key,
		"Content-Type: application/json",
	)
}

func newRequest(method, path, body string, headers ...string) request {
	return request(fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\nContent-Length: %d\r\n\r\n%s",
		method, path, strings.Join(headers, "\r\n"), len(body), body))
}

// client is a connection that is kept alive.
type client struct {
	conn   net.Conn
	reader *bufio.Reader
}

func dial(b *testing.B, addr string) *client {
	b.Helper()
	conn, err := new(net.Dialer).DialContext(b.Context(), "tcp", addr)
	require.NoError(b, err)
	b.Cleanup(func() { _ = conn.Close() })
	return &client{conn, bufio.NewReaderSize(conn, 16<<10)}
}

// do sends a request and copies the body of the answer to w. Any status but 200 is an error.
func (c *client) do(r request, w io.Writer) error {
	if _, err := io.WriteString(c.conn, string(r)); err != nil {
		return err
	}
	answer, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(answer.Body)
		return fmt.Errorf("%s: %s", answer.Status, text)
	}
	_, err = io.Copy(w, answer.Body)
	return err
}

// load runs b.N requests over so many connections and reports requests per second, latencies, and the CPU time that the
// server took for each: the number that says the same on a busy machine.
func (s *process) load(b *testing.B, connections int, next func(n int64) request) {
	b.Helper()
	clients := make([]*client, connections)
	for i := range clients {
		clients[i] = dial(b, s.addr)
		// A first round, so that connections, caches and statements are there.
		require.NoError(b, clients[i].do(next(-int64(i)-1), io.Discard))
	}
	var (
		taken atomic.Int64
		wg    sync.WaitGroup
		took  = make([][]time.Duration, connections)
		errs  = make(chan error, connections)
	)
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	cpu := s.cpuTime(b)
	b.ResetTimer()
	for i, c := range clients {
		wg.Go(func() {
			for n := taken.Add(1); n <= int64(b.N) && ctx.Err() == nil; n = taken.Add(1) {
				start := time.Now()
				if err := c.do(next(n), io.Discard); err != nil {
					errs <- err
					stop()
					return
				}
				took[i] = append(took[i], time.Since(start))
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	cpu = s.cpuTime(b) - cpu
	close(errs)
	for err := range errs {
		b.Error(err)
	}
	all := slices.Concat(took...)
	if b.Failed() || len(all) == 0 {
		return
	}
	slices.Sort(all)
	at := func(part float64) float64 {
		return float64(all[min(int(part*float64(len(all))), len(all)-1)].Microseconds()) / 1000
	}
	b.ReportMetric(0, "ns/op") // one of many at a time: latency and rate say more
	b.ReportMetric(float64(len(all))/b.Elapsed().Seconds(), "req/s")
	b.ReportMetric(at(.5), "p50-ms")
	b.ReportMetric(at(.99), "p99-ms")
	b.ReportMetric(float64(cpu.Microseconds())/float64(len(all)), "server-cpu-µs")
}

// always sends the same request.
func always(r request) func(int64) request { return func(int64) request { return r } }
