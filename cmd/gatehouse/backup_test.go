package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// writing makes APIs, each with a policy that names it, until stop; it returns what was acknowledged before mark, by
// path.
func writing(s *server, mark *atomic.Bool) (stop func() map[string]string) {
	var mu sync.Mutex
	before, done := map[string]string{}, make(chan struct{})
	var running sync.WaitGroup
	for client := range 3 {
		running.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
				}
				early := !mark.Load()
				body := fmt.Sprintf(
					`{"api_definition":{"name":"B %d %d","unknown":{"b":1,"a":[1.0,2]},"proxy":{"listen_path":"/b-%d-%d/"}}}`,
					client,
					n,
					client,
					n,
				)
				made, err := s.request("POST", "/api/apis", body, "Authorization: "+s.accessKey)
				if err != nil || made.status != 200 || !early || mark.Load() {
					continue
				}
				path := "/api/apis/" + made.get("ID").Str
				if read, err := s.request("GET", path, "", "Authorization: "+s.accessKey); err == nil && read.status == 200 &&
					!mark.Load() {
					mu.Lock()
					before[path] = read.body
					mu.Unlock()
				}
			}
		})
	}
	return func() map[string]string {
		close(done)
		running.Wait()
		return before
	}
}

func dataDir(s string) []string { return []string{"GATEHOUSE_DATADIR=" + s} }

func TestABackupUnderLoadRestoresEverythingThatWasAcknowledgedByteForByte(t *testing.T) {
	t.Parallel()
	s := startNew(t)
	var mark atomic.Bool
	stop := writing(s, &mark)
	time.Sleep(500 * time.Millisecond) // for there to be something
	mark.Store(true)
	file := filepath.Join(t.TempDir(), "gatehouse.backup")
	stdout, stderr, code := run(t, dataDir(s.dir), "backup", "--with-key", file)
	kept := stop()
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "The encryption key is in it")
	require.NotEmpty(t, kept)
	info, err := os.Stat(file)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	_, stderr, code = run(t, dataDir(s.dir), "backup", file)
	assert.Equal(t, 1, code, "a backup is never replaced")
	assert.Contains(t, stderr, "exists")

	_, stderr, code = run(t, dataDir(s.dir), "restore", file)
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "--force")
	_, stderr, code = run(t, dataDir(s.dir), "restore", "--force", file)
	assert.Equal(t, 1, code, "a server runs")
	assert.Contains(t, stderr, "stop it first")

	dir := filepath.Join(t.TempDir(), "elsewhere")
	stdout, stderr, code = run(t, dataDir(dir), "restore", file)
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "restored the backup of")
	r := start(t, dir)
	r.credentials = s.credentials
	for path, body := range kept {
		require.Equal(t, body, r.do(t, 200, "GET", path, "").body)
	}
	total := r.do(t, 200, "GET", "/api/apis?p=0", "").get("apis.#").Int()
	graph, err := r.request(
		"POST",
		"/graphql",
		`{"query":"{ apis(first: 1) { totalCount } }"}`,
		"Authorization: "+r.accessKey,
		"Content-Type: application/json",
	)
	require.NoError(t, err)
	assert.Equal(t, total, graph.get("data.apis.totalCount").Int(), "what is counted is what is there")
	left, err := os.ReadDir(filepath.Dir(file))
	require.NoError(t, err)
	assert.Len(t, left, 1, "nothing else is left")
	raw, err := os.ReadFile(filepath.Join(dir, "gatehouse.db"))
	require.NoError(t, err)
	key, err := os.ReadFile(filepath.Join(dir, "encryption.key"))
	require.NoError(t, err)
	assert.NotContains(t, string(raw), strings.TrimSpace(string(key)), "the key does not stay in the database")
}

func TestARestoreWithoutItsKeySaysSoBeforeItMakesANewOne(t *testing.T) {
	t.Parallel()
	s := startNew(t)
	file := filepath.Join(t.TempDir(), "gatehouse.backup")
	stdout, stderr, code := run(t, dataDir(s.dir), "backup", file)
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "The encryption key is not in it: keep "+filepath.Join(s.dir, "encryption.key"))
	key, err := os.ReadFile(filepath.Join(s.dir, "encryption.key"))
	require.NoError(t, err)

	dir := t.TempDir()
	_, stderr, code = run(t, dataDir(dir), "restore", file)
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "the encryption key of this backup is missing")
	assert.Contains(t, stderr, "the access keys of 1 users")
	assert.Contains(t, stderr, "--new-key")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, left, "nothing was made")

	require.NoError(t, os.WriteFile(filepath.Join(dir, "encryption.key"), key, 0o600))
	_, stderr, code = run(t, dataDir(dir), "restore", file)
	require.Zero(t, code, stderr)
	r := start(t, dir)
	r.credentials = s.credentials
	r.do(t, 200, "GET", "/api/users/me", "")
	require.Zero(t, r.terminate(t))

	require.NoError(t, os.Remove(filepath.Join(dir, "encryption.key")))
	_, stderr, code = run(t, dataDir(dir), "serve", "--port", "0")
	assert.Equal(t, 1, code, "a server makes no new key for a database that needs the old one")
	assert.Contains(t, stderr, "the encryption key is missing")
	assert.NoFileExists(t, filepath.Join(dir, "encryption.key"))
}

func TestARestoreMovesAsideWhatWasThereAndRefusesADamagedBackup(t *testing.T) {
	t.Parallel()
	s := startNew(t)
	file := filepath.Join(t.TempDir(), "gatehouse.backup")
	_, stderr, code := run(t, dataDir(s.dir), "backup", file)
	require.Zero(t, code, stderr)
	later := s.do(t, 200, "POST", "/api/apis", `{"api_definition":{"name":"Later"}}`).get("ID").Str
	require.Zero(t, s.terminate(t))

	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	for name, bad := range map[string][]byte{"cut": raw[:len(raw)/2], "garbled": append(append([]byte{}, raw[:8192]...), make([]byte, len(raw)-8192)...), "foreign": []byte("a text")} {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, bad, 0o600))
		_, stderr, code = run(t, dataDir(s.dir), "restore", "--force", path)
		assert.Equal(t, 1, code, name)
		assert.Contains(t, stderr, "no backup", name)
	}
	s = s.again(t)
	s.do(t, 200, "GET", "/api/apis/"+later, "")
	require.Zero(t, s.terminate(t))

	stdout, stderr, code := run(t, dataDir(s.dir), "restore", "--force", file)
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, "What was there before is in")
	aside, err := filepath.Glob(filepath.Join(s.dir, "gatehouse.db.before-*"))
	require.NoError(t, err)
	assert.NotEmpty(t, aside)
	s = s.again(t)
	s.do(t, 400, "GET", "/api/apis/"+later, "")
}

func TestABackupOrRestoreThatIsKilledLeavesNothingHalfWritten(t *testing.T) {
	t.Parallel()
	s := startNew(t)
	for n := range 30 {
		s.do(
			t,
			200,
			"POST",
			"/api/apis",
			fmt.Sprintf(`{"api_definition":{"name":"K %d","large":%q}}`, n, strings.Repeat("x", 50_000)),
		)
	}
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole.backup")
	began := time.Now()
	_, stderr, code := run(t, dataDir(s.dir), "backup", whole)
	require.Zero(t, code, stderr)
	took := time.Since(began)
	require.Zero(t, s.terminate(t))
	kill := func(after time.Duration, args ...string) {
		cmd := command(t, dataDir(s.dir), args...)
		require.NoError(t, cmd.Start())
		time.Sleep(after)
		_ = cmd.Process.Signal(syscall.SIGKILL)
		_ = cmd.Wait()
	}
	for n := range 6 {
		file := filepath.Join(dir, fmt.Sprintf("killed-%d.backup", n))
		kill(took*time.Duration(n+1)/7, "backup", file)
		if _, err := os.Stat(file); err == nil {
			_, stderr, code = run(t, dataDir(t.TempDir()), "restore", "--new-key", file)
			assert.Zero(t, code, "a backup that is there is whole: %s", stderr)
		}
		kill(took*time.Duration(n+1)/7, "restore", "--force", whole)
		if _, err := os.Stat(filepath.Join(s.dir, "gatehouse.db-restore")); err == nil {
			_, stderr, code = run(t, dataDir(s.dir), "serve", "--port", "0")
			assert.Equal(t, 1, code)
			assert.Contains(t, stderr, "a restore was interrupted")
			_, stderr, code = run(t, dataDir(s.dir), "restore", whole)
			require.Zero(t, code, "it can be run again: %s", stderr)
		}
		s = s.again(t)
		require.EqualValues(t, 30, s.do(t, 200, "GET", "/api/apis?p=0", "").get("apis.#").Int())
		require.Zero(t, s.terminate(t))
	}
}

func TestOtherDatabasesAreBackedUpWithTheirOwnPrograms(t *testing.T) {
	t.Parallel()
	for kind, tool := range map[string]string{"postgres": "pg_dump", "mysql": "mysqldump", "mongo": "mongodump"} {
		dsn := map[string]string{"mongo": "mongodb://127.0.0.1:1/x"}[kind]
		if dsn == "" {
			dsn = kind + "://gatehouse:hunter2@127.0.0.1:1/x"
		}
		env := []string{"TYK_DB_STORAGE_MAIN_TYPE=" + kind, "TYK_DB_STORAGE_MAIN_CONNECTIONSTRING=" + dsn}
		_, stderr, code := run(t, env, "backup", filepath.Join(t.TempDir(), "x"))
		assert.Equal(t, 1, code)
		assert.Contains(t, stderr, tool)
	}
}

func TestTheDoctorSaysWhatIsWrongAndWhatToDo(t *testing.T) {
	t.Parallel()
	s := startNew(t)
	stdout, stderr, code := run(t, dataDir(s.dir), "doctor")
	require.Zero(t, code, "beside a running server: %s%s", stdout, stderr)
	assert.Contains(t, stdout, "holds together from its first page to the last")
	assert.Contains(t, stdout, "the encryption key opens them")
	secrets{"admin secret": s.adminSecret, "access key": s.accessKey}.requireAbsent(t, stdout)
	s.do(t, 200, "POST", "/api/apis", `{"api_definition":{"name":"Still writable"}}`)
	for n := range 30 {
		s.do(
			t,
			200,
			"POST",
			"/api/apis",
			fmt.Sprintf(`{"api_definition":{"name":"D %d","large":%q}}`, n, strings.Repeat("x", 20_000)),
		)
	}
	require.Zero(t, s.terminate(t))

	for name, c := range map[string]struct {
		env   []string
		spoil func(t *testing.T)
		says  []string
	}{
		"a configuration that is not allowed": {[]string{"TYK_DB_PAGESIZE=0"}, nil, []string{"fail  configuration", "page_size"}},
		"another encryption key":              {[]string{"GATEHOUSE_ENCRYPTIONKEY=another key, of enough length"}, nil, []string{"fail  sealed secrets", "bring the key of before", "encryption.key is not used"}},
		"an admin secret that is not used":    {[]string{"TYK_DB_ADMINSECRET=hunter2", "GATEHOUSE_ENCRYPTIONKEY=another key, of enough length"}, nil, []string{"admin.secret is not used"}},
		"a Redis that is not there":           {[]string{"TYK_DB_REDISHOST=127.0.0.1", "TYK_DB_REDISPORT=1"}, nil, []string{"fail  Redis", "does not answer"}},
		"a database that cannot be opened":    {[]string{"TYK_DB_STORAGE_MAIN_TYPE=sqlite", "TYK_DB_STORAGE_MAIN_CONNECTIONSTRING=" + t.TempDir()}, nil, []string{"fail  database", "cannot be looked through", "the right to read and write"}},
		"a PostgreSQL that is not there":      {[]string{"TYK_DB_STORAGE_MAIN_TYPE=postgres", "TYK_DB_STORAGE_MAIN_CONNECTIONSTRING=postgres://gatehouse:hunter2@127.0.0.1:1/x"}, nil, []string{"fail  database", "postgres cannot be used"}},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, code := run(t, append(dataDir(s.dir), c.env...), "doctor")
			assert.Equal(t, 1, code)
			assert.Contains(t, stderr, "checks failed")
			for _, want := range c.says {
				assert.Contains(t, stdout, want)
			}
			assert.NotContains(t, stdout+stderr, "hunter2")
			assert.NotContains(t, stdout+stderr, "of enough length")
		})
	}
	path := filepath.Join(s.dir, "gatehouse.db")
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(path, info.Size()/2/4096*4096))
	stdout, _, code = run(t, dataDir(s.dir), "doctor", "--json")
	assert.Equal(t, 1, code)
	assert.Contains(t, stdout, "the database is damaged")
	assert.Contains(t, stdout, "gatehouse restore --force")
	_, stderr, code = run(t, dataDir(s.dir), "serve", "--port", "0")
	assert.Equal(t, 1, code)
	assert.Contains(t, stderr, "the database is damaged")
}

func TestBootstrapWritesNoSecretThatTheServerIgnores(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stdout, stderr, code := run(t, dataDir(dir), "bootstrap")
	require.Zero(t, code, stderr)
	assert.NoFileExists(t, filepath.Join(dir, "admin.secret"), "the server may have another one configured")
	assert.Contains(t, stdout, "made by the first start of the server")

	s := start(t, dir, "TYK_DB_ADMINSECRET=the configured one")
	s.credentials = printedCredentials(stdout)
	s.do(t, 200, "GET", "/api/users/me", "")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "admin.secret"), []byte("left over from before\n"), 0o600))
	stdout, stderr, code = run(t, dataDir(dir), "bootstrap")
	require.Zero(t, code, stderr)
	assert.NotContains(t, stdout, "left over from before", "a secret that the server ignores")
	assert.NotContains(t, stdout, "the configured one")
	assert.Contains(t, stdout, "which the server ignores")
	require.NoError(t, os.Remove(filepath.Join(dir, "admin.secret")))
	_, stderr, code = run(
		t,
		append(dataDir(dir), "GATEHOUSE_ENCRYPTIONKEY=not the one of the server"),
		"bootstrap",
		"--email",
		"other@example.com",
	)
	assert.Equal(t, 1, code, "an access key that the server could not read is not made")
	assert.Contains(t, stderr, "the encryption key is not the one")
	assert.NoFileExists(t, filepath.Join(dir, "admin.secret"))
}
