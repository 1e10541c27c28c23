package main

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// meddled runs a server that records some changes, stops it, meddles with its database, and verifies the log.
func meddled(t *testing.T, meddle func(t *testing.T, db *sql.DB)) (out string, exit int, log string) {
	t.Helper()
	s := startNew(t)
	for n := range 5 {
		s.do(t, 200, "POST", "/api/hooks", fmt.Sprintf(`{"name":"h%d","method":"GET","target_path":"http://x.test"}`, n))
	}
	require.Zero(t, s.terminate(t))
	db, err := sql.Open("sqlite", filepath.Join(s.dir, "gatehouse.db"))
	require.NoError(t, err)
	meddle(t, db)
	require.NoError(t, db.Close())
	out, _, exit = run(t, nil, "audit", "verify", "--data-dir", s.dir)
	return out, exit, s.errs.String()
}

func execute(statement string, args ...any) func(*testing.T, *sql.DB) {
	return func(t *testing.T, db *sql.DB) {
		t.Helper()
		done, err := db.ExecContext(t.Context(), statement, args...)
		require.NoError(t, err)
		n, err := done.RowsAffected()
		require.NoError(t, err)
		require.NotZero(t, n, "the test meddles with nothing")
	}
}

const nth = "(SELECT id FROM audit_records WHERE action = 'createwebhook' ORDER BY created_at LIMIT 1 OFFSET 2)"

func TestVerifyNamesTheFirstRecordThatIsNotAsItWasWritten(t *testing.T) {
	for name, c := range map[string]struct {
		statement, says string
	}{
		"changed":             {"UPDATE audit_records SET doc = replace(doc, '\"c\":200', '\"c\":201') WHERE id = " + nth, "it was changed, or moved"},
		"changed in its time": {"UPDATE audit_records SET created_at = created_at + 1 WHERE id = " + nth, "it was changed, or moved"},
		"given to others":     {"UPDATE audit_records SET org_id = 'x' WHERE id = " + nth, "it was changed, or moved"},
		"removed":             {"DELETE FROM audit_records WHERE id = " + nth, "it was removed"},
		"the last ones removed": {
			"DELETE FROM audit_records WHERE created_at > (SELECT created_at FROM audit_records WHERE id = " + nth + ") AND actor <> '(mark)'",
			"it was removed",
		},
		"copied": {
			`INSERT INTO audit_records SELECT 'f' || substr(id, 2), org_id, revision, created_at, updated_at, actor, object, action, method, ip, url,
				status, sealed, doc FROM audit_records WHERE id = ` + nth, "it was changed, or moved",
		},
		"moved": {
			`UPDATE audit_records SET doc = (SELECT doc FROM audit_records WHERE action = 'createwebhook' ORDER BY created_at LIMIT 1) WHERE id = ` + nth,
			"it was changed, or moved",
		},
	} {
		t.Run(name, func(t *testing.T) {
			out, exit, _ := meddled(t, execute(c.statement))
			require.Equal(t, 1, exit, out)
			first, _, _ := strings.Cut(out, "\n")
			require.True(t, strings.HasPrefix(first, "first: "), out)
			require.Contains(t, first, c.says, out)
			require.Regexp(t, `place [2-9]`, first)
		})
	}
}

func TestVerifyFindsNothingWhereNobodyMeddled(t *testing.T) {
	out, exit, log := meddled(t, func(*testing.T, *sql.DB) {})
	require.Zero(t, exit, out)
	require.Contains(t, out, ": 0 are not as they were written, 0 are open")
	require.Contains(t, log, "audit checkpoint")
}

func TestVerifySeesByACheckpointThatTheEndWasCutOff(t *testing.T) {
	s := startNew(t)
	s.do(t, 200, "POST", "/api/hooks", `{"name":"h","method":"GET","target_path":"http://x.test"}`)
	require.Zero(t, s.terminate(t))
	stop := regexp.MustCompile(`kind=stop checkpoint=(\S+)`).FindStringSubmatch(s.errs.String())
	require.Len(t, stop, 2, s.errs.String())
	db, err := sql.Open("sqlite", filepath.Join(s.dir, "gatehouse.db"))
	require.NoError(t, err)
	execute("DELETE FROM audit_records")(t, db)
	require.NoError(t, db.Close())
	out, _, exit := run(t, nil, "audit", "verify", "--data-dir", s.dir)
	require.Zero(t, exit, "nothing is left that could tell: %s", out)
	out, _, exit = run(t, nil, "audit", "verify", "--data-dir", s.dir, "--checkpoint", stop[1])
	require.Equal(t, 1, exit, out)
	require.Contains(t, out, "which the checkpoint that was given knows of")
}

func TestAChainThatIsGoneAsAWholeIsMissedByTheNext(t *testing.T) {
	s := startNew(t)
	hook := `{"name":"h%d","method":"GET","target_path":"http://x.test"}`
	s.do(t, 200, "POST", "/api/hooks", fmt.Sprintf(hook, 1))
	require.Zero(t, s.terminate(t))
	next := s.again(t)
	next.accessKey = s.accessKey
	next.do(t, 200, "POST", "/api/hooks", fmt.Sprintf(hook, 2))
	require.Zero(t, next.terminate(t))
	db, err := sql.Open("sqlite", filepath.Join(s.dir, "gatehouse.db"))
	require.NoError(t, err)
	execute(`DELETE FROM audit_records WHERE json_extract(doc, '$.s') =
		(SELECT json_extract(doc, '$.s') FROM audit_records ORDER BY created_at LIMIT 1)`)(t, db)
	require.NoError(t, db.Close())
	out, _, exit := run(t, nil, "audit", "verify", "--data-dir", s.dir)
	require.Equal(t, 1, exit, out)
	require.Contains(t, out, "it was removed, with all up to place")
}

func TestAServerThatIsKilledLeavesALogThatVerifies(t *testing.T) {
	s := startNew(t)
	done := make(chan struct{})
	for client := range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			for n := range 200 {
				body := fmt.Sprintf(`{"name":"k%d-%d","method":"GET","target_path":"http://x.test"}`, client, n)
				if _, err := s.request("POST", "/api/hooks", body, "Authorization: "+s.accessKey); err != nil {
					return
				}
			}
		}()
	}
	eventually(t, "something to be written", func() bool {
		r, err := s.request("GET", "/api/hooks?p=1", "", "Authorization: "+s.accessKey)
		return err == nil && r.get("pages").Int() > 1
	})
	s.kill()
	for range 4 {
		<-done
	}
	out, _, exit := run(t, nil, "audit", "verify", "--data-dir", s.dir)
	require.Zero(t, exit, out)
	require.Contains(t, out, ": 0 are not as they were written")
}

func TestAnAuditFileIsVerifiedToo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	env := []string{"TYK_DB_AUDIT_PATH=" + path, "TYK_DB_AUDIT_FORMAT=json", "GATEHOUSE_AUDIT_FILEMAXBYTES=2000"}
	s := startNew(t, env...)
	for n := range 5 {
		s.do(t, 200, "POST", "/api/hooks", fmt.Sprintf(`{"name":"h%d","method":"GET","target_path":"http://x.test"}`, n))
	}
	require.Zero(t, s.terminate(t))
	out, _, exit := run(t, env, "audit", "verify", "--data-dir", s.dir)
	require.Zero(t, exit, out)
	require.Contains(t, out, ": 0 are not as they were written, 0 are open")
	aside, err := filepath.Glob(path + ".*")
	require.NoError(t, err)
	require.NotEmpty(t, aside, "the file was never put aside")
	out, _, exit = run(t, env, "audit", "verify", "--data-dir", s.dir, "--file", path)
	require.Equal(t, 1, exit, "the files that were put aside are missing: %s", out)
}
