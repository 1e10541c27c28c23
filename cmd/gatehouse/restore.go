package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"gatehouse/internal/config"
	"gatehouse/internal/secret"
	"gatehouse/store/sql"
)

// newRestoreCommand returns the command that brings a backup back.
func newRestoreCommand(load func() (*config.Loaded, error)) *cobra.Command {
	var force, newKey bool
	cmd := &cobra.Command{
		Use:   "restore FILE",
		Short: "Bring a backup back into the embedded database; no server may run",
		Long: `Check a backup that gatehouse backup made, and put it in the place of the embedded database. No server may run
meanwhile.

Where there is a database, nothing is done without --force, which moves the database aside and does not delete
it. A backup needs the encryption key that its secrets were sealed with: in it, in the data directory, or
configured. Without, nothing is done unless --new-key says that these secrets may be lost.`,
		Example: `  gatehouse restore /backups/gatehouse-monday.backup
  gatehouse restore --force /backups/gatehouse-monday.backup`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, dsn, err := embedded(load)
			if err != nil {
				return err
			}
			backup, err := sql.ReadBackup(cmd.Context(), args[0])
			if err != nil {
				return fmt.Errorf("restore: %w", err)
			}
			place, err := keyFor(cfg, backup, newKey)
			if err != nil {
				return err
			}
			aside := ""
			if force {
				aside = ".before-" + time.Now().UTC().Format("20060102T150405.000Z")
			}
			err = sql.Restore(cmd.Context(), args[0], dsn, aside, func() error { return place(aside) })
			switch {
			case errors.Is(err, fs.ErrExist) && !force:
				return fmt.Errorf("restore: %w: --force moves it aside and puts the backup in its place", err)
			case err != nil:
				return fmt.Errorf("restore: %w", err)
			}
			path, err := sql.FilePath(dsn)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: restored the backup of %s\n", path, backup.Made)
			if _, err := os.Stat(path + aside); force && err == nil {
				fmt.Fprintf(cmd.OutOrStdout(), "What was there before is in %s\n", path+aside)
			}
			if newKey {
				fmt.Fprintln(
					cmd.OutOrStdout(),
					"The secrets in it stay sealed: make new access keys with the admin secret, and bring certificates and OAuth clients anew.",
				)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "move a database that is there aside")
	cmd.Flags().BoolVar(&newKey, "new-key", false, "restore without the encryption key; what was sealed with it is lost")
	return cmd
}

// keyFor finds the encryption key of a backup, and returns what puts it where the server looks for it. What has to make
// way is renamed to end in aside. It fails when the key is nowhere, or another is in its place, unless the secrets may
// be lost.
func keyFor(cfg *config.Config, b *sql.Backup, loss bool) (place func(aside string) error, err error) {
	dir, configured := cfg.Gatehouse.DataDir, cfg.Gatehouse.EncryptionKey
	have, _, err := secret.Find(dir, configured)
	if err != nil {
		return nil, err
	}
	nothing := func(string) error { return nil }
	switch {
	case have != nil && have.Check() == b.KeyCheck, b.KeyCheck == "" && b.Key == "":
		return nothing, nil
	case b.Key != "" && configured != "" && !loss:
		return nil, errors.New(
			"restore: gatehouse.encryption_key is configured, and is not the key that is in the backup: remove the setting, and the backup's is used",
		)
	case b.Key != "" && configured == "":
		keyring, err := secret.Parse(b.Key)
		if err != nil || keyring.Check() != b.KeyCheck {
			return nil, errors.New(
				"restore: the key in the backup is not the one that its secrets were sealed with: the file was changed",
			)
		}
		return func(aside string) error {
			path := filepath.Join(dir, secret.KeyFile)
			if have != nil {
				if aside == "" {
					aside = ".before"
				}
				if err := os.Rename(path, path+aside); err != nil {
					return err
				}
			}
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return err
			}
			return secret.Restore(dir, b.Key)
		}, nil
	case loss:
		return nothing, nil
	}
	where := "there is none in " + dir
	switch {
	case configured != "":
		where = "the configured one (gatehouse.encryption_key) is another"
	case have != nil:
		where = "that in " + filepath.Join(dir, secret.KeyFile) + " is another"
	}
	return nil, fmt.Errorf(
		"restore: the encryption key of this backup is missing: it is not in the file, and %s. "+
			"Bring the key of the server that was backed up "+
			"(encryption.key of its data directory, or gatehouse.encryption_key). "+
			"With --new-key and another key, these can never be read again: the access keys of %d users, "+
			"the private keys of %d certificates, the secrets of %d OAuth clients",
		where,
		b.Users,
		b.Certificates,
		b.OauthClients,
	)
}
