package main_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/internal/app"
	"gatehouse/internal/config"
	"gatehouse/internal/core"
	"gatehouse/internal/secret"
	"gatehouse/store"
	"gatehouse/store/sql"
)

const benchSecret = "the-admin-secret-of-benchmarks"

// program builds the program and returns its path.
func program(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "gatehouse")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	require.NoError(b, err, "%s", out)
	return path
}

// process is the real program, as people run it: the store in a file, the access log and metrics on.
type process struct {
	addr string
	cmd  *exec.Cmd
}

// start runs the program at path on a data directory and returns when it answers.
func start(b *testing.B, path, dir string) *process {
	b.Helper()
	cmd := exec.Command(path, "--port", "0", "--listen", "127.0.0.1", "--data-dir", dir)
	cmd.Env = append(os.Environ(), "TYK_DB_ADMINSECRET="+benchSecret, "GATEHOUSE_MAXBODYBYTES=104857600")
	if log, err := os.Create(filepath.Join(dir, "log")); err == nil {
		cmd.Stderr = log
		b.Cleanup(func() { _ = log.Close() })
	}
	out, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	s := &process{cmd: cmd}
	b.Cleanup(s.stop)
	lines := bufio.NewScanner(out)
	require.True(b, lines.Scan(), "the program ended at once")
	_, addr, found := strings.Cut(lines.Text(), "http://")
	require.True(b, found, lines.Text())
	go func() { _, _ = io.Copy(io.Discard, out) }()
	_, port, _ := strings.Cut(addr, ":")
	s.addr = "127.0.0.1:" + port
	require.NoError(b, dial(b, s.addr).do(newRequest("GET", "/hello", "", "Accept: */*"), io.Discard))
	return s
}

// stop ends the program and waits for its end.
func (s *process) stop() {
	_ = s.cmd.Process.Signal(os.Interrupt)
	_ = s.cmd.Wait()
}

// cpuTime is what the process has used so far, of user and system time.
func (s *process) cpuTime(b *testing.B) time.Duration {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0 // only Linux tells
	}
	// The name of the program, in parentheses, may hold spaces.
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	var ticks int
	for _, i := range []int{11, 12} {
		n, err := strconv.Atoi(fields[i])
		require.NoError(b, err)
		ticks += n
	}
	return time.Duration(ticks) * time.Second / 100
}

// memory is the resident set of the process, and the part of it that is no mapped file, in MB.
func (s *process) memory(b *testing.B) (resident, anonymous float64) {
	b.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		b.Skipf("only Linux tells the memory of a process, not %s", runtime.GOOS)
	}
	for line := range strings.Lines(string(raw)) {
		var kb float64
		if _, err := fmt.Sscanf(line, "VmRSS: %f kB", &kb); err == nil {
			resident = kb / 1024
		}
		if _, err := fmt.Sscanf(line, "RssAnon: %f kB", &kb); err == nil {
			anonymous = kb / 1024
		}
	}
	return resident, anonymous
}

// The size of the installation that is measured.
const (
	seedApis     = 10_000
	seedPolicies = 20
	seedKeys     = 100_000
)

// seed fills a data directory past the edge, and returns the organisation and the access key of its administrator.
func seed(b *testing.B, dir string) (org, key string) {
	b.Helper()
	loaded, err := config.Load(
		config.Sources{Overrides: map[string]string{"gatehouse.data_dir": dir, "admin_secret": benchSecret}},
	)
	require.NoError(b, err)
	cfg := &loaded.Config
	engine, err := sql.Open(b.Context(), sql.Config{Type: "sqlite", DSN: cfg.Layer(config.LayerMain).WriteDSN()})
	require.NoError(b, err)
	s := store.New(engine)
	defer func() { require.NoError(b, s.Close()) }()
	keyring, err := secret.Load(dir, "")
	require.NoError(b, err)
	a, err := app.New(
		app.Options{Config: cfg, Store: s, Keyring: keyring, AdminSecret: benchSecret, Log: slog.New(slog.DiscardHandler)},
	)
	require.NoError(b, err)
	defer a.Close()
	made, err := a.Bootstrap(b.Context(), app.DefaultBootstrap())
	require.NoError(b, err)
	at := time.Now().Add(-24 * time.Hour).UTC()
	meta := func(id string, n int) core.Meta {
		return core.Meta{
			ID:        id,
			OrgID:     made.OrgID,
			CreatedAt: at.Add(time.Duration(n) * time.Millisecond).Truncate(time.Microsecond),
		}
	}
	fill(b, s, seedApis, func(n int) store.Change {
		return s.Apis.Creating(core.NewApi(meta(seedID(n), n), apiOf7KB(made.OrgID, n)))
	})
	fill(b, s, seedPolicies, func(n int) store.Change {
		doc := fmt.Sprintf(
			`{"_id":%q,"id":"","org_id":%q,"name":"Policy %d","active":true,"rate":1000,"per":60,"quota_max":-1,"access_rights":{%s},"tags":["gold"]}`,
			seedID(n),
			made.OrgID,
			n,
			rights(n, n+100, n+200, n+300, n+400),
		)
		return s.Policies.Creating(core.NewPolicy(meta(seedID(n), n), core.Document(doc)))
	})
	fill(b, s, seedKeys, func(n int) store.Change {
		return s.Keys.Creating(core.NewKey(meta(fmt.Sprintf("%016x", n*7919), n), session(made.OrgID, n)))
	})
	return made.OrgID, made.AccessKey
}

// fill writes n objects, many to a transaction.
func fill(b *testing.B, s *store.Store, n int, change func(n int) store.Change) {
	b.Helper()
	for done := 0; done < n; {
		var changes []store.Change
		for ; done < n && len(changes) < 1000; done++ {
			changes = append(changes, change(done))
		}
		require.NoError(b, s.Apply(context.Background(), changes...))
	}
}

func seedID(n int) string { return fmt.Sprintf("65e0f1a2b3c4d5e6%08x", n) }

func seedApiID(n int) string { return fmt.Sprintf("0123456789abcdef%016x", n) }

// apiOf7KB is the wrapped definition of an API, 7 KB as most are: a score of paths with their own limits.
func apiOf7KB(org string, n int) core.Document {
	category := "internal"
	if n%100 == 0 {
		category = "rare"
	}
	var paths []string
	for i := range 38 {
		paths = append(
			paths,
			fmt.Sprintf(
				`{"disabled":false,"path":"/resource/%d/{id}","method":"GET","timeout":30,"ignore_case":false,"method_actions":{"GET":{"action":"no_action","code":200,"data":"","headers":{}}}}`,
				i,
			),
		)
	}
	return core.Document(
		fmt.Sprintf(
			`{"api_model":{},"api_definition":{"id":%q,"api_id":%q,"org_id":%q,"name":"Service number %d #%s","slug":"service-%d",`+
				`"use_keyless":false,"use_standard_auth":true,"active":true,"domain":"","protocol":"http","proxy":{"listen_path":"/service-%d/","target_url":"http://upstream-%d.internal:8080","strip_listen_path":true},`+
				`"version_data":{"not_versioned":true,"versions":{"Default":{"name":"Default","use_extended_paths":true,"extended_paths":{"ignored":[%s]}}}},`+
				`"auth":{"auth_header_name":"Authorization"},"tags":["edge"],"config_data":{}},"hook_references":[],"user_owners":[],"user_group_owners":[],"is_site":false,"sort_by":0}`,
			seedID(n),
			seedApiID(n),
			org,
			n,
			category,
			n,
			n,
			n,
			strings.Join(paths, ","),
		),
	)
}

// session is that of a key of one of the policies, with rights of its own to one API.
func session(org string, n int) core.Document {
	return core.Document(
		fmt.Sprintf(
			`{"last_check":0,"allowance":1000,"rate":1000,"per":60,"expires":0,"quota_max":-1,"quota_renews":0,"quota_remaining":-1,"quota_renewal_rate":60,`+
				`"access_rights":{%s},"org_id":%q,"apply_policies":[%q],"alias":"customer %d","tags":["gold","team-%d"],"is_inactive":false,"meta_data":{"contract":"%d","contact":"someone@customer-%d.example"}}`,
			rights(n%seedApis),
			org,
			seedID(n%seedPolicies),
			n,
			n%50,
			n,
			n,
		),
	)
}

func rights(apis ...int) string {
	var out []string
	for _, n := range apis {
		out = append(
			out,
			fmt.Sprintf(
				`%q:{"api_id":%q,"api_name":"Service number %d","versions":["Default"],"allowed_urls":[],"limit":null}`,
				seedApiID(n),
				seedApiID(n),
				n,
			),
		)
	}
	return strings.Join(out, ",")
}
