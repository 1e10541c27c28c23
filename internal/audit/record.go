// Package audit is what is kept of who did what: the record of a call, without its secrets, and the chain that shows
// whether a record was changed, removed or moved afterwards. It is a part of the domain: it does no I/O.
package audit

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"gatehouse/internal/core"
)

// Kind is what a record is about.
type Kind string

// The kinds of records.
const (
	// KindCall is a call of an operation, or an attempt at one.
	KindCall Kind = ""
	// KindMore is about a call that has a record already: what else it did, or how it ended.
	KindMore Kind = "more"
	// KindStart, KindCheckpoint, KindStop and KindRetention are the marks of a chain. They belong to no organisation.
	KindStart      Kind = "start"
	KindCheckpoint Kind = "checkpoint"
	KindStop       Kind = "stop"
	KindRetention  Kind = "retention"
)

// ActorKind is by what a caller was known.
type ActorKind string

// The kinds of callers.
const (
	ActorKey         ActorKind = "key"
	ActorSession     ActorKind = "session"
	ActorAdminSecret ActorKind = "admin secret"
	ActorNobody      ActorKind = "nobody"
	ActorServer      ActorKind = "server"
)

// Actor is who made a call. Of wrong credentials, Name is a keyed hash.
type Actor struct {
	ID, Name string
	Kind     ActorKind
}

// Record is one entry of the audit log. It is written once, and never changed.
type Record struct {
	// Meta has the id, the organisation and, as CreatedAt, when it was.
	core.Meta
	// Server is the chain that the record is of, one for each start of a server, and N its place in it, from 1 on. Prev is
	// the hash of the record before, and Hash that of this one: see Seal.
	Server     string
	N          int64
	Prev, Hash string

	Kind  Kind
	Actor Actor
	// Face is rest, graphql, admin, signin or server; Operation the root field that was called, or "".
	Face, Operation string
	// Method, URL, IP and RequestID are of the request. URL is its path, with the query behind it.
	Method, URL, IP, RequestID string
	// Status is the HTTP status, of GraphQL that of the same call by REST; Code that of the error, "" for none.
	Status int
	Code   core.Code
	// Objects are what was touched, each as Api/<id>.
	Objects []string
	// Diff is what changed, by object: see Diff. Arguments are those of a root field.
	Diff, Arguments json.RawMessage
	// RequestDump and ResponseDump are the request without its body, and the answer, of detailed recording.
	RequestDump, ResponseDump string
	// Missing is how many records before this one could not be kept.
	Missing int64
	// Mark is what a mark of the chain says.
	Mark *Mark

	// Document is all of it but Meta, as it is kept. Seal makes it.
	Document core.Document
}

// wire is a record as it is kept: the names are short, since there are many.
type wire struct {
	Server       string          `json:"s"`
	N            int64           `json:"n"`
	Prev         string          `json:"p"`
	Kind         Kind            `json:"k,omitempty"`
	ActorID      string          `json:"u,omitempty"`
	ActorName    string          `json:"w,omitempty"`
	ActorKind    ActorKind       `json:"y,omitempty"`
	Face         string          `json:"f,omitempty"`
	Operation    string          `json:"a,omitempty"`
	Method       string          `json:"m,omitempty"`
	URL          string          `json:"l,omitempty"`
	Status       int             `json:"c,omitempty"`
	Code         core.Code       `json:"e,omitempty"`
	IP           string          `json:"i,omitempty"`
	RequestID    string          `json:"q,omitempty"`
	Objects      []string        `json:"o,omitempty"`
	Diff         json.RawMessage `json:"d,omitempty"`
	Arguments    json.RawMessage `json:"g,omitempty"`
	RequestDump  string          `json:"rq,omitempty"`
	ResponseDump string          `json:"rs,omitempty"`
	Missing      int64           `json:"x,omitempty"`
	Mark         *Mark           `json:"z,omitempty"`
	Hash         string          `json:"h,omitempty"`
}

// The longest that is kept of texts that callers choose, in bytes.
const (
	maxURL     = 1024
	maxName    = 256
	maxMethod  = 16
	maxObjects = 200
	// MaxDump is the longest that is kept of a dump, of a diff and of arguments.
	MaxDump = 64 << 10
)

// text is the wire form, without the hash.
func (r *Record) text() ([]byte, error) {
	out, err := json.Marshal(wire{Server: r.Server, N: r.N, Prev: r.Prev, Kind: r.Kind, ActorID: r.Actor.ID,
		ActorName: r.Actor.Name, ActorKind: r.Actor.Kind, Face: r.Face, Operation: r.Operation, Method: r.Method, URL: r.URL,
		Status: r.Status, Code: r.Code, IP: r.IP, RequestID: r.RequestID, Objects: r.Objects, Diff: r.Diff,
		Arguments: r.Arguments, RequestDump: r.RequestDump, ResponseDump: r.ResponseDump, Missing: r.Missing, Mark: r.Mark})
	if err != nil {
		return nil, fmt.Errorf("audit: encode a record: %w", err)
	}
	return out, nil
}

// bound cuts what callers choose the length of.
func (r *Record) bound() {
	r.URL, r.Method = Clip(r.URL, maxURL), Clip(r.Method, maxMethod)
	r.Actor.Name, r.Actor.ID = Clip(r.Actor.Name, maxName), Clip(r.Actor.ID, maxName)
	r.Operation, r.RequestID = Clip(r.Operation, maxName), Clip(r.RequestID, maxName)
	r.RequestDump, r.ResponseDump = Clip(r.RequestDump, MaxDump), Clip(r.ResponseDump, MaxDump)
	if len(r.Objects) > maxObjects {
		more := len(r.Objects) - maxObjects
		r.Objects = append(r.Objects[:maxObjects:maxObjects], fmt.Sprintf("and %d more", more))
	}
	for i, o := range r.Objects {
		r.Objects[i] = Clip(o, maxName)
	}
	r.Diff, r.Arguments = Shortened(r.Diff), Shortened(r.Arguments)
}

// Shortened is a JSON value, or, in the place of one that is too long to be kept, an object that says how long it was.
func Shortened(value json.RawMessage) json.RawMessage {
	if len(value) <= MaxDump {
		return value
	}
	return LeftOut(value)
}

// LeftOut is what stands in the place of a JSON value that is not kept: an object that says how long it was.
func LeftOut(value json.RawMessage) json.RawMessage {
	return fmt.Appendf(nil, `{"left_out_bytes":%d}`, len(value))
}

// Clip cuts a text to so many bytes at most, and says so; what is no UTF-8 is replaced.
func Clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if len(s) <= n {
		return s
	}
	at := n
	for at > 0 && !utf8.RuneStart(s[at]) {
		at--
	}
	return s[:at] + "…"
}

// New reads a record that was kept. Of one that cannot be read, which is for Verify to say, nothing is known but its
// document.
func New(m core.Meta, doc core.Document) *Record {
	r := &Record{Meta: m, Document: doc}
	var w wire
	if json.Unmarshal(doc, &w) != nil {
		return r
	}
	r.Server, r.N, r.Prev, r.Hash, r.Kind = w.Server, w.N, w.Prev, w.Hash, w.Kind
	r.Actor = Actor{w.ActorID, w.ActorName, w.ActorKind}
	r.Face, r.Operation, r.Method, r.URL = w.Face, w.Operation, w.Method, w.URL
	r.IP, r.RequestID, r.Status, r.Code, r.Objects = w.IP, w.RequestID, w.Status, w.Code, w.Objects
	r.Diff, r.Arguments, r.RequestDump, r.ResponseDump = w.Diff, w.Arguments, w.RequestDump, w.ResponseDump
	r.Missing, r.Mark = w.Missing, w.Mark
	return r
}

// Base implements core.Object.
func (r *Record) Base() *core.Meta { return &r.Meta }

// Size is 0: records count for nobody.
func (r *Record) Size() int64 { return 0 }

// Path is the URL without its query.
func (r *Record) Path() string {
	path, _, _ := strings.Cut(r.URL, "?")
	return path
}

// Action says what was done, in words: Update User for updateUser.
func (r *Record) Action() string {
	if r.Operation == "" {
		return strings.TrimSpace(r.Method + " " + string(r.Kind))
	}
	var out strings.Builder
	for i, c := range r.Operation {
		switch upper := c >= 'A' && c <= 'Z'; {
		case i == 0 && c >= 'a' && c <= 'z':
			c -= 'a' - 'A'
		case i > 0 && upper:
			out.WriteByte(' ')
		}
		out.WriteRune(c)
	}
	return out.String()
}

// Object names an object in a record.
func Object(kind, id string) string { return kind + "/" + id }

// Status is the HTTP status that an error of a code is answered with; 200 for none.
func Status(code core.Code) int {
	switch code {
	case "":
		return 200
	case core.CodeUnauthenticated:
		return 401
	case core.CodeForbidden:
		return 403
	case core.CodeNotFound:
		return 404
	case core.CodeTimeout:
		return 408
	case core.CodeConflict:
		return 409
	case core.CodeStale:
		return 412
	case core.CodeTooLarge:
		return 413
	case core.CodeTooMany:
		return 429
	case core.CodeInternal:
		return 500
	case core.CodeUnavailable:
		return 503
	}
	return 400
}

// at is when a record was, as it is kept: in microseconds.
func (r *Record) at() int64 { return r.CreatedAt.Truncate(time.Microsecond).UnixMicro() }
