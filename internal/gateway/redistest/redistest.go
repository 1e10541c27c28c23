// Package redistest runs real Redis servers for tests: private ones, which a test may kill and start again.
package redistest

import (
	"context"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// Server is a Redis of a test's own, on the loopback. It ends with the test.
type Server struct {
	// Addr is its host:port, the same after each Start.
	Addr string
	// Dir is its folder.
	Dir string

	args []string
	cmd  *exec.Cmd
	// client is made when it is asked for.
	client *redis.Client
}

// Start runs a Redis that keeps nothing on disk, unless the arguments say otherwise. Where redis-server is not
// installed, the test is skipped with a line that says what to install.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	addr := FreeAddress(t)
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	return StartAt(t, addr, append([]string{"--port", port, "--save", "", "--appendonly", "no"}, args...)...)
}

// StartAt runs redis-server with just these arguments, which make it listen on addr.
func StartAt(t testing.TB, addr string, args ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("no redis-server on this machine; install the Debian package redis-server")
	}
	s := &Server{Addr: addr, Dir: t.TempDir(), args: append(args, "--bind", "127.0.0.1")}
	s.Start(t)
	t.Cleanup(s.Kill)
	return s
}

// Start runs the server again, after Kill, and returns when it listens.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.cmd = exec.Command("redis-server", s.args...)
	s.cmd.Dir, s.cmd.Stderr = s.Dir, os.Stderr
	require.NoError(t, s.cmd.Start())
	require.Eventually(t, func() bool {
		conn, err := (&net.Dialer{Timeout: time.Second}).Dial("tcp", s.Addr)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, 20*time.Second, 10*time.Millisecond, "redis-server listens")
}

// Kill is kill -9.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait() // it was killed
}

// FreeAddress is one on the loopback that nobody listens on. Its port is none of those that connections get, which
// could take it before a server does.
func FreeAddress(t testing.TB) string {
	t.Helper()
	for range 1000 {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(10_000+rand.IntN(10_000))) //nolint:gosec // any will do
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
		if err == nil {
			_ = l.Close()
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}
