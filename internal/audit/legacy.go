package audit

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"gatehouse/internal/core"
)

// Legacy is a record as the legacy API shows it, and as files keep it. Fields that the legacy dashboard lacks come
// behind its own.
type Legacy struct {
	ID           string          `json:"_id"`
	RequestID    string          `json:"req_id"`
	OrgID        string          `json:"org_id"`
	Date         string          `json:"date"`
	Timestamp    int64           `json:"timestamp"`
	IP           string          `json:"ip"`
	User         string          `json:"user"`
	Action       string          `json:"action"`
	Method       string          `json:"method"`
	URL          string          `json:"url"`
	Status       int             `json:"status"`
	Diff         json.RawMessage `json:"diff"`
	RequestDump  string          `json:"request_dump"`
	ResponseDump string          `json:"response_dump"`

	At        string          `json:"at"`
	UserID    string          `json:"user_id"`
	By        ActorKind       `json:"by"`
	Face      string          `json:"face"`
	Operation string          `json:"operation"`
	Objects   []string        `json:"objects"`
	Arguments json.RawMessage `json:"arguments,omitempty"`
	Code      core.Code       `json:"code"`
	Kind      Kind            `json:"kind,omitempty"`
	Missing   int64           `json:"missing,omitempty"`
}

// Legacy is the record as the legacy API shows it.
func (r *Record) Legacy() Legacy {
	at := r.CreatedAt.UTC()
	objects := r.Objects
	if objects == nil {
		objects = []string{}
	}
	diff := r.Diff
	if len(diff) == 0 {
		diff = json.RawMessage("null")
	}
	return Legacy{ID: r.ID, RequestID: r.RequestID, OrgID: r.OrgID, Date: at.Format(time.RFC1123), Timestamp: at.Unix(),
		IP: r.IP, User: r.Actor.Called(), Action: r.Action(), Method: r.Method, URL: r.URL, Status: r.Status, Diff: diff,
		RequestDump: r.RequestDump, ResponseDump: r.ResponseDump, At: at.Format(time.RFC3339Nano), UserID: r.Actor.ID,
		By: r.Actor.Kind, Face: r.Face, Operation: r.Operation, Objects: objects, Arguments: r.Arguments, Code: r.Code,
		Kind: r.Kind, Missing: r.Missing}
}

// Read makes the record of what Legacy made, and its document.
func (l Legacy) Read(doc []byte) *Record {
	at, err := time.Parse(time.RFC3339Nano, l.At)
	if err != nil {
		at = time.Unix(l.Timestamp, 0)
	}
	return New(core.Meta{ID: l.ID, OrgID: l.OrgID, CreatedAt: at.UTC()}, core.Document(doc))
}

// Called is what somebody is called in a list: an e-mail address, or by what they were known.
func (a Actor) Called() string {
	switch {
	case a.Name != "":
		return a.Name
	case a.ID != "":
		return a.ID
	}
	return string(a.Kind)
}

// Names are those of the columns of a table of records.
func Names() []string {
	return []string{"_id", "req_id", "org_id", "date", "timestamp", "ip", "user", "action", "method", "url", "status",
		"diff", "request_dump", "response_dump", "face", "operation", "objects", "code"}
}

// Columns are a record as a row of a table. What a spreadsheet would take for a formula is a text there.
func (r *Record) Columns() []string {
	l := r.Legacy()
	diff := string(l.Diff)
	if diff == "null" {
		diff = ""
	}
	out := []string{l.ID, l.RequestID, l.OrgID, l.Date, strconv.FormatInt(l.Timestamp, 10), l.IP, l.User, l.Action,
		l.Method, l.URL, strconv.Itoa(l.Status), diff, l.RequestDump, l.ResponseDump, l.Face, l.Operation,
		strings.Join(l.Objects, " "), string(l.Code)}
	for i, text := range out {
		if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
			out[i] = "'" + text
		}
	}
	return out
}

// Text is a record with each field of the legacy dashboard on a line of its own, and an empty line behind it. Line
// breaks within a field are written as \n, so that no field can be mistaken for two.
func (r *Record) Text() string {
	l := r.Legacy()
	diff := string(l.Diff)
	if diff == "null" {
		diff = ""
	}
	var out strings.Builder
	for _, field := range []string{l.RequestID, l.OrgID, l.Date, strconv.FormatInt(l.Timestamp, 10), l.IP, l.User,
		l.Action, l.Method, l.URL, strconv.Itoa(l.Status), diff, l.RequestDump, l.ResponseDump} {
		out.WriteString(oneLine.Replace(field))
		out.WriteByte('\n')
	}
	out.WriteByte('\n')
	return out.String()
}

var oneLine = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\u2028", `\u2028`, "\u2029", `\u2029`,
	"\u0085", `\u0085`, "\v", `\v`, "\f", `\f`, "\x1b", `\x1b`)
