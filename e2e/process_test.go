package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// process is a program that can be started, killed and started again; what it says is kept.
type process struct {
	name string
	path string
	args []string
	env  []string
	dir  string

	cmd  *exec.Cmd
	said *transcript
}

// transcript is what a program wrote, over all of its starts.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (s *transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

// String is what was written so far.
func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (p *process) start(t *testing.T) {
	t.Helper()
	if p.said == nil {
		p.said = &transcript{}
	}
	p.cmd = exec.Command(p.path, p.args...)
	p.cmd.Dir, p.cmd.Env = p.dir, append(environment(), p.env...)
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	require.NoError(t, p.cmd.Start(), "start %s", p.name)
}

// environment is that of the test without the settings of the programs that it starts.
func environment() []string {
	var out []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TYK_") && !strings.HasPrefix(v, "GATEHOUSE_") {
			out = append(out, v)
		}
	}
	return out
}

// stop ends the program with a signal and waits until it is gone.
func (p *process) stop(signal syscall.Signal) {
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	_ = p.cmd.Process.Signal(signal)
	done := make(chan struct{})
	go func() { _ = p.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-done
	}
	p.cmd = nil
}

// freePort is one that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// eventually asks until ok holds, and returns how long that took. Past the deadline it fails with what was last seen.
func eventually(t *testing.T, within time.Duration, what string, ok func() (bool, string)) time.Duration {
	t.Helper()
	start := time.Now()
	for last := ""; ; {
		held, seen := ok()
		if held {
			return time.Since(start)
		}
		last = seen
		if time.Since(start) > within {
			t.Fatalf("%s: not within %s; last seen: %s", what, within, last)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// write makes a file of a folder.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// tail is the last lines of a program's words, for failures.
func (p *process) tail(n int) string {
	if p.said == nil {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(p.said.String()), "\n")
	return fmt.Sprintf("the last words of %s:\n%s", p.name, strings.Join(lines[max(0, len(lines)-n):], "\n"))
}
