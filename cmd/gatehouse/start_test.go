package main

import (
	stdsql "database/sql"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // to make a database look newer
)

func TestTheFirstStartPrintsCredentialsThatWork(t *testing.T) {
	s := startNew(t)
	assert.Contains(t, s.out.String(), "  playground    "+s.url+"/playground\n")
	assert.Equal(t, 200, mustGet(t, s, "/playground").status)
	me := s.do(t, 200, "GET", "/api/users/me", "")
	assert.Equal(t, s.email, me.get("email_address").Str)
	assert.Equal(t, s.org, me.get("org_id").Str)
	assert.Equal(t, s.org, s.do(t, 200, "GET", "/admin/organisations/"+s.org, "").get("id").Str)
	// Nothing but the change of one's own password asks for it.
	reset := "/api/users/" + me.get("id").Str + "/actions/reset"
	s.do(t, 403, "POST", reset, `{"current_password":"not it","new_password":"another one"}`)
	s.do(t, 200, "POST", reset, `{"current_password":"`+s.password+`","new_password":"another one"}`)
}

func mustGet(t *testing.T, s *server, target string) reply {
	t.Helper()
	r, err := s.request("GET", target, "")
	require.NoError(t, err)
	return r
}

func TestALaterStartPrintsTheAddressesOnly(t *testing.T) {
	s := startNew(t)
	require.Zero(t, s.terminate(t))
	s = s.again(t)
	s.do(t, 200, "GET", "/api/users/me", "")
	assert.Equal(t, "Gatehouse serves "+s.url+"\n  playground    "+s.url+"/playground\n", s.out.String())
}

func TestAStartThatCannotBeSaysWhyAndEndsWithOne(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // of a test
	require.NoError(t, err)
	t.Cleanup(func() { taken.Close() })
	_, port, err := net.SplitHostPort(taken.Addr().String())
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "a-file")
	require.NoError(t, os.WriteFile(file, []byte("{"), 0o600))

	for name, c := range map[string]struct {
		env, args []string
		says      []string
	}{
		"a value that is not allowed": {env: []string{"TYK_DB_PAGESIZE=0"}, says: []string{"page_size", `"0"`, "1 to 1000", "TYK_DB_PAGESIZE"}},
		"several values, all named":   {env: []string{"TYK_DB_PAGESIZE=x", "TYK_DB_STORAGE_MAIN_TYPE=oracle"}, says: []string{"page_size", "storage.main.type", "oracle", "sqlite, postgres, mysql"}},
		"a secret that is too short":  {env: []string{"GATEHOUSE_ENCRYPTIONKEY=hunter2"}, says: []string{"gatehouse.encryption_key", "16"}},
		"a file that is not there":    {args: []string{"--conf", "no-such.conf"}, says: []string{"no-such.conf", "no such file"}},
		"a file that is no JSON":      {args: []string{"--conf", file}, says: []string{file}},
		"a flag that is no port":      {args: []string{"--port", "70000"}, says: []string{"listen_port", "65535"}},
		"an argument nobody knows":    {args: []string{"frobnicate"}, says: []string{"frobnicate"}},
		"HTTPS without certificate":   {env: []string{"TYK_DB_HTTPSERVEROPTIONS_USESSL=true"}, says: []string{"http_server_options.use_ssl", "ssl_certificates"}},
		"a certificate that is none":  {env: []string{"TYK_DB_HTTPSERVEROPTIONS_USESSL=true", "TYK_DB_HTTPSERVEROPTIONS_SSLCERTIFICATES=" + file}, says: []string{"http_server_options.ssl_certificates", file}},
		"a data directory in a file":  {args: []string{"--data-dir", filepath.Join(file, "data")}, says: []string{"data directory", file, "not a directory"}},
		"a port that is taken":        {args: []string{"--listen", "127.0.0.1", "--port", port}, says: []string{"127.0.0.1:" + port, "address already in use"}},
		"a signing key that is none":  {env: []string{"TYK_DB_REDISHOST=127.0.0.1", "TYK_DB_PRIVATEKEYPATH=" + file}, says: []string{"private_key_path", file}},
		"an authority that is none":   {env: []string{"TYK_DB_REDISHOST=127.0.0.1", "TYK_DB_REDISUSESSL=true", "TYK_DB_REDISCAFILE=" + file}, says: []string{"redis_ca_file", file}},
		"a database nobody answers":   {env: []string{"TYK_DB_STORAGE_MAIN_TYPE=postgres", "TYK_DB_STORAGE_MAIN_CONNECTIONSTRING=postgres://gatehouse:hunter2@127.0.0.1:1/x"}, says: []string{"127.0.0.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := append([]string{"GATEHOUSE_DATADIR=" + t.TempDir()}, c.env...)
			stdout, stderr, code := run(t, env, c.args...)
			assert.Equal(t, 1, code)
			assert.NotContains(t, stdout, "access key")
			for _, want := range c.says {
				assert.Contains(t, stderr, want)
			}
			assert.Contains(t, stderr, "gatehouse: ")
			assert.NotContains(t, stderr, "hunter2")
			assert.NotContains(t, stderr, "goroutine ")
		})
	}
}

func TestADataDirectoryThatWasMeddledWithIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		meddle func(t *testing.T, dir string)
		says   []string
	}{
		"others may read the encryption key": {
			func(t *testing.T, dir string) {
				require.NoError(t, os.Chmod(filepath.Join(dir, "encryption.key"), 0o644))
			},
			[]string{"encryption.key", "0644", "chmod 600"},
		},
		"others may read the admin secret": {
			func(t *testing.T, dir string) {
				require.NoError(t, os.WriteFile(filepath.Join(dir, "admin.secret"), []byte("a secret"), 0o640))
			},
			[]string{"admin.secret", "0640", "chmod 600"},
		},
		"the encryption key is empty": {
			func(t *testing.T, dir string) {
				require.NoError(t, os.WriteFile(filepath.Join(dir, "encryption.key"), nil, 0o600))
			},
			[]string{"encryption.key is empty", "backup"},
		},
		"the database is newer than the program": {
			func(t *testing.T, dir string) {
				db, err := stdsql.Open("sqlite", filepath.Join(dir, "gatehouse.db"))
				require.NoError(t, err)
				defer db.Close()
				_, err = db.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
				require.NoError(t, err)
			},
			[]string{"newer than this program", "9999", "upgrade the program"},
		},
		"the database is no database": {
			func(t *testing.T, dir string) {
				for _, beside := range []string{"-wal", "-shm"} {
					_ = os.Remove(filepath.Join(dir, "gatehouse.db"+beside))
				}
				require.NoError(t, os.WriteFile(filepath.Join(dir, "gatehouse.db"), []byte(strings.Repeat("not a database ", 400)), 0o600))
			},
			[]string{"gatehouse.db", "not a database"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			_, stderr, code := run(
				t,
				nil,
				"bootstrap",
				"--conf",
				writeFile(t, `{"gatehouse":{"data_dir":`+strconv.Quote(dir)+`}}`),
			)
			require.Zero(t, code, stderr)
			c.meddle(t, dir)
			_, stderr, code = run(t, []string{"GATEHOUSE_DATADIR=" + dir}, "serve", "--port", "0")
			assert.Equal(t, 1, code)
			for _, want := range c.says {
				assert.Contains(t, stderr, want)
			}
		})
	}
}

// writeFile writes a file of its own and returns its path.
func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tyk_analytics.conf")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestTheDataDirectoryIsForItsOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "data")
	s := start(t, dir)
	entries, err := os.ReadDir(s.dir)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, len(entries), 3)
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		assert.Zero(t, info.Mode().Perm()&0o077, e.Name())
	}
}
