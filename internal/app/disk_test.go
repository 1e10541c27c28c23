package app_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/apptest"
	"gatehouse/store"
)

// smallDisk mounts a file system of some megabytes, which only root may; the file ballast takes its room until it is
// removed.
func smallDisk(t *testing.T) (dir, ballast string) {
	t.Helper()
	dir = t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("no file system can be mounted here, which root may: %s", out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() }) //nolint:noctx // after the test
	return dir, filepath.Join(dir, "ballast")
}

func TestAFullDiskRefusesWritesServesReadsAndRecoversByItself(t *testing.T) {
	for name, c := range map[string]func(t *testing.T) (dsn string, fill, free func(s *apptest.Server, ids []string)){
		"a file system without room": func(t *testing.T) (string, func(*apptest.Server, []string), func(*apptest.Server, []string)) {
			dir, ballast := smallDisk(t)
			return filepath.Join(dir, "gatehouse.db"), func(*apptest.Server, []string) {
					f, err := os.Create(ballast)
					require.NoError(t, err)
					for err == nil {
						_, err = f.Write(make([]byte, 4096))
					}
					require.NoError(t, f.Close())
				}, func(*apptest.Server, []string) {
					require.NoError(t, os.Remove(ballast))
				}
		},
		"a database at its limit": func(t *testing.T) (string, func(*apptest.Server, []string), func(*apptest.Server, []string)) {
			return "file:" + filepath.Join(t.TempDir(), "gatehouse.db") + "?_pragma=max_page_count(400)", func(*apptest.Server, []string) {},
				func(s *apptest.Server, ids []string) {
					for _, id := range ids[:len(ids)/2] {
						require.Equal(t, 200, s.REST(t, "DELETE", "/api/apis/"+id, "").Status, "what makes room is done")
					}
				}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dsn, fill, free := c(t)
			e := openSQL(t, "sqlite", dsn)
			t.Cleanup(func() { require.NoError(t, e.Close()) })
			s := apptest.New(t, apptest.WithEngine(e), apptest.WithStore(store.WithCacheTTL(0)))
			kept, large := map[string]string{}, strings.Repeat("x", 20_000)
			var ids []string
			create := func(n int) apptest.Reply {
				return s.REST(
					t,
					"POST",
					"/api/apis",
					fmt.Sprintf(`{"api_definition":{"name":"Full %d","proxy":{"listen_path":"/full-%d/"},"large":"%s"}}`, n, n, large),
				)
			}
			fill(s, nil)
			var refused apptest.Reply
			for n := range 1000 {
				if refused = create(n); refused.Status != 200 {
					break
				}
				id := refused.Get("ID").Str
				kept[id] = string(s.REST(t, "GET", "/api/apis/"+id, "").Body)
				ids = append(ids, id)
			}
			require.Equal(t, 503, refused.Status, "%s", refused.Body)
			assert.Equal(t, "the disk of the database is full: try again in a while", refused.Get("Message").Str)
			assert.Equal(t, "Error", refused.Get("Status").Str)
			assert.NotEmpty(t, refused.Header.Get("Retry-After"))

			mutation := s.Do(
				t,
				"POST",
				"/graphql",
				`{"query":"mutation($d: JSON!) { createApi(input: {name: \"G\", definition: $d}) { id } }","variables":{"d":{"name":"G","large":"`+large+`"}}}`,
				"Authorization: "+s.AccessKey,
				"Content-Type: application/json",
			)
			assert.Equal(t, 503, mutation.Status, "%s", mutation.Body)
			assert.Equal(t, "UNAVAILABLE", mutation.Get("errors.0.extensions.code").Str)
			assert.Contains(t, mutation.Get("errors.0.message").Str, "the disk of the database is full")
			assert.NotEmpty(t, mutation.Header.Get("Retry-After"))
			assert.Equal(t, 200, s.REST(t, "GET", "/api/apis", "").Status, "reads go on")

			var health apptest.Reply
			if name == "a file system without room" { // at its limit, a database still takes what needs no room
				waitFor(t, "/hello to tell", func() bool { health = s.Do(t, "GET", "/hello", ""); return health.Status == 503 })
				assert.Equal(t, "fail", health.Get("status").Str)
				assert.Equal(t, "the disk of the database is full", health.Get("details.store.output").Str)
			}
			free(s, ids)
			waitFor(t, "/hello to pass, though nobody writes", func() bool { return s.Do(t, "GET", "/hello", "").Status == 200 })
			if name == "a file system without room" {
				require.Equal(t, 200, create(2000).Status, "writes are taken again")
			} else {
				ids = ids[len(ids)/2:]
			}
			for _, id := range ids {
				r := s.REST(t, "GET", "/api/apis/"+id, "")
				require.Equal(t, 200, r.Status)
				require.Equal(t, kept[id], string(r.Body), "what was acknowledged is there")
			}
		})
	}
}

func TestADatabaseFileThatIsMovedAwayIsSaid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	e := openSQL(t, "sqlite", path)
	t.Cleanup(func() { _ = e.Close() })
	s := apptest.New(t, apptest.WithEngine(e), apptest.WithStore(store.WithCacheTTL(0)))
	require.NoError(t, os.Rename(path, path+".moved"))
	r := s.REST(t, "POST", "/api/apis", `{"api_definition":{"name":"A"}}`)
	assert.Equal(t, 503, r.Status, "nothing is acknowledged that would be written to a file which nobody finds")
	assert.Contains(t, r.Get("Message").Str, "the file of the database was moved away, or replaced")
	waitFor(t, "/hello to tell", func() bool { return s.Do(t, "GET", "/hello", "").Status == 503 })
}
