package graph

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
)

// serveGET answers a query in the address.
func (s *server) serveGET(w http.ResponseWriter, r *http.Request) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		s.refuse(w, r, core.Wrap(core.CodeMalformed, err, "the query of the address could not be decoded"))
		return
	}
	params := &graphql.RawParams{Query: query.Get("query"), OperationName: query.Get("operationName"), Headers: r.Header}
	for _, part := range []struct {
		name string
		into *map[string]any
	}{{"variables", &params.Variables}, {"extensions", &params.Extensions}} {
		if text := query.Get(part.name); text != "" {
			if err := decode([]byte(text), part.into); err != nil {
				s.refuse(w, r, core.Wrap(core.CodeMalformed, err, "%s could not be decoded: they are a JSON object", part.name))
				return
			}
		}
	}
	s.answer(w, r, params, ast.Query)
}

// servePOST answers the operation in a body, once or as a stream of events.
func (s *server) servePOST(w http.ResponseWriter, r *http.Request) {
	params, err := s.read(w, r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		s.serveEvents(w, r, params)
		return
	}
	s.answer(w, r, params, "")
}

// read reads a body. It is JSON whatever its Content-Type says, since that is what curl -d sends as a form. Nobody
// gains by a page of another site that sends it so past the browser's checks: our credentials are in headers, which
// such a page cannot set.
func (s *server) read(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, error) {
	body, setting := r.Body, "gatehouse.max_body_bytes"
	if limit := s.Limits.AnonymousBytes; limit > 0 && !authz.From(r.Context()).Known() {
		setting = "gatehouse.graphql.max_anonymous_body_bytes"
		if r.ContentLength > limit {
			w.Header().Set("Connection", "close")
			return nil, tooLarge(nil, setting)
		}
		body = http.MaxBytesReader(w, body, limit)
	}
	raw, err := io.ReadAll(body)
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, tooLarge(err, setting)
	case err != nil && (ended(err) || core.CodeOf(err) == core.CodeTimeout):
		return nil, err
	case err != nil:
		return nil, core.Wrap(core.CodeMalformed, err, "the body could not be read")
	}
	params := &graphql.RawParams{}
	if err := decode(raw, params); err != nil {
		return nil, core.Wrap(
			core.CodeMalformed,
			err,
			`the body could not be decoded: send a JSON object such as {"query": "{ version }"}%s`,
			fault(err),
		)
	}
	params.Headers = r.Header
	return params, nil
}

func tooLarge(cause error, setting string) error {
	if setting != "gatehouse.max_body_bytes" {
		return core.Wrap(
			core.CodeTooLarge,
			cause,
			"the body is too large for a request without credentials: send them, send less, or raise %s",
			setting,
		)
	}
	return core.Wrap(core.CodeTooLarge, cause, "the body is too large: send less, or raise %s", setting)
}

// decode reads JSON, numbers as they are spelled.
func decode(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return d.Decode(into)
}

// fault says which field of a body is of the wrong type. It repeats nothing of what was sent: there may be secrets in
// it.
func fault(err error) string {
	var t *json.UnmarshalTypeError
	if errors.As(err, &t) && t.Field != "" {
		return "; " + clip(t.Field, 100) + " cannot be a " + t.Value
	}
	return ""
}

// answer runs an operation and writes its answer; only is the kind that may run, "" for any.
func (s *server) answer(w http.ResponseWriter, r *http.Request, params *graphql.RawParams, only ast.Operation) {
	oc, errs := s.exec.CreateOperationContext(r.Context(), params)
	if errs != nil {
		s.writeErrors(w, r, oc, errs)
		return
	}
	if only != "" && oc.Operation.Operation != only {
		w.Header().Set("Allow", "POST")
		s.write(
			w,
			r,
			http.StatusNotAcceptable,
			&graphql.Response{Errors: gqlerror.List{{Message: "GET requests only allow query operations: send this one by POST",
				Extensions: map[string]any{"code": string(core.CodeInvalid)}}}},
		)
		return
	}
	ctx, account := s.account(r.Context(), oc.Operation)
	defer account.close()
	responses, ctx := s.exec.DispatchOperation(ctx, oc)
	response, status := responses(ctx), http.StatusOK
	switch {
	case account.over.Load() != nil:
		status = statusOf(r, response.Errors)
	case isOutage(response):
		status = http.StatusServiceUnavailable
	}
	s.write(w, r, status, response)
}
