// Package gateway calls the REST API of the gateways.
package gateway

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
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
	o        Options
	http     *http.Client
	versions versions
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

// Require returns an error that says what to configure where there is no gateway to call.
func (c *Client) Require() error {
	if !c.Configured() {
		return core.Errorf(
			core.CodeUnavailable,
			"no gateway is configured: set tyk_api_config.Host, tyk_api_config.Port and tyk_api_config.Secret",
		)
	}
	return nil
}

// Explain makes an error for people of a *StatusError: what the gateway refuses is CodeInvalid, what it cannot do now
// CodeUnavailable. Other errors stay as they are.
func Explain(err error) error {
	var e *StatusError
	switch {
	case !errors.As(err, &e):
		return err
	case e.Status == http.StatusForbidden && strings.HasPrefix(e.Message, wrongSecret):
		return core.Wrap(
			core.CodeUnavailable,
			err,
			"the gateway does not take our secret: set tyk_api_config.Secret to the secret of the gateway's configuration",
		)
	case e.Status >= http.StatusInternalServerError:
		return core.Wrap(core.CodeUnavailable, err, "the gateway failed: %s", cmp.Or(e.Message, "it says nothing more"))
	}
	return core.Wrap(
		core.CodeInvalid,
		err,
		"the gateway refuses: %s",
		cmp.Or(e.Message, fmt.Sprintf("it answered %d", e.Status)),
	)
}

// Forget has the gateway drop what it cached for an API, under a path that ends in a slash.
func (c *Client) Forget(ctx context.Context, path, apiID string) error {
	err := c.Do(ctx, http.MethodDelete, path+url.PathEscape(apiID), nil, nil)
	if IsStatus(err, http.StatusNotFound) {
		return core.Wrap(
			core.CodeUnavailable,
			err,
			"the gateway is too old to forget these: upgrade it, or restart it",
		)
	}
	return Explain(err)
}

// wrongSecret starts what a gateway answers to a secret that is not its own.
const wrongSecret = "Attempted administrative access"

// shorten keeps what people read of a message.
func shorten(message string) string {
	const most = 500
	if len(message) > most {
		message = strings.ToValidUTF8(message[:most], "") + "…"
	}
	return message
}

// Do calls the gateway, with body as JSON unless it is nil or a Form, and reads the JSON of the answer into out unless
// that is nil. A status of 300 or more is a *StatusError, which Explain makes one for people. No gateway configured, or
// none that answers, is CodeUnavailable.
func (c *Client) Do(ctx context.Context, method, path string, body, out any) error {
	return c.do(ctx, "", method, path, body, out)
}

// do is Do with the name of the host that the request is for, where that is not the gateway's own.
func (c *Client) do(ctx context.Context, host, method, path string, body, out any) error {
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
	if err := c.Require(); err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, method, c.o.URL+path, bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	req.Host = cmp.Or(host, req.Host)
	req.Header.Set("x-tyk-authorization", c.o.Secret)
	if body != nil {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return core.Wrap(core.CodeUnavailable, err, "the gateway (tyk_api_config) does not answer: try again")
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return core.Wrap(core.CodeUnavailable, err, "the gateway (tyk_api_config) broke off its answer: try again")
	}
	if len(answer) > maxAnswer {
		return core.Errorf(core.CodeLimit, "the gateway's answer has more than %d MB", maxAnswer>>20)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		var status struct {
			Message, Error string
			Description    string `json:"error_description"` // of OAuth 2.0
		}
		_ = json.Unmarshal(answer, &status) // an answer in another form has no message
		return &StatusError{
			Status:  resp.StatusCode,
			Message: shorten(cmp.Or(status.Message, status.Description, status.Error)),
		}
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
