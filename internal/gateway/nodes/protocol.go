package nodes

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"gatehouse/internal/core"
	"gatehouse/internal/httpserver"
	"gatehouse/internal/limits"
)

// What gateways look for in the answer: it makes them register again, and repeat the call.
const (
	unknownNode = "No node ID Found"
	badNonce    = "Nonce failed"
)

const (
	// maxHeader is how long what a gateway says about itself may be, in bytes.
	maxHeader = 255
	// maxEvent is how many bytes of an event are read.
	maxEvent = 64 << 10
)

// call is the request of a node that presented a good nonce.
type call struct {
	*http.Request
	node *node
	at   time.Time
}

// ServeHTTP serves the node protocol.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.mux.ServeHTTP(w, req) }

func (r *Registry) routes() *http.ServeMux {
	mux := http.NewServeMux()
	handle := func(method, path string, serve func(http.ResponseWriter, *http.Request) error) {
		mux.HandleFunc(method+" "+path, func(w http.ResponseWriter, req *http.Request) {
			httpserver.SetRoute(req.Context(), path)
			err := r.authorise(req)
			if err == nil {
				err = serve(w, req)
			}
			if err != nil {
				r.fail(w, req, err)
			}
		})
	}
	handle("GET", "/register/node", r.register)
	handle("GET", "/register/ping", r.known(r.ping))
	handle("GET", "/system/apis", r.known(r.feedApis))
	handle("GET", "/system/policies", r.known(r.feedPolicies))
	handle("GET", "/system/clientidps", r.known(r.clientIdps))
	handle("DELETE", "/system/node", r.known(r.deregister))
	handle("POST", "/system/key/quota_trigger", r.known(r.quotaTrigger))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusNotFound, reply{Status: "Error", Message: "there is no such endpoint"})
	})
	return mux
}

// authorise compares the node secret. Hashes of both are compared, so that the time tells nothing, not even the length.
func (r *Registry) authorise(req *http.Request) error {
	if r.o.Secret == "" {
		r.refusals.note(req.Context(), r.o.Store.Now(), address(req), "shared_node_secret is not set")
		return core.Errorf(
			core.CodeForbidden,
			"this server takes no gateways: set shared_node_secret (TYK_DB_NODESECRET) to the node_secret of the gateways",
		)
	}
	attempt, err := r.o.Attempts.Begin(limits.RealmNode, address(req), req.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	given := sha256.Sum256([]byte(req.Header.Get("Authorization")))
	if subtle.ConstantTimeCompare(given[:], r.secret[:]) != 1 {
		attempt.Failed(req.Context())
		r.refusals.note(req.Context(), r.o.Store.Now(), address(req), "its node_secret is not our shared_node_secret")
		return core.Errorf(
			core.CodeForbidden,
			"Authorization failed: the node_secret of the gateway must be the shared_node_secret of this server",
		)
	}
	attempt.Held()
	return nil
}

// known lets nodes pass that are registered and present a good nonce.
func (r *Registry) known(serve func(http.ResponseWriter, *call) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, req *http.Request) error {
		id := req.Header.Get("X-Tyk-Nodeid")
		n, err := r.lookup(req.Context(), id)
		if err != nil {
			return err
		}
		if n == nil {
			return core.Errorf(core.CodeForbidden, "Authorization failed ("+unknownNode+"): register again")
		}
		counter, ok := r.nonces.open(id, req.Header.Get("X-Tyk-Nonce"))
		c := &call{Request: req, node: n, at: r.now()}
		r.mu.Lock()
		if ok = ok && n.accept(counter); ok {
			n.LastSeen, n.Address, n.dirty = c.at, address(req), true
		}
		r.mu.Unlock()
		if !ok {
			return core.Errorf(core.CodeForbidden, "Authorization failed ("+badNonce+"): register again")
		}
		return serve(w, c)
	}
}

// ping is the heartbeat. A line of the access log for each would drown all others.
func (r *Registry) ping(w http.ResponseWriter, c *call) error {
	httpserver.Quiet(c.Context())
	return r.ok(w, c, struct{}{})
}

// clientIdps answers that there are none: identity providers of clients are not managed here.
func (r *Registry) clientIdps(w http.ResponseWriter, c *call) error { return r.ok(w, c, []struct{}{}) }

// quotaTrigger hears that a key has used up a share of its quota.
func (r *Registry) quotaTrigger(w http.ResponseWriter, c *call) error {
	raw, err := io.ReadAll(io.LimitReader(c.Body, maxEvent+1))
	if len(raw) > maxEvent || httpserver.IsBodyTooLarge(err) {
		return core.Errorf(core.CodeTooLarge, "the event must be at most %d bytes", maxEvent)
	}
	if core.CodeOf(err) == core.CodeTimeout {
		return err
	}
	if err != nil || !gjson.ValidBytes(raw) || !gjson.ParseBytes(raw).IsObject() {
		return core.Errorf(core.CodeMalformed, "the event must be a JSON object")
	}
	event := gjson.ParseBytes(raw)
	// The key may be the token itself, where keys are not hashed.
	hash := sha256.Sum256([]byte(event.Get("key").String()))
	r.o.Log.InfoContext(
		c.Context(),
		"a key reached a limit of its quota",
		slog.String("org_id", clip(event.Get("org_id").String(), maxHeader)),
		slog.String(
			"key_sha256",
			hex.EncodeToString(hash[:8]),
		),
		slog.Int64("usage_percentage", event.Get("usage_percentage").Int()),
		slog.String("node_id", c.node.ID),
	)
	return r.ok(w, c, struct{}{})
}

// reply is the shape of the answers that are no feed. Gateways before 5.6 read Message as a map of texts.
type reply struct {
	Status  string
	Message any
	Nonce   string `json:",omitempty"`
}

// ok answers with a message and the next nonce.
func (r *Registry) ok(w http.ResponseWriter, c *call, message any) error {
	r.mu.Lock()
	counter := c.node.next()
	r.mu.Unlock()
	answer(w, http.StatusOK, reply{"OK", message, r.nonces.sign(c.node.ID, counter)})
	return nil
}

func answer(w http.ResponseWriter, status int, body reply) {
	raw, err := json.Marshal(body)
	if err != nil {
		status, raw = http.StatusInternalServerError, []byte(`{"Status":"Error","Message":"Internal error"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(raw)))
	w.WriteHeader(status)
	_, _ = w.Write(raw)
}

var statuses = map[core.Code]int{
	core.CodeForbidden: http.StatusForbidden, core.CodeInvalid: http.StatusBadRequest,
	core.CodeMalformed: http.StatusBadRequest,
	core.CodeTooLarge:  http.StatusRequestEntityTooLarge, core.CodeUnavailable: http.StatusServiceUnavailable,
	core.CodeTimeout: http.StatusRequestTimeout, core.CodeTooMany: http.StatusTooManyRequests,
}

func (r *Registry) fail(w http.ResponseWriter, req *http.Request, err error) {
	e := core.AsError(err)
	if e.Code == core.CodeInternal && req.Context().Err() != nil {
		e = core.Wrap(core.CodeUnavailable, err, "the request took too long, or was given up")
	}
	status, ok := statuses[e.Code]
	if !ok {
		status = http.StatusInternalServerError
	}
	switch {
	case status < http.StatusInternalServerError || errors.Is(err, req.Context().Err()):
	case e.Code == core.CodeUnavailable:
		r.o.Outages.Tell(req.Context(), err, slog.String("request_id", httpserver.RequestID(req.Context())))
	default:
		r.o.Log.ErrorContext(
			req.Context(),
			"a gateway could not be answered",
			slog.String("request_id", httpserver.RequestID(req.Context())),
			slog.Any("error", err),
		)
	}
	if wait := e.Seconds(); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(wait))
	}
	if e.Code == core.CodeTimeout {
		w.Header().Set("Connection", "close") // the rest of the body is still under way
	}
	answer(w, status, reply{Status: "Error", Message: e.Message})
}

// now is the time by the clock of the store, as exact as it keeps times.
func (r *Registry) now() time.Time { return r.o.Store.Now().Truncate(time.Microsecond) }

// address is where a request comes from.
func address(req *http.Request) string {
	if known := httpserver.Address(req.Context()); known != "" {
		return known
	}
	host, _, err := net.SplitHostPort(req.RemoteAddr)
	if err != nil {
		return req.RemoteAddr
	}
	return host
}

// clip makes of s valid UTF-8 of at most n bytes.
func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}
