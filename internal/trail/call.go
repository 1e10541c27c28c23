package trail

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/portal"
	"gatehouse/internal/usergroup"
	"gatehouse/store"
)

// Request is what is known of a call when it begins.
type Request struct {
	// Face is that through which it came; Operation the root field, "" where none was reached.
	Face, Operation string
	// Method and URL are those of the REST request that it is, or equals. Their secrets are taken out here.
	Method, URL string
	// IP and ID are of the request.
	IP, ID string
	// Path is that of the operation, with names in braces, which tells the arguments that are tokens. Arguments are those
	// of a root field; Dump is the request without its body, for detailed recording.
	Path      string
	Arguments map[string]any
	Dump      string
}

// The faces of requests.
const (
	FaceREST    = "rest"
	FaceAdmin   = "admin"
	FaceGraphQL = "graphql"
	FaceSignIn  = "signin"
)

// Call is a call on its way: what it touches, and how it ends. It is safe for concurrent use; a nil one records
// nothing.
type Call struct {
	trail *Trail
	// reads tells that the call changes nothing.
	reads bool

	mu      sync.Mutex
	record  audit.Record
	touched []touched
	// carried tells that a record of the call was written already; outside that something was changed that no
	// transaction covers.
	carried, outside bool
	dump             string
}

// touched is an object that the call touches.
type touched struct {
	name, org string
	// key is the object, as writes name it.
	key           string
	before, after []byte
	written       bool
}

type callKey struct{}

// signIns are the operations by which people come and go. They are recorded as what changes something, though some are
// requests to GET.
var signIns = map[string]bool{"logIn": true, "logOut": true, "redeemSsoNonce": true, "openIdSignIn": true}

// Begin follows a call.
func (t *Trail) Begin(ctx context.Context, q Request) *Call {
	if t == nil {
		return nil
	}
	if signIns[q.Operation] {
		q.Face = FaceSignIn
	}
	reads := q.Method == http.MethodGet || q.Method == http.MethodHead
	c := &Call{trail: t, reads: reads && q.Face != FaceSignIn}
	c.record = audit.Record{Face: q.Face, Operation: q.Operation, Method: q.Method, IP: q.IP, RequestID: q.ID,
		URL: t.url(q.URL)}
	if !c.reads || t.o.Reads {
		c.record.Arguments = t.arguments(q)
	}
	if t.o.Detailed {
		c.record.RequestDump = q.Dump
	}
	c.Known(authz.From(ctx))
	return c
}

// With returns a context of the call: what is written in it has the record of the call written with it.
func (c *Call) With(ctx context.Context) context.Context {
	if c == nil {
		return ctx
	}
	ctx = context.WithValue(ctx, callKey{}, c)
	if !c.reads {
		ctx = store.WithCompanion(ctx, c)
	}
	return ctx
}

func (t *Trail) url(raw string) string {
	path, query, found := cut(raw)
	path = t.redact.Path(path)
	if found {
		path += "?" + t.redact.Query(query)
	}
	return path
}

func cut(raw string) (path, query string, found bool) {
	for i := range len(raw) {
		if raw[i] == '?' {
			return raw[:i], raw[i+1:], true
		}
	}
	return raw, "", false
}

// From is the call of a context; nil for none.
func From(ctx context.Context) *Call {
	c, _ := ctx.Value(callKey{}).(*Call)
	return c
}

// Known says who makes the call.
func (c *Call) Known(a authz.Actor) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.record.Actor = actorOf(a)
	if a.User != nil {
		c.record.OrgID = a.User.OrgID
	}
}

// Claimed says which credentials did not hold, by a keyed hash.
func (c *Call) Claimed(credentials string) {
	if c == nil || credentials == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.record.Actor = audit.Actor{Kind: audit.ActorNobody, Name: c.trail.redact.Secret(credentials)}
}

// SignedIn says who made the call where that is known by other means than an access key, or who was claimed to.
func (c *Call) SignedIn(a audit.Actor, org string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.record.Actor, c.record.OrgID = a, org
}

// Touch says what the call of a context is about to make of an object: before is nil for a new one, after for one that
// goes.
func Touch(ctx context.Context, kind *core.Kind, before, after core.Object) {
	c := From(ctx)
	if c == nil {
		return
	}
	var one touched
	if before != nil {
		one.meta(c, kind, before.Base())
		one.before = document(before)
	}
	if after != nil {
		one.meta(c, kind, after.Base())
		one.after = document(after)
	}
	c.touch(one)
}

func (o *touched) meta(c *Call, kind *core.Kind, m *core.Meta) {
	o.key, o.org, o.name = kind.Collection+"/"+m.ID, m.OrgID, c.trail.object(kind, m.ID)
	if kind == core.OrganisationKind {
		o.org = m.ID
	}
}

// object names an object. What a key is called by may be the key itself.
func (t *Trail) object(kind *core.Kind, id string) string {
	if kind == core.KeyKind {
		id = t.redact.Secret(id)
	}
	return audit.Object(kind.Name, id)
}

func (c *Call) touch(one touched) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// A change that is tried again is the same change.
	c.touched = slices.DeleteFunc(c.touched, func(o touched) bool { return o.key == one.key && !o.written })
	c.touched = append(c.touched, one)
}

// document is what an object holds that people may see.
func document(o core.Object) []byte {
	switch o := o.(type) {
	case *core.Api:
		return o.Definition
	case *core.Policy:
		return o.Document
	case *core.Key:
		return o.Session
	case *core.User:
		return o.Document
	case *core.Webhook:
		return o.Document
	case *core.OauthClient:
		return o.Document
	case *core.Certificate:
		return o.Document()
	case *core.Organisation:
		return o.Document
	case *portal.Document:
		return o.Document
	case *usergroup.Group:
		return o.Document
	}
	return nil
}

// Join implements store.Companion: the record goes with the writes.
func (c *Call) Join(ctx context.Context, writes []store.Write) ([]store.Change, func(error), error) {
	none := func(error) {}
	c.mu.Lock()
	defer c.mu.Unlock()
	objects := c.gather(writes)
	if len(objects) == 0 {
		return nil, none, nil
	}
	t := c.trail
	r := c.make(objects)
	if err := t.begin(store.Free(ctx)); err != nil {
		switch {
		case t.o.File == nil:
			return nil, none, err // the store fails, as it would have for the change
		case t.o.Required:
			return nil, none, notRecorded(err)
		}
		t.tell(ctx, err)
	}
	if t.o.File != nil {
		return nil, none, c.inFile(ctx, r, objects)
	}
	missing := t.missing.Swap(0)
	r.Missing = missing
	settle, err := t.chain.Add(r)
	if err != nil {
		t.missing.Add(missing)
		return nil, none, err
	}
	first := !c.carried
	c.carried = true
	return []store.Change{t.o.Store.AuditRecords.Creating(r)}, func(err error) {
		settle(err == nil)
		if err == nil {
			return
		}
		t.missing.Add(missing)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.carried = c.carried && !first
		for _, o := range objects {
			o.written = false
			c.touched = append(c.touched, o)
		}
	}, nil
}

// inFile appends the record of a change to the file, before the change.
func (c *Call) inFile(ctx context.Context, r *audit.Record, objects []touched) error {
	err := c.trail.keep(ctx, r)
	if err != nil && c.trail.o.Required {
		c.touched = append(c.touched, objects...)
		return notRecorded(err)
	}
	c.carried = true
	return nil
}

// gather takes from what the call touches that which is among writes, and adds what is there besides. What the
// installation keeps for itself is nothing that a call is about.
func (c *Call) gather(writes []store.Write) []touched {
	var out []touched
	for _, w := range writes {
		kind := core.KindIn(w.Collection.Name)
		if kind == nil || kind.Permission == "" || w.Surface {
			continue
		}
		key := kind.Collection + "/" + w.Record.ID
		at := slices.IndexFunc(c.touched, func(o touched) bool { return o.key == key })
		if at < 0 {
			one := touched{key: key, org: w.Record.OrgID, name: c.trail.object(kind, w.Record.ID)}
			if kind == core.OrganisationKind {
				one.org = w.Record.ID
			}
			if w.Was == 0 && !w.Delete {
				one.after = w.Record.Doc
			}
			out = append(out, one)
			continue
		}
		out = append(out, c.touched[at])
		c.touched = slices.Delete(c.touched, at, at+1)
	}
	return out
}

// make makes the record of what is about to happen to objects.
func (c *Call) make(objects []touched) *audit.Record {
	r := c.record
	r.Status = http.StatusOK
	if c.carried {
		r = audit.Record{Kind: audit.KindMore, Face: r.Face, Operation: r.Operation, Method: r.Method, URL: r.URL, IP: r.IP,
			RequestID: r.RequestID, Actor: r.Actor, Status: http.StatusOK, Meta: core.Meta{OrgID: r.OrgID}}
	}
	changes := make([]audit.Change, 0, len(objects))
	for _, o := range objects {
		if !slices.Contains(r.Objects, o.name) {
			r.Objects = append(slices.Clip(r.Objects), o.name)
		}
		if r.OrgID == "" {
			r.OrgID = o.org
		}
		changes = append(changes, audit.Change{Object: o.name, Before: o.before, After: o.after})
	}
	r.Diff = c.trail.redact.Diff(changes)
	c.trail.stamp(&r)
	return &r
}

// Ahead implements store.Companion: with audit.required, what is changed outside of the store has its record first.
func (c *Call) Ahead(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.outside = true
	if c.carried || !c.trail.o.Required {
		return nil
	}
	r := c.make(c.touched)
	if err := c.trail.keep(ctx, r); err != nil {
		return notRecorded(err)
	}
	c.carried, c.touched = true, nil
	return nil
}

// Done is to be called when a call has been carried out, and before that is answered: where it changed what no
// transaction covers, its record is written now. It fails, with CodeUnavailable, where that cannot be and is required.
func (c *Call) Done(ctx context.Context) error {
	if c == nil || c.reads {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.touched) == 0 && (c.carried || !c.outside) {
		return nil
	}
	r := c.make(c.touched)
	c.carried, c.touched = true, nil
	if err := c.trail.keep(context.WithoutCancel(ctx), r); err != nil && c.trail.o.Required {
		return core.Wrap(core.CodeUnavailable, err,
			"the change was made, and the audit log could not be written: see what was changed before you try again")
	}
	return nil
}

// patience is how long a call waits for a place in the queue for its record, where it does not read.
const patience = time.Second

// End is to be called when a call is answered, with the status and the error; what has no record by then gets one.
func (c *Call) End(status int, err error) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.trail
	code := core.Code("")
	if err != nil {
		code = core.CodeOf(err)
	}
	if status == 0 {
		status = audit.Status(code)
	}
	refused := status >= http.StatusBadRequest
	switch {
	case c.carried && !refused && c.dump == "":
		return
	case c.carried:
		more := audit.Record{Kind: audit.KindMore, Face: c.record.Face, Operation: c.record.Operation,
			Method: c.record.Method, URL: c.record.URL, IP: c.record.IP, RequestID: c.record.RequestID, Actor: c.record.Actor,
			Status: status, Code: code, ResponseDump: c.dump}
		more.OrgID = c.record.OrgID
		t.put(&more, patience)
		return
	case c.reads && !refused && !t.o.Reads:
		return
	}
	stranger := c.record.Actor.Kind == audit.ActorNobody
	if stranger && !t.strangers.records(c.record.IP, status) {
		c.carried = true
		return
	}
	r := c.record
	r.Status, r.Code, r.ResponseDump = status, code, c.dump
	for _, o := range c.touched {
		r.Objects = append(r.Objects, o.name)
	}
	wait := patience
	if stranger {
		short(&r)
	}
	if c.reads && !refused || stranger {
		wait = 0 // strangers hold nobody up
	}
	c.carried = true
	t.put(&r, wait)
}

// Answer keeps the answer of a call, for detailed recording.
func (c *Call) Answer(dump string) {
	if c == nil || !c.trail.o.Detailed {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dump = dump
}

// Detailed tells whether requests and answers are recorded as they were.
func (t *Trail) Detailed() bool { return t != nil && t.o.Detailed }
