package sql_test

import (
	stdsql "database/sql"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"gatehouse/store"
	"gatehouse/store/sql"
)

var (
	createTable  = regexp.MustCompile("(?s)CREATE TABLE (?:IF NOT EXISTS )?`?(\\w+)`? \\(\n(.*?)\n\\)")
	renameTable  = regexp.MustCompile(`ALTER TABLE (\w+) RENAME TO (\w+)`)
	addColumn    = regexp.MustCompile("ALTER TABLE `?(\\w+)`? ADD COLUMN (\\w+) ")
	createUnique = regexp.MustCompile(`UNIQUE INDEX (\w+) (?:ON \w+ )?\(([\w, ]+)\)`)
)

func TestMigrationsDeclareExactlyWhatTheCollectionsDeclare(t *testing.T) {
	for _, dialect := range []string{"sqlite", "postgres", "mysql"} {
		t.Run(dialect, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join("migrations", dialect, "*.sql"))
			require.NoError(t, err)
			require.NotEmpty(t, files)
			var text strings.Builder
			for _, file := range files {
				raw, err := os.ReadFile(file)
				require.NoError(t, err)
				require.NotContains(t, string(raw), "+goose Down", "migrations go forward only")
				text.Write(raw)
			}
			got, gotUniques := map[string][]string{}, map[string]string{}
			for _, m := range createTable.FindAllStringSubmatch(text.String(), -1) {
				for _, line := range strings.Split(m[2], "\n") {
					name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
					if name != "INDEX" && name != "UNIQUE" && name != "PRIMARY" {
						got[m[1]] = append(got[m[1]], name)
					}
				}
			}
			for _, m := range addColumn.FindAllStringSubmatch(text.String(), -1) {
				got[m[1]] = append(got[m[1]], m[2])
			}
			for _, m := range createUnique.FindAllStringSubmatch(text.String(), -1) {
				gotUniques[m[1]] = m[2]
			}
			for _, m := range renameTable.FindAllStringSubmatch(text.String(), -1) {
				// a number that the engine gives
				got[m[2]] = slices.DeleteFunc(got[m[1]], func(column string) bool { return column == "n" })
				delete(got, m[1])
			}
			delete(got, "label_counts") // kept up by triggers
			want := map[string][]string{"labels": {"collection", "field", "value", "org_id", "created_at", "object_id"}}
			wantUniques := map[string]string{}
			for _, c := range store.Collections() {
				columns := append(
					[]string{"id", "org_id", "revision", "created_at", "updated_at"},
					append(append([]string{}, c.Text...), c.Int...)...)
				for _, u := range c.Unique {
					columns = append(columns, u.Name)
					wantUniques[c.Name+"_"+u.Name] = u.Name
					if !u.Global {
						wantUniques[c.Name+"_"+u.Name] += ", org_id"
					}
				}
				want[c.Name] = append(columns, "sealed", "doc")
			}
			for _, columns := range []map[string][]string{want, got} { // statements name them, in whatever order they are
				for _, names := range columns {
					slices.Sort(names)
				}
			}
			require.Equal(t, want, got)
			require.Equal(t, wantUniques, gotUniques)
		})
	}
}

// databases are one of each kind, for what is the same on all of them.
func databases() map[string]func(t *testing.T) (config sql.Config, driver, driverDSN string) {
	return map[string]func(t *testing.T) (sql.Config, string, string){
		"sqlite": func(t *testing.T) (sql.Config, string, string) {
			path := filepath.Join(t.TempDir(), "gatehouse.db")
			return sql.Config{Type: "sqlite", DSN: path}, "sqlite", path
		},
		"postgres": func(t *testing.T) (sql.Config, string, string) {
			dsn := postgresSchema(t)
			return sql.Config{Type: "postgres", DSN: dsn}, "pgx", dsn
		},
		"mysql": func(t *testing.T) (sql.Config, string, string) {
			dsn := mysqlDatabase(t)
			return sql.Config{Type: "mysql", DSN: dsn}, "mysql", driverDSN(t, dsn)
		},
	}
}

func TestADatabaseOfANewerProgramIsRefused(t *testing.T) {
	for name, database := range databases() {
		t.Run(name, func(t *testing.T) {
			config, driver, dsn := database(t)
			e, err := sql.Open(t.Context(), config)
			require.NoError(t, err)
			require.NoError(t, e.Close())
			db, err := stdsql.Open(driver, dsn)
			require.NoError(t, err)
			_, err = db.Exec(
				"INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, " + map[bool]string{true: "TRUE", false: "1"}[driver == "pgx"] + ")",
			)
			require.NoError(t, err)
			require.NoError(t, db.Close())

			_, err = sql.Open(t.Context(), config)
			require.ErrorIs(t, err, store.ErrNewerSchema)
			require.ErrorContains(t, err, "upgrade the program")
		})
	}
}

func TestServersThatStartAtOnceDoNotCollide(t *testing.T) {
	for name, database := range databases() {
		t.Run(name, func(t *testing.T) {
			config, _, _ := database(t)
			var wg sync.WaitGroup
			errs := make([]error, 6)
			for i := range errs {
				wg.Go(func() {
					var e *sql.Engine
					if e, errs[i] = sql.Open(t.Context(), config); errs[i] == nil {
						errs[i] = e.Close()
					}
				})
			}
			wg.Wait()
			for _, err := range errs {
				require.NoError(t, err)
			}
		})
	}
}

func TestWhatWasWrittenIsThereAfterAnotherStart(t *testing.T) {
	for name, database := range databases() {
		t.Run(name, func(t *testing.T) {
			config, _, _ := database(t)
			for start := range 3 {
				e, err := sql.Open(t.Context(), config)
				require.NoError(t, err)
				n, err := e.Count(t.Context(), collection("keys"), store.AllTenants(), nil)
				require.NoError(t, err)
				require.Equal(t, start, n)
				require.NoError(
					t,
					e.Apply(t.Context(), store.Write{Collection: collection("keys"), Record: benchRecord(start, 100)}),
				)
				require.NoError(t, e.Close())
			}
		})
	}
}

func TestKeysOfAnEarlierVersionAreSearchedAndCounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	db, err := stdsql.Open("sqlite", "file:"+path)
	require.NoError(t, err)
	require.NoError(t, sql.MigrateSQLite(t.Context(), db, 2))
	for i, id := range []string{"65e0f1a2b3c4d5e600000001", "Custom-Key", "65e0f1a2b3c4d5e600000003"} {
		_, err = db.Exec(
			`INSERT INTO keys VALUES (?, ?, 1, ?, ?, ?, '', 0, 0, 0, '', '{"a":1}')`,
			id,
			benchOrg,
			100+i,
			100+i,
			[]string{"first alias", "ölbild", "100% alias"}[i],
		)
		require.NoError(t, err)
		_, err = db.Exec(`INSERT INTO labels VALUES ('keys', 'policy', 'gold', ?, ?, ?)`, benchOrg, 100+i, id)
		require.NoError(t, err)
	}
	require.NoError(t, db.Close())

	e, keys := open(t, sql.Config{Type: "sqlite", DSN: path}), collection("keys")
	count := func(where ...store.Cond) int {
		t.Helper()
		n, err := e.Count(t.Context(), keys, store.Org(benchOrg), where)
		require.NoError(t, err)
		return n
	}
	require.Equal(t, 3, count())
	require.Equal(t, 2, count(store.Contains("alias", "alias")))
	require.Equal(t, 1, count(store.Contains("alias", "ÖLBILD")))
	require.Equal(t, 1, count(store.Contains("id", "tom-k")))
	require.Equal(t, 3, count(store.HasLabel("policy", "gold")))
	page, err := e.List(t.Context(), keys, store.Query{Tenant: store.Org(benchOrg), Limit: 2, Desc: true, Total: true})
	require.NoError(t, err)
	require.Equal(t, []string{"65e0f1a2b3c4d5e600000003", "Custom-Key"}, []string{page.Records[0].ID, page.Records[1].ID})
	require.Equal(t, 3, page.Total)

	require.NoError(
		t,
		e.Apply(
			t.Context(),
			store.Write{Collection: keys, Record: store.Record{ID: "Custom-Key", OrgID: benchOrg}, Delete: true},
		),
	)
	require.Equal(t, 2, count())
	require.Equal(t, 0, count(store.Contains("alias", "ölbild")))
	require.Equal(t, 2, count(store.HasLabel("policy", "gold")))
}

func TestAStepThatWasMadeWithoutBeingNotedIsNoFailure(t *testing.T) {
	// MySQL ends a transaction before it changes a table. The other dialects make a step and note it at once.
	config, driver, dsn := databases()["mysql"](t)
	e, err := sql.Open(t.Context(), config)
	require.NoError(t, err)
	client := store.Record{ID: "c", OrgID: benchOrg, Revision: 1, Doc: []byte("{}"), Text: map[string]string{"description": "an app"}}
	require.NoError(t, e.Apply(t.Context(), store.Write{Collection: collection("oauth_clients"), Record: client}))
	require.NoError(t, e.Close())
	db, err := stdsql.Open(driver, dsn)
	require.NoError(t, err)
	_, err = db.Exec("DELETE FROM goose_db_version WHERE version_id > 0")
	require.NoError(t, err)
	require.NoError(t, db.Close())

	n, err := open(t, config).Count(t.Context(), collection("oauth_clients"), store.Org(benchOrg),
		[]store.Cond{store.In("description", "an app")})
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func TestOauthClientsOfAnEarlierVersionAreThereAndHaveADescriptionToSortBy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	db, err := stdsql.Open("sqlite", "file:"+path)
	require.NoError(t, err)
	require.NoError(t, sql.MigrateSQLite(t.Context(), db, 4))
	for _, id := range []string{"a", "b", "c"} {
		_, err = db.Exec(`INSERT INTO oauth_clients VALUES (?, ?, 1, 100, 100, 'cats', '', ?, '""', ?)`, id, benchOrg, id,
			map[string]string{"a": `{"description":"Zoo"}`, "b": `{"description":"App"}`, "c": `{}`}[id])
		require.NoError(t, err)
	}
	require.NoError(t, db.Close())

	s := store.New(open(t, sql.Config{Type: "sqlite", DSN: path}))
	require.NoError(t, s.Reindex(t.Context(), slog.New(slog.DiscardHandler)))
	l, err := s.OauthClients.List(t.Context(), store.Query{Tenant: store.Org(benchOrg), Sort: "description", Desc: true, Limit: 3})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c"}, []string{l.Objects[0].ID, l.Objects[1].ID, l.Objects[2].ID})
}

func TestARepackedDatabaseIsSearchedAsBefore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gatehouse.db")
	keys := collection("keys")
	e := open(t, sql.Config{Type: "sqlite", DSN: path})
	for n := range 100 {
		require.NoError(t, e.Apply(t.Context(), store.Write{Collection: keys, Record: benchRecord(n, 100)}))
	}
	for n := range 50 {
		r := store.Record{ID: benchRecord(2*n, 100).ID, OrgID: benchOrg}
		require.NoError(t, e.Apply(t.Context(), store.Write{Collection: keys, Record: r, Delete: true}))
	}
	require.NoError(t, e.Close())
	db, err := stdsql.Open("sqlite", "file:"+path)
	require.NoError(t, err)
	_, err = db.Exec("VACUUM")
	require.NoError(t, err)
	require.NoError(t, db.Close())

	e = open(t, sql.Config{Type: "sqlite", DSN: path})
	page, err := e.List(
		t.Context(),
		keys,
		store.Query{Tenant: store.Org(benchOrg), Limit: 5, Where: []store.Cond{store.Contains("alias", "customer 77")}},
	)
	require.NoError(t, err)
	require.Len(t, page.Records, 1)
	require.Equal(t, benchRecord(77, 100).ID, page.Records[0].ID)
}
