package gateway

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	versionAge     = 30 * time.Second
	versionTimeout = 2 * time.Second
	versionAnswer  = 64 << 10
)

// versions remembers what gateways said about themselves, by address. The addresses are those of the configuration, so
// few.
type versions struct {
	mu    sync.Mutex
	known map[string]*versionAt
}

type versionAt struct {
	mu      sync.Mutex
	at      time.Time
	version string
}

// URL is the address of the configured gateway, "" for none.
func (c *Client) URL() string { return c.o.URL }

// Version asks the gateway at an address of the configuration which version it is; "" when it does not say, or does not
// answer within two seconds. What it said, or that it said nothing, holds for 30 seconds. It takes no secret.
func (c *Client) Version(ctx context.Context, address string) string {
	c.versions.mu.Lock()
	if c.versions.known == nil {
		c.versions.known = map[string]*versionAt{}
	}
	v := c.versions.known[address]
	if v == nil {
		v = &versionAt{}
		c.versions.known[address] = v
	}
	c.versions.mu.Unlock()

	v.mu.Lock() // those who ask meanwhile wait for the one answer
	defer v.mu.Unlock()
	if v.at.IsZero() || time.Since(v.at) >= versionAge {
		v.version, v.at = c.hello(context.WithoutCancel(ctx), address), time.Now()
	}
	return v.version
}

func (c *Client) hello(ctx context.Context, address string) string {
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(address, "/")+"/hello", nil)
	if err != nil {
		return ""
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	var hello struct {
		Version string `json:"version"`
	}
	if json.NewDecoder(io.LimitReader(resp.Body, versionAnswer)).Decode(&hello) != nil || len(hello.Version) > 64 {
		return ""
	}
	return hello.Version
}
