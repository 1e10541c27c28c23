package sql_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"gatehouse/store"
	"gatehouse/store/sql"
)

// killedDatabase names, to a child of the test, the database that it writes to until it is killed.
const killedDatabase = "GATEHOUSE_TEST_KILLED_DATABASE"

func TestMain(m *testing.M) {
	if path := os.Getenv(killedDatabase); path != "" {
		writeUntilKilled(path)
	}
	os.Exit(m.Run())
}

const (
	killedWriters = 8
	killRounds    = 50
)

// writeUntilKilled acknowledges each Apply on standard output. One Apply is an API, a policy and two keys that share a
// number.
func writeUntilKilled(path string) {
	e, err := sql.Open(context.Background(), sql.Config{Type: "sqlite", DSN: path})
	if err != nil {
		panic(err)
	}
	start := time.Now().UnixNano()
	var out sync.Mutex
	for writer := range killedWriters {
		go func() {
			for n := 0; ; n++ {
				group := fmt.Sprintf("%x-%d-%d", start, writer, n)
				if err := e.Apply(context.Background(), groupWrites(group)...); err != nil {
					panic(err)
				}
				out.Lock()
				fmt.Println(group)
				out.Unlock()
			}
		}()
	}
	select {}
}

func groupWrites(group string) []store.Write {
	var writes []store.Write
	for i, name := range []string{"apis", "policies", "keys", "keys"} {
		r := benchRecord(0, 600)
		r.ID = group + "-" + strconv.Itoa(i)
		r.Labels = map[string][]string{"api": {group}}
		if name == "apis" {
			r.Labels = map[string][]string{"owner": {group}}
		}
		writes = append(writes, store.Write{Collection: collection(name), Record: r})
	}
	return writes
}

func TestNothingAcknowledgedIsLostWhenTheProcessIsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("50 rounds of killing a process take seconds: run without -short")
	}
	t.Parallel()
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	acknowledged := map[string]bool{}
	for range killRounds {
		for _, group := range runAndKill(t, path) {
			acknowledged[group] = true
		}
		checkGroups(t, path, acknowledged)
	}
	require.Greater(t, len(acknowledged), killRounds, "the children hardly wrote")
	t.Logf("%d acknowledged writes in %d rounds", len(acknowledged), killRounds)
}

// runAndKill starts a child, kills it at a random moment after its first acknowledgement, and returns what it
// acknowledged.
func runAndKill(t *testing.T, path string) []string {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), killedDatabase+"="+path)
	child.Stderr = os.Stderr
	pipe, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	out := bufio.NewReader(pipe)
	first, err := out.ReadString('\n')
	require.NoError(t, err)
	time.AfterFunc(time.Duration(rand.Int64N(int64(60*time.Millisecond))), func() { _ = child.Process.Kill() })
	rest, err := io.ReadAll(out)
	require.NoError(t, err)
	_ = child.Wait() // it was killed, which Wait calls an error
	lines := strings.Split(first+string(rest), "\n")
	return lines[:len(lines)-1] // a last line without its end was not acknowledged
}

// checkGroups opens the database as the next start does: every acknowledged group must be there, and every group whole.
func checkGroups(t *testing.T, path string, acknowledged map[string]bool) {
	t.Helper()
	e, err := sql.Open(t.Context(), sql.Config{Type: "sqlite", DSN: path})
	require.NoError(t, err)
	defer func() { require.NoError(t, e.Close()) }()
	found := map[string]int{}
	for _, name := range []string{"apis", "policies", "keys"} {
		label := "api"
		if name == "apis" {
			label = "owner"
		}
		counts, err := e.CountByLabel(t.Context(), collection(name), store.AllTenants(), label, nil)
		require.NoError(t, err)
		for group, n := range counts {
			found[group] += n
		}
		n, err := e.Count(t.Context(), collection(name), store.AllTenants(), nil)
		require.NoError(t, err)
		labels := 0
		for _, c := range counts {
			labels += c
		}
		require.Equal(t, n, labels, "records of %s and their labels", name)
	}
	for group, n := range found {
		require.Equal(t, 4, n, "records of the Apply %s", group)
	}
	for group := range acknowledged {
		require.Contains(t, found, group, "an acknowledged Apply")
	}
}
