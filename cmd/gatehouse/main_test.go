package main

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
)

// asProgram tells the binary of these tests to be the program: so it runs without being built a second time.
const asProgram = "GATEHOUSE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// patience is how long a test waits for what should take a moment.
const patience = 20 * time.Second

// command is the program with arguments and an environment of its own: NAME=value pairs and nothing inherited.
func command(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{asProgram + "=1", "HOME=" + cmd.Dir}, env...)
	return cmd
}

// run runs the program to its end.
func run(t *testing.T, env []string, args ...string) (stdout, stderr string, exitCode int) {
	t.Helper()
	cmd := command(t, env, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		require.ErrorAs(t, err, new(*exec.ExitError), "%s", errs.String())
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// server is a running program.
type server struct {
	dir, url  string
	out, errs *output
	cmd       *exec.Cmd
	exited    chan struct{}
	credentials
}

// credentials are what the first start prints. A later start of a test brings them along.
type credentials struct{ org, email, password, accessKey, adminSecret string }

var (
	urlLine    = regexp.MustCompile(`(?m)^Gatehouse serves (\S+)$`)
	credential = regexp.MustCompile(`(?m)^ {2}(organisation|e-mail|password|access key|admin secret) +(\S+)$`)
)

// start runs the program on a data directory and a free port of the loopback, and waits until it can be asked. It is
// killed at the end of the test, if the test has not ended it.
func start(t *testing.T, dir string, env ...string) *server {
	t.Helper()
	s := &server{dir: dir, out: &output{}, errs: &output{}, exited: make(chan struct{})}
	s.cmd = command(t, env, "--data-dir", dir, "--port", "0", "--listen", "127.0.0.1")
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.errs
	require.NoError(t, s.cmd.Start())
	go func() {
		_ = s.cmd.Wait() // the state of the process is what tests look at
		close(s.exited)
	}()
	t.Cleanup(s.kill)
	eventually(t, "the address", func() bool {
		select {
		case <-s.exited:
			require.Fail(t, "the program ended", "%s%s", s.out, s.errs)
		default:
		}
		found := urlLine.FindStringSubmatch(s.out.String())
		if found != nil {
			s.url = found[1]
		}
		return found != nil
	})
	return s
}

// startNew is start on an empty data directory; it waits for the credentials.
func startNew(t *testing.T, env ...string) *server {
	t.Helper()
	s := start(t, t.TempDir(), env...)
	eventually(t, "the credentials", func() bool { return strings.Contains(s.out.String(), "Keep it.") })
	s.credentials = printedCredentials(s.out.String())
	return s
}

func printedCredentials(text string) (c credentials) {
	for _, found := range credential.FindAllStringSubmatch(text, -1) {
		*map[string]*string{"organisation": &c.org, "e-mail": &c.email, "password": &c.password, "access key": &c.accessKey,
			"admin secret": &c.adminSecret}[found[1]] = found[2]
	}
	return c
}

// again starts the program anew on the data of a server that has ended.
func (s *server) again(t *testing.T, env ...string) *server {
	t.Helper()
	next := start(t, s.dir, env...)
	next.credentials = s.credentials
	return next
}

func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	<-s.exited
}

// terminate sends SIGTERM and returns the exit code.
func (s *server) terminate(t *testing.T) int {
	t.Helper()
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
	return s.exitCode(t)
}

func (s *server) exitCode(t *testing.T) int {
	t.Helper()
	select {
	case <-s.exited:
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		require.Fail(t, "the program did not end", "%s", s.errs)
		return -1
	}
}

// reply is an answer.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) get(path string) gjson.Result { return gjson.Get(r.body, path) }

// request sends a request; headers are "Name: value".
func (s *server) request(method, target, body string, headers ...string) (reply, error) {
	// the server's own time-outs end it
	r, err := http.NewRequest(method, s.url+target, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	return send(http.DefaultClient, r)
}

func send(client *http.Client, r *http.Request) (reply, error) {
	resp, err := client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(raw)}, err
}

// do sends a request to /api as the administrator, or to /admin with the admin secret, and wants the status.
func (s *server) do(t *testing.T, status int, method, target, body string) reply {
	t.Helper()
	r, err := s.request(method, target, body, s.credentialFor(target))
	require.NoError(t, err)
	require.Equal(t, status, r.status, "%s %s: %s", method, target, r.body)
	return r
}

func (s *server) credentialFor(target string) string {
	if strings.HasPrefix(target, "/admin/") {
		return "admin-auth: " + s.adminSecret
	}
	return "Authorization: " + s.accessKey
}

// eventually waits for a condition, looking often.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(2 * time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "waited %s for %s", patience, what)
	}
}

// output collects what a process writes while it runs.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

// String returns what was written so far.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// secrets holds what must never turn up in a log, by what it is.
type secrets map[string]string

func (s secrets) requireAbsent(t *testing.T, log string) {
	t.Helper()
	for _, what := range slices.Sorted(maps.Keys(s)) {
		require.NotEmpty(t, s[what], what)
		require.NotContains(t, log, s[what], "the log holds the %s", what)
	}
}
