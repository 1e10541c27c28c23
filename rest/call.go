package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"

	"gatehouse/internal/core"
	"gatehouse/internal/httpserver"
)

// call is a legacy request on its way to a resolver.
type call struct {
	*Options
	ctx     context.Context
	request *http.Request
	header  http.Header
	vars    map[string]string
	// unpaged means everything where the request asks for no page.
	unpaged bool
}

// reply writes the answer. Errors are over by then.
type reply func(w http.ResponseWriter)

// answer is the shape of most legacy answers. ID is the public id of what was created, where there is one.
type answer struct {
	Status  string `json:"Status"`
	Message string `json:"Message"`
	Meta    any    `json:"Meta"`
	ID      string `json:"ID,omitempty"`
}

// done is the answer to a change.
func done(message string, meta any) reply {
	return shown(answer{Status: "OK", Message: message, Meta: meta})
}

// shown answers 200 with a value as JSON.
func shown(v any) reply {
	return func(w http.ResponseWriter) { writeJSON(w, http.StatusOK, v) }
}

// document answers 200 with a document as it is.
func document(doc []byte) reply {
	return func(w http.ResponseWriter) {
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", strconv.Itoa(len(doc)))
		_, _ = w.Write(doc)
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		status = http.StatusInternalServerError
		body.Reset()
		body.WriteString(`{"Status":"Error","Message":"Internal error","Meta":null}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(bytes.TrimSuffix(body.Bytes(), []byte("\n")))
}

// body reads the whole body, whatever its Content-Type says.
func (c *call) body() ([]byte, error) {
	raw, err := io.ReadAll(c.request.Body)
	if httpserver.IsBodyTooLarge(err) {
		return nil, core.Wrap(core.CodeTooLarge, err, "the body is too large: send less, or raise gatehouse.max_body_bytes")
	}
	if core.CodeOf(err) == core.CodeTimeout {
		return nil, err
	}
	if err != nil {
		return nil, core.Wrap(core.CodeMalformed, err, "the body could not be read")
	}
	return raw, nil
}

// document reads a body that must be a JSON object.
func (c *call) document() (core.Document, error) {
	raw, err := c.body()
	if err != nil {
		return nil, err
	}
	return core.ParseDocument(raw)
}

// param returns a query parameter, "" when it is absent.
func (c *call) param(name string) string { return c.query().Get(name) }

func (c *call) query() urlValues { return urlValues(c.request.URL.Query()) }

type urlValues map[string][]string

// Get returns the first value.
func (v urlValues) Get(name string) string {
	if len(v[name]) == 0 {
		return ""
	}
	return v[name][0]
}

// optional returns a query parameter, nil when it is absent or empty.
func (c *call) optional(name string) *string {
	if v := c.param(name); v != "" {
		return &v
	}
	return nil
}

// list returns a comma separated query parameter, nil when it is absent or empty.
func (c *call) list(name string) []string {
	var out []string
	for _, v := range strings.Split(c.param(name), ",") {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, v)
		}
	}
	return out
}

// flag tells whether a query parameter is there with a value other than false and 0.
func (c *call) flag(name string) bool {
	v := c.param(name)
	return v != "" && v != "0" && !strings.EqualFold(v, "false")
}

// revision reads If-Match; nil when there is none, or "*".
func (c *call) revision() (*int, error) {
	tag := strings.TrimSpace(c.request.Header.Get("If-Match"))
	if tag == "" || tag == "*" {
		return nil, nil
	}
	n, err := strconv.Atoi(strings.Trim(strings.TrimPrefix(tag, "W/"), `"`))
	if err != nil {
		return nil, core.Errorf(core.CodeInvalid, "If-Match must hold the ETag of the object as you read it")
	}
	return &n, nil
}

// tag sets the ETag of an object.
func (c *call) tag(m *core.Meta) { c.header.Set("ETag", `"`+strconv.FormatInt(m.Revision, 10)+`"`) }

// found turns "no object" into an error.
func found[T any](object *T, err error) (*T, error) {
	if err == nil && object == nil {
		err = core.Errorf(core.CodeNotFound, "there is no such object")
	}
	return object, err
}
