package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/redis/go-redis/v9"

	"gatehouse/internal/config"
	"gatehouse/internal/gateway/redisdb"
	"gatehouse/internal/secret"
	"gatehouse/store"
	"gatehouse/store/mongo"
	"gatehouse/store/sql"
	"gatehouse/store/sql/disk"
)

// Below lowSpace, the disk of the data directory is soon full; below noSpace it is.
const (
	lowSpace = 512 << 20
	noSpace  = 16 << 20
)

func (d *doctor) dataDirectory(cfg *config.Config) {
	const check = "data directory"
	dir := cfg.Gatehouse.DataDir
	info, err := os.Stat(dir)
	switch {
	case err != nil && !exists(dir):
		d.add(
			check,
			verdictWarn,
			dir+" is not there",
			"the first start makes it; name another with --data-dir or gatehouse.data_dir",
		)
		return
	case err != nil || !info.IsDir():
		d.add(check, verdictFail, dir+" is no folder that can be read", "name one that this account may read and write")
		return
	case info.Mode().Perm()&0o022 != 0:
		d.add(
			check,
			verdictWarn,
			fmt.Sprintf("others may change what is in %s (mode %04o)", dir, info.Mode().Perm()),
			"run chmod 700 "+dir,
		)
	}
	probe, err := os.CreateTemp(dir, ".doctor-*")
	if errors.Is(err, syscall.EROFS) {
		d.add(
			check,
			verdictFail,
			"the disk of "+dir+" is read-only",
			"look into the log of the machine for why, and mount it for writing again; a server that runs goes on serving reads",
		)
		return
	}
	if err != nil {
		d.add(
			check,
			verdictFail,
			"no file can be made in "+dir,
			"make room, or give the account of the server the right to write there",
		)
		return
	}
	_ = probe.Close()
	_ = os.Remove(probe.Name())
	space, err := disk.Of(dir)
	switch {
	case err != nil:
		d.add(check, verdictOK, dir+" can be written", "")
	case space.Free < noSpace:
		d.add(
			check,
			verdictFail,
			fmt.Sprintf("the disk of %s is full: %d MB are free", dir, space.Free>>20),
			"make room: writes are refused meanwhile, and taken again by themselves",
		)
	case space.Free < lowSpace:
		d.add(check, verdictWarn, fmt.Sprintf("the disk of %s has %d MB left", dir, space.Free>>20), "make room")
	default:
		d.add(check, verdictOK, fmt.Sprintf("%s can be written; %d MB are free", dir, space.Free>>20), "")
	}
}

// secrets looks at the files of secrets, and returns the keyring when there is one.
func (d *doctor) secrets(cfg *config.Config) *secret.Keyring {
	dir := cfg.Gatehouse.DataDir
	keyring, generated, err := secret.Find(dir, cfg.Gatehouse.EncryptionKey)
	key := filepath.Join(dir, secret.KeyFile)
	switch {
	case err != nil:
		d.add("encryption key", verdictFail, err.Error(), "the server does not start with it")
	case keyring == nil:
		d.add(
			"encryption key",
			verdictWarn,
			"there is none yet",
			"the first start makes one in "+key+"; keep it with, and apart from, the backups",
		)
	case generated == "" && exists(key):
		d.add(
			"encryption key",
			verdictWarn,
			key+" is not used: another key is configured (gatehouse.encryption_key)",
			"remove the file when nothing was sealed with it",
		)
	default:
		d.add("encryption key", verdictOK, "it can be read", "")
	}
	admin, err := secret.FindAdminSecret(dir, cfg.AdminSecret)
	file := filepath.Join(dir, secret.AdminSecretFile)
	switch {
	case err != nil:
		d.add("admin secret", verdictFail, err.Error(), "the server does not start with it")
	case admin == "":
		d.add("admin secret", verdictOK, "the first start makes it in "+file, "")
	case cfg.AdminSecret != "" && exists(file):
		d.add(
			"admin secret",
			verdictWarn,
			file+" is not used: another secret is configured (admin_secret)",
			"remove the file",
		)
	default:
		d.add("admin secret", verdictOK, "it can be read", "")
	}
	return keyring
}

func (d *doctor) database(ctx context.Context, cfg *config.Config, keyring *secret.Keyring, log *slog.Logger) {
	const check = "database"
	layer := cfg.Layer(config.LayerMain)
	var version, newest int64
	var err error
	short, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	switch layer.Type {
	case config.Mongo:
		var v, n int
		v, n, err = mongo.Schema(short, mongoConfig(cfg, layer, log))
		version, newest = int64(v), int64(n)
	case config.SQLite:
		path, bad := sql.FilePath(layer.WriteDSN())
		if bad != nil {
			d.add(check, verdictFail, bad.Error(), "correct storage.main.connection_string")
			return
		}
		if !exists(path) {
			d.add(check, verdictOK, path+" is not there yet: the first start makes it", "")
			return
		}
		long, cancel := context.WithTimeout(ctx, doctorCheck)
		defer cancel()
		if _, err := sql.CheckFile(long, layer.WriteDSN()); err != nil && !errors.Is(err, store.ErrDamaged) {
			d.add(
				check,
				verdictFail,
				path+" cannot be looked through: "+err.Error(),
				"give the account of the server the right to read and write it, on a disk that takes writes; nothing is said of what is in it",
			)
			return
		} else if err != nil {
			d.add(
				check, verdictFail, path+": "+err.Error(),
				"keep a copy of the file as it is; then restore a backup with gatehouse restore --force",
			)
			return
		}
		d.add("pages of the database", verdictOK, path+" holds together from its first page to the last", "")
		version, newest, err = sql.Schema(short, sqlConfig(layer, log))
	default:
		version, newest, err = sql.Schema(short, sqlConfig(layer, log))
	}
	switch {
	case err != nil:
		d.add(
			check,
			verdictFail,
			string(layer.Type)+" cannot be used: "+err.Error(),
			"check that it runs, and host, user, password and name in storage.main.connection_string",
		)
		return
	case version > newest:
		d.add(
			check,
			verdictFail,
			fmt.Sprintf("its tables are at version %d, and this program knows versions up to %d", version, newest),
			"start the newer program",
		)
		return
	case version < newest:
		d.add(
			check,
			verdictOK,
			fmt.Sprintf(
				"%s answers; its tables are at version %d, and the next start brings them to %d",
				layer.Type,
				version,
				newest,
			),
			"",
		)
		return // to open it would migrate it
	}
	d.add(check, verdictOK, fmt.Sprintf("%s answers; its tables are at version %d", layer.Type, version), "")
	d.databaseClock(short, layer, log)
	d.sealed(short, cfg, keyring, log)
}

// sealed looks whether the encryption key opens what is sealed in the database, which is at the newest version.
func (d *doctor) sealed(ctx context.Context, cfg *config.Config, keyring *secret.Keyring, log *slog.Logger) {
	const check = "sealed secrets"
	engine, err := openEngine(ctx, cfg, log)
	if err != nil {
		d.add(check, verdictFail, "the database cannot be opened: "+err.Error(), "see what is said of the database")
		return
	}
	s := store.New(engine)
	defer s.Close() //nolint:errcheck // nothing was written
	users, err := s.Users.List(ctx, store.Query{Tenant: store.AllTenants(), Limit: 1})
	switch {
	case err != nil:
		d.add(check, verdictFail, "users cannot be read: "+err.Error(), "see what is said of the database")
		return
	case len(users.Objects) == 0 || users.Objects[0].Secrets.AccessKeySealed == "":
		return
	}
	var fault error
	if keyring == nil {
		fault = secret.ErrSealed
	} else {
		_, fault = keyring.Open(users.Objects[0].Secrets.AccessKeySealed, users.Objects[0].AccessKeyContext())
	}
	if fault != nil {
		d.add(check, verdictFail, "the encryption key is not the one that the database was filled with: nobody can sign in",
			"bring the key of before: encryption.key in the data directory, or gatehouse.encryption_key")
		return
	}
	d.add(check, verdictOK, "the encryption key opens them", "")
}

func (d *doctor) redis(ctx context.Context, cfg *config.Config) {
	const check = "Redis"
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	client, err := redisdb.Open(cfg)
	switch {
	case err != nil:
		d.add(check, verdictFail, err.Error(), "correct the settings that begin with redis_")
		return
	case client == nil:
		d.add(check, verdictOK, "none is configured: keys are kept in the database, and gateways are not told of changes", "")
		return
	}
	defer client.Close() //nolint:errcheck // nothing was written
	if err := client.Ping(ctx).Err(); err != nil {
		d.add(
			check,
			verdictFail,
			"it does not answer: "+err.Error(),
			"check that it runs, and the settings that begin with redis_",
		)
		return
	}
	d.add(check, verdictOK, "it answers", "")
	// Of a cluster, all masters are asked at once.
	var mu sync.Mutex
	var names sessionNames
	ask := func(ctx context.Context, one *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		d.redisServer(ctx, one)
		return names.sample(ctx, one)
	}
	switch c := client.(type) {
	case *redis.ClusterClient:
		if info, err := c.ClusterInfo(ctx).Result(); err == nil && !strings.Contains(info, "cluster_state:ok") {
			d.add(
				check, verdictFail, "the cluster does not serve all slots",
				"see redis-cli cluster info, and bring the missing masters back",
			)
		}
		_ = c.ForEachMaster(ctx, ask)
	case *redis.Client:
		_ = ask(ctx, c)
	}
	d.hashKeys(cfg, names)
}

// redisServer looks at the settings of one server by which keys get lost. Hosted ones often tell nothing.
func (d *doctor) redisServer(ctx context.Context, c *redis.Client) {
	of := "Redis at " + c.Options().Addr
	if c.Options().Addr == "FailoverClient" {
		of = "Redis behind the sentinels"
	}
	d.redisClock(ctx, of, c)
	if policy, err := c.ConfigGet(ctx, "maxmemory-policy").Result(); err == nil {
		if found := policy["maxmemory-policy"]; found != "noeviction" && found != "" {
			d.add(
				of,
				verdictWarn,
				"it throws keys away when its memory is full ("+found+")",
				"set maxmemory-policy to noeviction: gateways refuse keys that are gone",
			)
		} else {
			d.add(of, verdictOK, "it throws no keys away", "")
		}
	}
	settings, err := c.ConfigGet(ctx, "appendonly").Result()
	saves, err2 := c.ConfigGet(ctx, "save").Result()
	if err == nil && err2 == nil && settings["appendonly"] == "no" && saves["save"] == "" {
		d.add(
			of,
			verdictWarn,
			"it keeps nothing on disk: after a restart, keys are restored from the database, which takes a while",
			"set appendonly to yes",
		)
	}
}
