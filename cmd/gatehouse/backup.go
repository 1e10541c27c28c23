package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"gatehouse/internal/config"
	"gatehouse/internal/secret"
	"gatehouse/store/sql"
)

// backupTools say how the databases are backed up that have programs of their own for it.
var backupTools = map[config.DBType]string{
	config.Postgres: "PostgreSQL with pg_dump and pg_restore",
	config.MySQL:    "MySQL with mysqldump --single-transaction, or mariadb-dump",
	config.Mongo:    "MongoDB with mongodump --oplog and mongorestore",
}

// embedded loads the configuration, and returns it with the connection string of the SQLite database. It fails for the
// other databases.
func embedded(load func() (*config.Loaded, error)) (cfg *config.Config, dsn string, err error) {
	loaded, err := load()
	if err != nil {
		return nil, "", err
	}
	layer := loaded.Config.Layer(config.LayerMain)
	if tool := backupTools[layer.Type]; tool != "" {
		return nil, "", fmt.Errorf(
			"this is for the embedded database; back up %s, and keep the encryption key with the backup",
			tool,
		)
	}
	return &loaded.Config, layer.WriteDSN(), nil
}

// newBackupCommand returns the command that writes a backup.
func newBackupCommand(load func() (*config.Loaded, error)) *cobra.Command {
	var withKey bool
	cmd := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write a backup of the embedded database, also while the server runs",
		Long: `Write what the embedded database holds at one moment to a new file, also while servers go on. An existing file
is not replaced.

Access keys, private keys of certificates and secrets of OAuth clients are encrypted in it. The encryption key
is not in the file, unless --with-key puts it there: whoever has both can read everything, so keep them apart,
or the file safe.`,
		Example: `  gatehouse backup /backups/gatehouse-monday.backup
  gatehouse backup --with-key /safe/gatehouse.backup`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, dsn, err := embedded(load)
			if err != nil {
				return err
			}
			keyring, key, err := secret.Find(cfg.Gatehouse.DataDir, cfg.Gatehouse.EncryptionKey)
			if err != nil {
				return err
			}
			info, _ := debug.ReadBuildInfo()
			notes := sql.Notes{Made: time.Now().UTC().Format(time.RFC3339), Program: newBuild(info).Version}
			if keyring != nil {
				notes.KeyCheck = keyring.Check()
			}
			switch {
			case !withKey:
			case key != "":
				notes.Key = key
			case keyring != nil:
				return errors.New(
					"the encryption key is configured (gatehouse.encryption_key), and no part of a backup: leave --with-key out, and keep the configuration",
				)
			default:
				return fmt.Errorf("there is no encryption key in %s: name the folder with --data-dir", cfg.Gatehouse.DataDir)
			}
			if err := sql.WriteBackup(cmd.Context(), dsn, args[0], notes); err != nil {
				return fmt.Errorf("backup: %w", err)
			}
			stat, err := os.Stat(args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %d bytes\n", args[0], stat.Size())
			switch {
			case withKey:
				fmt.Fprintln(cmd.OutOrStdout(), "The encryption key is in it: whoever has the file can read every secret.")
			case key != "":
				fmt.Fprintf(
					cmd.OutOrStdout(),
					"The encryption key is not in it: keep %s, too, in another place.\n",
					filepath.Join(cfg.Gatehouse.DataDir, secret.KeyFile),
				)
			default:
				fmt.Fprintln(
					cmd.OutOrStdout(),
					"The encryption key is not in it: keep gatehouse.encryption_key of the configuration, too, in another place.",
				)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&withKey, "with-key", false, "put the encryption key into the file")
	return cmd
}
