package rest

import (
	"bytes"
	"net/http"
	"strings"

	"gatehouse/internal/audit"
	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/httpserver"
	"gatehouse/internal/trail"
)

// recorded follows a request for the audit log, until end. err is that of the request by then; nil has none.
func (o Options) recorded(
	w http.ResponseWriter, r *http.Request, rt route, err *error,
) (rec *trail.Call, watched http.ResponseWriter, end func()) {
	if o.Trail == nil {
		return nil, w, func() {}
	}
	q := trail.Request{Face: trail.FaceREST, Operation: rt.operation, Method: r.Method, URL: r.URL.RequestURI(),
		IP: httpserver.Address(r.Context()), ID: httpserver.RequestID(r.Context()), Path: rt.path}
	given := r.Header.Get("Authorization")
	if strings.HasPrefix(r.URL.Path, "/admin/") {
		q.Face, given = trail.FaceAdmin, r.Header.Get("admin-auth")
	}
	if o.Trail.Detailed() {
		q.Dump = o.Trail.Redactor().Request(r.Method, q.URL, r.Proto, r.Header)
	}
	rec = o.Trail.Begin(r.Context(), q)
	rec.Claimed(authz.AccessKey(given))
	// Records of records would grow without end.
	out := &watching{ResponseWriter: w, keeps: o.Trail.Detailed() && !strings.HasPrefix(rt.operation, "auditRecord")}
	return rec, out, func() {
		var failed error
		if err != nil {
			failed = *err
		}
		if out.status == 0 && failed == nil { // it panicked, and is answered further out
			out.status, failed = http.StatusInternalServerError, core.Errorf(core.CodeInternal, "it panicked")
		}
		if out.keeps {
			rec.Answer(o.Trail.Redactor().Response(out.status, w.Header(), out.kept.Bytes(), out.length))
		}
		rec.End(out.status, failed)
	}
}

// watching is a ResponseWriter that remembers the status, and the answer where it keeps that.
type watching struct {
	http.ResponseWriter
	status int
	keeps  bool
	kept   bytes.Buffer
	length int
}

// WriteHeader implements http.ResponseWriter.
func (w *watching) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *watching) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	if w.keeps && w.kept.Len()+len(p) <= audit.MaxDump {
		w.kept.Write(p)
	}
	w.length += len(p)
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *watching) Unwrap() http.ResponseWriter { return w.ResponseWriter }
