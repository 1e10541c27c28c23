package graph

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
)

// answerPiece is what is written at once.
const answerPiece = 64 << 10

// The content types of answers. The newer one tells by its status whether anything ran.
const (
	plainJSON   = "application/json"
	graphqlJSON = "application/graphql-response+json"
)

// contentType chooses the type of an answer by what the client accepts.
func contentType(r *http.Request) string {
	accept := r.Header.Get("Accept")
	for part := range strings.SplitSeq(accept, ",") {
		switch mediaType, _, err := mime.ParseMediaType(strings.TrimSpace(part)); {
		case err != nil:
		case mediaType == "*/*", mediaType == "application/*", mediaType == plainJSON:
			return plainJSON
		case mediaType == graphqlJSON:
			return graphqlJSON
		}
	}
	if accept == "" {
		return plainJSON
	}
	return graphqlJSON
}

// writeErrors answers an operation that does not run.
func (s *server) writeErrors(w http.ResponseWriter, r *http.Request, oc *graphql.OperationContext, errs gqlerror.List) {
	response := s.exec.DispatchError(graphql.WithOperationContext(r.Context(), oc), errs)
	s.write(w, r, statusOf(r, response.Errors), response)
}

// statusOf is the status of an answer to an operation that did not run.
func statusOf(r *http.Request, errs gqlerror.List) int {
	for _, e := range errs {
		switch code, _ := e.Extensions["code"].(string); code {
		case string(core.CodeUnauthenticated):
			if !authz.From(r.Context()).Known() {
				return http.StatusUnauthorized
			}
		case string(core.CodeUnavailable):
			return http.StatusServiceUnavailable
		case errcode.ParseFailed, errcode.ValidationFailed, string(core.CodeLimit):
			if contentType(r) == graphqlJSON {
				return http.StatusBadRequest
			}
			return http.StatusUnprocessableEntity
		}
	}
	return http.StatusOK
}

// write writes an answer in pieces, without a copy of it. The server cuts a client that does not take them.
func (s *server) write(w http.ResponseWriter, r *http.Request, status int, response *graphql.Response) {
	w.Header().Set("Content-Type", contentType(r))
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	_ = encode(w, response) // a client that is gone has nothing more to be told
}

// encode writes an answer as JSON, on one line. The data is written as it is, but for white space and <, > and &.
func encode(w io.Writer, response *graphql.Response) error {
	var head, tail bytes.Buffer
	head.WriteByte('{')
	if len(response.Errors) > 0 {
		errs, err := json.Marshal(response.Errors)
		if err != nil {
			return err
		}
		head.WriteString(`"errors":`)
		head.Write(errs)
		head.WriteByte(',')
	}
	head.WriteString(`"data":`)
	data := []byte(response.Data)
	if len(data) == 0 {
		data = []byte("null")
	}
	if len(response.Extensions) > 0 {
		extensions, err := json.Marshal(response.Extensions)
		if err != nil {
			return err
		}
		tail.WriteString(`,"extensions":`)
		tail.Write(extensions)
	}
	tail.WriteByte('}')
	c := &compactor{w: w, buf: make([]byte, 0, min(head.Len()+len(data)+tail.Len()+64, answerPiece))}
	c.raw(head.Bytes())
	c.json(data)
	c.raw(tail.Bytes())
	return c.flush()
}

// compactor writes JSON without white space, and with <, >, &, U+2028 and U+2029 in strings as escapes, in pieces of
// answerPiece.
type compactor struct {
	w   io.Writer
	buf []byte
	err error
}

func (c *compactor) flush() error {
	if c.err == nil && len(c.buf) > 0 {
		_, c.err = c.w.Write(c.buf)
	}
	c.buf = c.buf[:0]
	return c.err
}

// raw writes bytes as they are.
func (c *compactor) raw(b []byte) {
	for len(b) > 0 && c.err == nil {
		n := min(len(b), answerPiece-len(c.buf))
		c.buf = append(c.buf, b[:n]...)
		if b = b[n:]; len(c.buf) == answerPiece {
			_ = c.flush()
		}
	}
}

func (c *compactor) json(b []byte) {
	const hex = "0123456789abcdef"
	start, text := 0, false
	skip := func(i, n int, instead string) {
		c.raw(b[start:i])
		c.raw([]byte(instead))
		start = i + n
	}
	for i := 0; i < len(b) && c.err == nil; i++ {
		switch ch := b[i]; {
		case !text && (ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r'):
			skip(i, 1, "")
		case ch == '"':
			text = !text
		case ch == '\\':
			i++ // what is escaped ends no string
		case ch == '<' || ch == '>' || ch == '&':
			skip(i, 1, `\u00`+string(hex[ch>>4])+string(hex[ch&0xf]))
		case ch == 0xE2 && i+2 < len(b) && b[i+1] == 0x80 && b[i+2]&^1 == 0xA8:
			skip(i, 3, `\u202`+string(hex[b[i+2]&0xf]))
		}
	}
	if start < len(b) {
		c.raw(b[start:])
	}
}
