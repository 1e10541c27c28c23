package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gatehouse/internal/config"
)

// verdict is how a check of the doctor ended.
type verdict string

const (
	verdictOK   verdict = "ok"
	verdictWarn verdict = "warn"
	verdictFail verdict = "fail"
)

// finding is one thing that the doctor looked at. It holds no secret.
type finding struct {
	Check   string  `json:"check"`
	Verdict verdict `json:"verdict"`
	// Found is what there is, Advice what to do about it.
	Found  string `json:"found"`
	Advice string `json:"advice,omitempty"`
}

// doctor collects findings.
type doctor struct{ findings []finding }

func (d *doctor) add(check string, v verdict, found, advice string) {
	d.findings = append(d.findings, finding{check, v, found, advice})
}

func (d *doctor) failed() (n int) {
	for _, f := range d.findings {
		if f.Verdict == verdictFail {
			n++
		}
	}
	return n
}

// doctorPatience bounds the check of a database that does not answer; doctorCheck that of all pages of a large file.
const (
	doctorPatience = 10 * time.Second
	doctorCheck    = time.Hour
)

// newDoctorCommand returns the command that says what is wrong.
func newDoctorCommand(load func() (*config.Loaded, error)) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check configuration, files, database and Redis, and say what to do",
		Long: `Check what the server needs: its configuration, the data directory, the secrets in it, the database, and Redis.
Every finding says what to do about it. Nothing is changed, and it may run beside a server: an embedded database
is read from its first page to the last.

The exit code is 1 when something would keep the server from working. Secrets are never shown.`,
		Example: `  gatehouse doctor --conf tyk_analytics.conf
  gatehouse doctor --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d := &doctor{}
			if loaded, err := load(); err != nil {
				d.add(
					"configuration",
					verdictFail,
					strings.ReplaceAll(err.Error(), "\n", "; "),
					"correct these settings; gatehouse config shows what is in effect",
				)
			} else {
				d.examine(cmd.Context(), loaded)
			}
			if err := d.write(cmd.OutOrStdout(), asJSON); err != nil {
				return err
			}
			if n := d.failed(); n > 0 {
				return fmt.Errorf("%d of %d checks failed", n, len(d.findings))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

func (d *doctor) examine(ctx context.Context, loaded *config.Loaded) {
	d.configuration(loaded)
	cfg := &loaded.Config
	d.dataDirectory(cfg)
	keyring := d.secrets(cfg)
	d.database(ctx, cfg, keyring, slog.New(slog.DiscardHandler))
	d.redis(ctx, cfg)
}

// configuration looks for settings that do nothing, or that keep parts of the program from working.
func (d *doctor) configuration(loaded *config.Loaded) {
	cfg := &loaded.Config
	if len(loaded.Unknown) > 0 {
		d.add(
			"configuration",
			verdictWarn,
			"unknown settings: "+quoteAll(loaded.Unknown),
			"look for their names in docs/config.md, or remove them",
		)
	} else {
		d.add("configuration", verdictOK, "every setting is known and allowed", "")
	}
	for _, text := range loaded.Idle {
		d.add("configuration", verdictWarn, text, "correct it before that is switched on, or remove it")
	}
	for _, text := range loaded.Unprotected() {
		d.add("configuration", verdictWarn, text, "remove the setting when nobody relies on it")
	}
	if cfg.SharedNodeSecret == "" {
		d.add(
			"gateways",
			verdictWarn,
			"no secret of the gateways is configured: none can register",
			"set node_secret (TYK_DB_NODESECRET) to the one of the gateways' configuration, or ignore this when gateways read no APIs from here",
		)
	} else {
		d.add("gateways", verdictOK, "a secret of the gateways is configured", "")
	}
}

func (d *doctor) write(w io.Writer, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(map[string]any{"findings": d.findings, "failed": d.failed()})
	}
	var page strings.Builder
	for _, f := range d.findings {
		fmt.Fprintf(&page, "%-4s  %s: %s\n", f.Verdict, f.Check, f.Found)
		if f.Advice != "" {
			fmt.Fprintf(&page, "      -> %s\n", f.Advice)
		}
	}
	_, err := io.WriteString(w, page.String())
	return err
}

// exists tells whether a file is there.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
