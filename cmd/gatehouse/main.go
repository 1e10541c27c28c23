// Command gatehouse is the management server: it serves, shows its configuration, and makes the first organisation and
// user.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"gatehouse/internal/config"
)

func main() {
	// Libraries that log by themselves print what they could not read: bodies of requests, with passwords in them.
	log.SetOutput(io.Discard)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := newRootCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "gatehouse:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has run
	}
}

// newRootCommand returns the program; without a subcommand it serves.
func newRootCommand() *cobra.Command {
	var file, dataDir string
	overrides := map[string]string{}
	load := func() (*config.Loaded, error) {
		if dataDir != "" {
			overrides["gatehouse.data_dir"] = dataDir
		}
		return config.Load(config.Sources{File: file, Env: os.Environ(), Overrides: overrides})
	}
	serve := newServeCommand(load, overrides)
	root := &cobra.Command{
		Use:   "gatehouse",
		Short: "Management server for API gateways: GraphQL first, a drop-in for the Tyk Dashboard",
		Long: `Gatehouse manages API definitions, policies and keys for Tyk Gateways.

It serves GraphQL on /graphql, a playground to learn it on /playground, and the REST endpoints of the Tyk
Dashboard on /api and /admin. It needs no configuration and no other program: without any, it listens on port
3000 and keeps its data in ./data. The first start makes an organisation and an administrator, and prints their
credentials once.`,
		Example: `  gatehouse                                serve on port 3000
  gatehouse serve --port 8080              serve elsewhere
  gatehouse --conf tyk_analytics.conf      serve with the configuration file of a Tyk Dashboard
  TYK_DB_STORAGE_MAIN_TYPE=postgres \
    TYK_DB_STORAGE_MAIN_CONNECTIONSTRING='host=db user=gatehouse database=gatehouse' gatehouse
  gatehouse config                         show the configuration in effect, and where each value came from`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          serve.RunE,
	}
	root.PersistentFlags().StringVar(&file, "conf", "", "configuration file (JSON, as tyk_analytics.conf)")
	root.PersistentFlags().StringVar(
		&dataDir,
		"data-dir",
		"",
		"folder of the database and the generated secrets, ./data by default (gatehouse.data_dir)",
	)
	root.Flags().AddFlagSet(serve.Flags())
	root.AddCommand(
		serve,
		newBootstrapCommand(load),
		newConfigCommand(load),
		newAuditCommand(load),
		newBackupCommand(load),
		newRestoreCommand(load),
		newDoctorCommand(load),
		newHealthCommand(load),
		newVersionCommand(),
	)
	return root
}
