package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"gatehouse/internal/app"
	"gatehouse/internal/config"
	"gatehouse/internal/gateway/redisdb"
	"gatehouse/internal/httpserver"
	"gatehouse/internal/secret"
	"gatehouse/store"
	"gatehouse/store/mongo"
	"gatehouse/store/sql"
)

// newServeCommand returns the command that serves. Its flags go into overrides, which load reads.
func newServeCommand(load func() (*config.Loaded, error), overrides map[string]string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve GraphQL, the playground and the REST endpoints (the default)",
		Long: `Serve until interrupted. Requests that are being served when SIGINT or SIGTERM comes have time to finish.

The first start on an empty store makes an organisation and an administrator, and prints their credentials once.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for flag, key := range map[string]string{"port": "listen_port", "listen": "gatehouse.listen_address"} {
				if f := cmd.Flags().Lookup(flag); f != nil && f.Changed {
					overrides[key] = f.Value.String()
				}
			}
			loaded, err := load()
			if err != nil {
				return err
			}
			return serve(cmd.Context(), loaded, cmd.OutOrStdout(), os.Stderr)
		},
	}
	cmd.Flags().Int("port", 3000, "port to listen on, 0 for a free one (listen_port)")
	cmd.Flags().String("listen", "", "address to listen on, all by default (gatehouse.listen_address)")
	return cmd
}

// serve runs the server until ctx ends. What people need to know at the start goes to out, the logs to logs.
func serve(ctx context.Context, loaded *config.Loaded, out, logs io.Writer) error {
	cfg := &loaded.Config
	log := newLogger(cfg, logs)
	if names := loaded.WithoutEffect(); len(names) > 0 {
		log.Warn("these settings are known, and do nothing in this version", "settings", strings.Join(names, ", "))
	}
	if len(loaded.Unknown) > 0 {
		log.Warn("these settings are unknown", "settings", strings.Join(loaded.Unknown, ", "))
	}
	for _, text := range loaded.Idle {
		log.Warn("this setting is not allowed, and nothing uses it", "setting", text)
	}
	for _, text := range loaded.Unprotected() {
		log.Warn("this setting protects something, and cannot in this version", "setting", text)
	}
	access := httpserver.NewBufferedWriter(logs, 0)
	defer access.Close() //nolint:errcheck // the log's own writer is all there is to tell
	a, s, err := open(ctx, cfg, makeAdminSecret(log), log, newLogger(cfg, access))
	if err != nil {
		return err
	}
	defer func() {
		if err := s.Close(); err != nil {
			log.Error("close the store", "error", err)
		}
	}()
	defer a.Close()
	tlsConfig, err := cfg.HTTPServerOptions.TLSConfig()
	if err != nil {
		return err
	}
	server := httpserver.New(httpserver.Options{Address: cfg.Address(), Handler: a.Handler, TLS: tlsConfig, Logger: log,
		// a handler may take all of its time before it reads, or answers
		ReadTimeout:        max(time.Minute, cfg.Gatehouse.RequestTimeout),
		WriteTimeout:       max(2*time.Minute, 2*cfg.Gatehouse.RequestTimeout),
		AddressConnections: cfg.Gatehouse.MaxConnections, Trusted: cfg.Gatehouse.Proxies(),
		ShutdownTimeout: cfg.Gatehouse.ShutdownTimeout})
	if err := server.Listen(); err != nil {
		return err
	}
	if err := a.CheckKeyring(ctx); err != nil {
		log.Error("wrong encryption key", "error", err)
	}
	if err := a.NoteAdminSecret(ctx); err != nil {
		log.Warn("gatehouse bootstrap cannot be told which admin secret is used", "error", err)
	}
	if err := welcome(ctx, cfg, a, server.Addr(), out); err != nil {
		return err
	}
	return server.Serve(ctx)
}

// welcome prints where the server is and, at the first start, the credentials: the one time that they are shown.
func welcome(ctx context.Context, cfg *config.Config, a *app.App, addr string, out io.Writer) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	url := cfg.URL(n)
	empty, err := a.IsEmpty(ctx)
	if err != nil {
		return fmt.Errorf("read the store: %w", err)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "Gatehouse serves %s\n", url)
	if cfg.Gatehouse.Playground {
		fmt.Fprintf(&text, "  playground    %s/playground\n", url)
	}
	if empty {
		made, err := a.Bootstrap(ctx, app.DefaultBootstrap())
		if err != nil {
			return fmt.Errorf("first start: %w", err)
		}
		writeCredentials(&text, made, a.AdminSecret)
	}
	_, err = io.WriteString(out, text.String())
	return err
}

// writeCredentials prints what a bootstrap made.
func writeCredentials(w io.Writer, made *app.Bootstrapped, adminSecret string) {
	fmt.Fprintf(w, "  organisation  %s\n  e-mail        %s\n", made.OrgID, made.Email)
	if made.Password != "" {
		fmt.Fprintf(w, "  password      %s\n", made.Password)
	}
	key := made.AccessKey
	if key == "" {
		key = "sealed with another encryption key: start with that one, or renew it with another administrator's"
	}
	fmt.Fprintf(w, "  access key    %s\n  admin secret  %s\n", key, adminSecret)
	if made.UserCreated {
		fmt.Fprintln(w, "This is the only time that the password is shown. Keep it.")
	}
}

// makeAdminSecret returns the configured admin secret, or the one in the data directory, which the first start makes.
func makeAdminSecret(log *slog.Logger) func(*config.Config) (string, error) {
	return func(cfg *config.Config) (string, error) {
		file := filepath.Join(cfg.Gatehouse.DataDir, secret.AdminSecretFile)
		text, made, err := secret.AdminSecret(cfg.Gatehouse.DataDir, cfg.AdminSecret)
		if made {
			log.Info("the admin secret was made", "file", file)
		}
		if _, left := os.Stat(file); left == nil && cfg.AdminSecret != "" {
			log.Warn("a file with an admin secret is not used: another is configured (admin_secret)", "file", file)
		}
		return text, err
	}
}

// keyringFor loads the encryption key. A new one is made for a store without users only: of others, it would open
// nothing.
func keyringFor(ctx context.Context, cfg *config.Config, s *store.Store) (*secret.Keyring, error) {
	dir, configured := cfg.Gatehouse.DataDir, cfg.Gatehouse.EncryptionKey
	found, _, err := secret.Find(dir, configured)
	if found != nil || err != nil {
		return found, err
	}
	users, err := s.Users.Count(ctx, store.AllTenants())
	if err != nil {
		return nil, fmt.Errorf("read the store: %w", err)
	}
	if users > 0 {
		// Another server may have made both since we looked.
		if found, _, err = secret.Find(dir, configured); found != nil || err != nil {
			return found, err
		}
		return nil, fmt.Errorf(
			"the encryption key is missing: the database has users, and %s is not there, "+
				"nor is gatehouse.encryption_key configured. Bring the key back: without it, no access key, "+
				"no private key of a certificate and no secret of an OAuth client can be read. "+
				"If it is lost, put 64 hex digits of your own into that file, for nobody else to read, "+
				"and make new access keys with the admin secret",
			filepath.Join(dir, secret.KeyFile),
		)
	}
	return secret.Load(dir, configured)
}

// open opens the store and assembles the program over it. adminSecret finds the secret of the admin face.
func open(
	ctx context.Context,
	cfg *config.Config,
	adminSecret func(*config.Config) (string, error),
	log, access *slog.Logger,
) (*app.App, *store.Store, error) {
	if err := os.MkdirAll(cfg.Gatehouse.DataDir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("data directory: %w", err)
	}
	// What is wrong with the files of secrets is said before anything is opened.
	if _, _, err := secret.Find(cfg.Gatehouse.DataDir, cfg.Gatehouse.EncryptionKey); err != nil {
		return nil, nil, err
	}
	admin, err := adminSecret(cfg)
	if err != nil {
		return nil, nil, err
	}
	redisdb.LogTo(log)
	info, _ := debug.ReadBuildInfo()
	b := newBuild(info)
	return app.Open(
		ctx,
		app.Options{Config: cfg, AdminSecret: admin, Log: log, AccessLog: access, Version: b.Version, Revision: b.Commit},
		app.Sources{
			Engine: func(ctx context.Context) (store.Engine, error) { return openEngine(ctx, cfg, log) },
			Keyring: func(ctx context.Context, s *store.Store) (*secret.Keyring, error) {
				return keyringFor(ctx, cfg, s)
			},
		},
	)
}

// openEngine is the one place that knows which engines there are.
func openEngine(ctx context.Context, cfg *config.Config, log *slog.Logger) (store.Engine, error) {
	layer := cfg.Layer(config.LayerMain)
	if layer.Type == config.Mongo {
		return mongo.Open(ctx, mongoConfig(cfg, layer, log))
	}
	return sql.Open(ctx, sqlConfig(layer, log))
}

func mongoConfig(cfg *config.Config, layer config.Layer, log *slog.Logger) mongo.Config {
	return mongo.Config{URL: layer.WriteDSN(), UseSSL: cfg.MongoUseSSL, InsecureSkipVerify: cfg.MongoSSLInsecureSkipVerify,
		AllowInvalidHostnames: cfg.MongoSSLAllowInvalidHostnames,
		CAFile:                cfg.MongoSSLCAFile, PEMKeyFile: cfg.MongoSSLPEMKeyFile,
		SessionConsistency: cfg.MongoSessionConsistency, BatchSize: cfg.MongoBatchSize,
		DirectConnection: cfg.MongoDirectConnection, Logger: log}
}

func sqlConfig(layer config.Layer, log *slog.Logger) sql.Config {
	return sql.Config{
		Type:                 string(layer.Type),
		DSN:                  layer.WriteDSN(),
		ReadDSN:              layer.ReadDSN(),
		PreferSimpleProtocol: layer.Postgres.PreferSimpleProtocol,
		Logger:               log,
	}
}

// logLevel is a level by its name, or by those that other programs have for it; info where there is none of the name.
func logLevel(name string) slog.Level {
	switch strings.ToLower(name) {
	case "trace", "debug":
		return slog.LevelDebug
	case "warn", "warning":
		return slog.LevelWarn
	case "error", "fatal", "panic":
		return slog.LevelError
	}
	return slog.LevelInfo
}

// newLogger makes the logger that the configuration asks for.
func newLogger(cfg *config.Config, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: logLevel(cmp.Or(cfg.Gatehouse.LogLevel, cfg.LogLevel))}
	if cfg.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
