package rest

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/graph/model"
	"gatehouse/internal/audit"
	"gatehouse/internal/core"
	"gatehouse/internal/httpserver"
)

var auditRoutes = []route{
	{"GET", "/api/audit-logs", "auditRecords", (*call).listAuditLogs, nil},
	{"GET", "/api/audit-logs/{id}", "auditRecord", (*call).auditLog, nil},
	{"GET", "/admin/audit-logs", "auditRecords", (*call).listAuditLogs, nil},
	{"GET", "/admin/audit-logs/{id}", "auditRecord", (*call).auditLog, nil},
}

func (c *call) auditLog() (reply, error) {
	r, err := found(c.Query.AuditRecord(c.ctx, c.vars["id"]))
	if err != nil {
		return nil, err
	}
	return shown(r.Legacy()), nil
}

// listAuditLogs answers with a page, or, for a download, with all records that match: as JSON, as lines of JSON, or as
// a table.
func (c *call) listAuditLogs() (reply, error) {
	filter, err := c.auditFilter()
	if err != nil {
		return nil, err
	}
	next := func(first *int, after *string) (fetched[audit.Record], error) {
		l, err := c.Query.AuditRecords(c.ctx, first, after, filter, nil)
		if err != nil {
			return fetched[audit.Record]{}, err
		}
		return fetched[audit.Record]{l.Nodes, l.TotalCount, l.PageInfo}, nil
	}
	kind := strings.ToLower(c.param("type"))
	switch {
	case kind != "" && kind != "json" && kind != "csv" && kind != "jsonl":
		return nil, core.InField("type", "must be json, jsonl or csv")
	case !c.flag("download") && kind != "jsonl" && kind != "csv":
		return listing(c, shape{`{"audit_logs":[`, `],"pages":`}, next, writeAuditLog)
	}
	return c.auditDownload(kind, next)
}

func writeAuditLog(w io.Writer, r *audit.Record) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(r.Legacy())
}

// auditDownload sends all records that match, a page of the resolver at a time.
func (c *call) auditDownload(kind string, next fetch[audit.Record]) (reply, error) {
	c.ctx = httpserver.Streaming(c.ctx) // however long it is: bounded by its progress
	first, after := c.MaxPageSize, ""
	got, err := next(&first, &after)
	if err != nil {
		return nil, err
	}
	types := map[string]string{"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
	contentType, name := types[kind], kind
	if contentType == "" {
		contentType, name = "application/json", "json"
	}
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("Content-Disposition", `attachment; filename="audit-logs.`+name+`"`)
		out := &stream{w: w}
		rows := newRows(kind, out)
		for out.err == nil {
			for _, r := range got.nodes {
				rows.row(r)
			}
			if !got.info.HasNextPage || out.err != nil {
				break
			}
			if got, err = next(&first, got.info.EndCursor); err != nil {
				out.err = err
			}
		}
		rows.end()
		if out.err != nil {
			// The status is out. Breaking the connection is the one honest way to say that the list is not whole.
			c.Log.ErrorContext(c.ctx, "a download broke off", "error", out.err)
			panic(http.ErrAbortHandler)
		}
	}, nil
}

// rows write records one behind the other, in some form.
type rows struct {
	row func(*audit.Record)
	end func()
}

func newRows(kind string, out *stream) rows {
	write := func(r *audit.Record) {
		if err := writeAuditLog(out, r); err != nil {
			out.err = err
		}
	}
	switch kind {
	case "csv":
		table := csv.NewWriter(out)
		_ = table.Write(audit.Names()) // the stream keeps what goes wrong
		return rows{func(r *audit.Record) { _ = table.Write(r.Columns()); table.Flush() }, table.Flush}
	case "jsonl":
		return rows{write, func() {}}
	}
	out.text("[")
	comma := ""
	return rows{func(r *audit.Record) { out.text(comma); comma = ","; write(r) }, func() { out.text("]") }}
}

// auditParams are the parameters of the list. Another is refused: what was not asked should not be taken for an answer.
var auditParams = []string{"p", "page_size", "user", "action", "ip", "method", "status", "url", "object", "org_id", "from_date", "to_date", "download", "type"}

// auditFilter reads which records are asked for. Days are whole: to_date is the last one.
func (c *call) auditFilter() (*model.AuditRecordFilter, error) {
	for name := range c.query() {
		if !slices.Contains(auditParams, name) {
			return nil, core.Errorf(core.CodeInvalid, "%.50q is no parameter of the audit log: there are %s", name, strings.Join(auditParams, ", "))
		}
	}
	f := &model.AuditRecordFilter{User: c.optional("user"), Action: c.optional("action"), IP: c.optional("ip"),
		Method: c.optional("method"), URL: c.optional("url"), Object: c.optional("object"), OrgID: c.optional("org_id")}
	if v := c.param("status"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			return nil, core.InField("status", "must be a number, such as 200")
		}
		f.Status = &n
	}
	for name, into := range map[string]**time.Time{"from_date": &f.From, "to_date": &f.Until} {
		v := c.param(name)
		if v == "" {
			continue
		}
		day, err := time.Parse(time.DateOnly, v)
		if err != nil {
			return nil, core.InField(name, "must be a day, such as 2026-01-31")
		}
		if name == "to_date" {
			day = day.AddDate(0, 0, 1)
		}
		*into = &day
	}
	return f, nil
}
