package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gatehouse/internal/app"
	"gatehouse/internal/audit"
	"gatehouse/internal/config"
	"gatehouse/internal/secret"
	"gatehouse/internal/trail"
	"gatehouse/store"
)

// newAuditCommand returns the commands about the audit log.
func newAuditCommand(load func() (*config.Loaded, error)) *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: "Verify the audit log"}
	cmd.AddCommand(newAuditVerifyCommand(load))
	return cmd
}

func newAuditVerifyCommand(load func() (*config.Loaded, error)) *cobra.Command {
	var files, checkpoints []string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Name the first record of the audit log that was changed, removed or moved",
		Long: `Read the whole audit log, and say which records are not as they were written, the first of them first. It ends
with 1 where there is one.

Records of a server that died, or that runs, which were in the making behind its last mark are told apart: they
may have been removed as well. The end of a chain that was cut off is seen by a checkpoint that was kept elsewhere:
the server writes one to its log every minute in which something was recorded ("audit checkpoint").

It needs the encryption key of the installation, and changes nothing.`,
		Example: `  gatehouse audit verify
  gatehouse audit verify --checkpoint 5c1f0a9be2d3c447:120:Zl8f…:pQ2x…
  gatehouse audit verify --file /var/log/gatehouse/audit.log`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := load()
			if err != nil {
				return err
			}
			return verifyAudit(cmd.Context(), &loaded.Config, files, checkpoints, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringSliceVar(&files, "file", nil,
		"audit files in the form json, with those that were put aside, in the place of the configured log")
	cmd.Flags().StringSliceVar(&checkpoints, "checkpoint", nil, "checkpoints of the server's log, which have to be there")
	return cmd
}

// errTampered ends the command where a record is not as it was written.
var errTampered = errors.New("the audit log is not as it was written")

func verifyAudit(ctx context.Context, cfg *config.Config, files, checkpoints []string, out io.Writer) error {
	keyring, _, err := secret.Find(cfg.Gatehouse.DataDir, cfg.Gatehouse.EncryptionKey)
	if err != nil {
		return err
	}
	if keyring == nil {
		return fmt.Errorf("there is no encryption key in %s: name the folder with --data-dir", cfg.Gatehouse.DataDir)
	}
	v := audit.NewVerification(trail.Keys(keyring))
	for _, text := range checkpoints {
		parts := strings.Split(text, ":")
		n, err := strconv.ParseInt(parts[min(1, len(parts)-1)], 10, 64)
		if len(parts) != 4 || err != nil {
			return fmt.Errorf("%q is no checkpoint: it is chain:place:hash:hash, as in the log of the server", text)
		}
		v.Expect(parts[0], n, parts[3])
	}
	if len(files) == 0 && cfg.AuditStore() == config.AuditFile {
		if files, err = trail.Aside(cfg.Audit.Path); err != nil {
			return err
		}
		files = append(files, cfg.Audit.Path)
	}
	if len(files) > 0 {
		err = verifyFiles(v, files)
	} else {
		err = verifyStore(ctx, cfg, v)
	}
	if err != nil {
		return err
	}
	return report(v.Outcome(), out)
}

func verifyFiles(v *audit.Verification, files []string) error {
	for _, file := range files {
		if err := trail.ReadFile(file, func(r *audit.Record) error { v.Add(r); return nil }); err != nil {
			return err
		}
	}
	return nil
}

func verifyStore(ctx context.Context, cfg *config.Config, v *audit.Verification) (err error) {
	engine, err := openEngine(ctx, cfg, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	s := store.New(engine, app.StoreOptions(cfg)...)
	defer func() { err = errors.Join(err, s.Close()) }()
	for r, err := range s.AuditRecords.All(ctx, store.Query{Tenant: store.AllTenants(), Sort: "id"}) {
		if err != nil {
			return err
		}
		v.Add(r)
	}
	return nil
}

// mostTold is how many faults are told one by one.
const mostTold = 20

func report(o audit.Outcome, out io.Writer) error {
	for i, fault := range o.Faults {
		switch {
		case i == 0:
			fmt.Fprintf(out, "first: %s\n", fault)
		case i < mostTold:
			fmt.Fprintf(out, "  then %s\n", fault)
		case i == mostTold:
			fmt.Fprintf(out, "  and %d more\n", len(o.Faults)-mostTold)
		}
	}
	for i, fault := range o.Open {
		if i < mostTold {
			fmt.Fprintf(out, "open: %s\n", fault)
		}
	}
	fmt.Fprintf(out, "%d records in %d chains, verified at %s: %d are not as they were written, %d are open\n", o.Records,
		o.Chains, time.Now().UTC().Format(time.RFC3339), len(o.Faults), len(o.Open))
	if len(o.Faults) > 0 {
		return errTampered
	}
	return nil
}
