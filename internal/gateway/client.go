// Package gateway calls the REST API of the gateways.
package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"gatehouse/internal/core"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 16 << 20

// Options say where the gateways are.
type Options struct {
	// URL is the scheme, host and port of the gateway (tyk_api_config); "" for none.
	URL string
	// Secret opens its REST API.
	Secret string
	// Transport is http.DefaultTransport when nil.
	Transport http.RoundTripper
}

// Client calls the REST API of the configured gateway. It is safe for concurrent use.
type Client struct {
	o    Options
	http *http.Client
}

// New makes a Client.
func New(o Options) *Client {
	o.URL = strings.TrimRight(o.URL, "/")
	return &Client{o: o, http: &http.Client{Transport: o.Transport, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Configured tells whether there is a gateway to call.
func (c *Client) Configured() bool { return c.o.URL != "" && c.o.Secret != "" }

// StatusError is an answer of the gateway that is not a success.
type StatusError struct {
	Status  int
	Message string
}

// Error says what the gateway answered.
func (e *StatusError) Error() string {
	return fmt.Sprintf("the gateway answered %d: %s", e.Status, e.Message)
}

// IsStatus tells whether err is an answer of the gateway with this status.
func IsStatus(err error, status int) bool {
	var e *StatusError
	return errors.As(err, &e) && e.Status == status
}

// Do calls the gateway, with body as JSON unless it is nil, an io.Reader or url.Values-encoded text with its own content type, and reads the
// JSON of the answer into out unless that is nil. A status of 300 or more is a *StatusError. No gateway configured, or none that
// answers, is CodeUnavailable.
func (c *Client) Do(ctx context.Context, method, path string, body, out any) error {
	raw := []byte(nil)
	contentType := "application/json"
	switch b := body.(type) {
	case nil:
	case Form:
		raw, contentType = []byte(b), "application/x-www-form-urlencoded"
	default:
		var err error
		if raw, err = json.Marshal(b); err != nil {
			return fmt.Errorf("gateway: %w", err)
		}
	}
	if !c.Configured() {
		return core.Errorf(core.CodeUnavailable, "no gateway is configured: set tyk_api_config.Host, tyk_api_config.Port and tyk_api_config.Secret")
	}
	req, err := http.NewRequestWithContext(ctx, method, c.o.URL+path, bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	req.Header.Set("x-tyk-authorization", c.o.Secret)
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return core.Wrap(core.CodeUnavailable, err, "the gateway (tyk_api_config) does not answer: try again")
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return core.Wrap(core.CodeUnavailable, err, "the gateway (tyk_api_config) broke off its answer: try again")
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		var status struct{ Message, Error string }
		_ = json.Unmarshal(answer, &status) // an answer in another form has no message
		return &StatusError{Status: resp.StatusCode, Message: status.Message + status.Error}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("gateway: the answer to %s %s: %w", method, path, err)
	}
	return nil
}

// Form is a body that is form-encoded already.
type Form string
