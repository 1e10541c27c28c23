package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"gatehouse/internal/config"
)

// newConfigCommand returns the command that shows the configuration in effect. load reads it as serve would.
func newConfigCommand(load func() (*config.Loaded, error)) *cobra.Command {
	var all, asJSON bool
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Show the configuration in effect and where each value came from",
		Long: `Show the configuration that serve would use: what was set, and by what. Secrets are shown as ****.

A value comes from its default, the file that --conf names, the environment or a flag, each winning over the one before.
Values that are not allowed are listed, all of them, and the command fails; use it to check a file before a restart.`,
		Example: `  gatehouse config --conf tyk_analytics.conf
  TYK_DB_LISTENPORT=8080 gatehouse config
  gatehouse config --all --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := load()
			if err != nil {
				return err
			}
			report := newConfigReport(loaded, all)
			if asJSON {
				return report.writeJSON(cmd.OutOrStdout())
			}
			return report.writeTable(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "show the settings that nothing set, too")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

// configReport is what the command prints. It holds no secrets.
type configReport struct {
	Settings      []config.Setting `json:"settings"`
	WithoutEffect []string         `json:"without_effect"`
	Unknown       []string         `json:"unknown"`
	Idle          []string         `json:"idle"`
	Unprotected   []string         `json:"unprotected"`
}

func newConfigReport(loaded *config.Loaded, all bool) configReport {
	// Lists are made, so that JSON has [] and not null for an empty one.
	report := configReport{
		Settings:      []config.Setting{},
		WithoutEffect: append([]string{}, loaded.WithoutEffect()...),
		Unknown:       append([]string{}, loaded.Unknown...),
		Idle:          append([]string{}, loaded.Idle...),
		Unprotected:   append([]string{}, loaded.Unprotected()...),
	}
	for _, s := range loaded.Settings() {
		if all || s.Source != config.OriginDefault {
			report.Settings = append(report.Settings, s)
		}
	}
	return report
}

func (r configReport) writeJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}

func (r configReport) writeTable(w io.Writer) error {
	var page strings.Builder
	if len(r.Settings) == 0 {
		page.WriteString("Every setting has its default; --all shows them.\n")
	} else {
		page.WriteString("KEY\tVALUE\tSOURCE\n")
	}
	for _, s := range r.Settings {
		fmt.Fprintf(&page, "%s\t%s\t%s\n", s.Key, s.Text(), s.Source)
	}
	if len(r.WithoutEffect) > 0 {
		fmt.Fprintf(&page, "\nWithout effect in this version: %s\n", strings.Join(r.WithoutEffect, ", "))
	}
	if len(r.Unknown) > 0 {
		fmt.Fprintf(&page, "\nUnknown: %s\n", quoteAll(r.Unknown))
	}
	if len(r.Idle) > 0 {
		fmt.Fprintf(&page, "\nNot allowed, and used by nothing:\n  %s\n", strings.Join(r.Idle, "\n  "))
	}
	if len(r.Unprotected) > 0 {
		fmt.Fprintf(&page, "\nNot protected in this version:\n  %s\n", strings.Join(r.Unprotected, "\n  "))
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if _, err := io.WriteString(table, page.String()); err != nil {
		return err
	}
	return table.Flush()
}

// quoteAll joins names that come from outside and may hold anything.
func quoteAll(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return strings.Join(quoted, ", ")
}
