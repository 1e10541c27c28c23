package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"gatehouse/internal/config"
)

// healthTimeout is more than the server gives its own checks.
const healthTimeout = 5 * time.Second

// newHealthCommand returns the command that asks a running server how it is, for images that have no other program.
func newHealthCommand(load func() (*config.Loaded, error)) *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "Ask the server on this machine how it is",
		Long: `Ask the server that runs on this machine with this configuration, print what it says, and end with 0
when it can serve. It is the health check of the container image.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			loaded, err := load()
			if err != nil {
				return err
			}
			return askHealth(cmd.Context(), &loaded.Config, cmd.OutOrStdout())
		},
	}
}

// askHealth asks over the loopback, or at the address that the server listens on. Its certificate is not checked: it is
// that of another name, and the connection leaves the machine for nobody.
func askHealth(ctx context.Context, cfg *config.Config, out io.Writer) error {
	scheme, host := "http", cfg.Gatehouse.ListenAddress
	if cfg.HTTPServerOptions.UseSSL {
		scheme = "https"
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	url := scheme + "://" + net.JoinHostPort(host, strconv.Itoa(cfg.ListenPort)) + "/" + cfg.HealthCheckEndpointName
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // it asks this machine
	}}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 64<<10))
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s\n", body)
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the server answers %s", answer.Status)
	}
	return nil
}
