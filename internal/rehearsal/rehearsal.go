// Package rehearsal judges what was done by rules that are not in force: calls that the audit log has are judged by the
// rules of now and by a draft, and those are told of which the draft would decide in another way.
//
// A record does not hold all of a request. The caller is judged with the permissions of today. Of what a change left
// behind, the document is made again of what is stored and of what the record says was changed; where that cannot be
// done, since the object has gone or the call was refused, the call is judged without a document, and marked.
package rehearsal

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"gatehouse/internal/audit"
	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/permission"
	"gatehouse/internal/rulebook"
	"gatehouse/store"
)

// Limits of one rehearsal.
const (
	// Most is how many records are judged.
	Most = 5000
	// longest is how long it may take.
	longest = 10 * time.Second
	// page is how many records are read at a time.
	page = 200
)

// Stage is what rehearsals stand on.
type Stage struct {
	Store *store.Store
	Book  *rulebook.Book
	// Granted are the permissions of a user with those of their groups.
	Granted func(ctx context.Context, u *core.User) (permission.Set, error)
}

// Decision is one that the draft would make in another way than the rules of now.
type Decision struct {
	Record *audit.Record
	// Allowed tells whether the draft lets the call be made; the rules of now decide the other way.
	Allowed bool
	// Reason is why not, by whichever of the two refuses.
	Reason string
	// Partly tells that the document that the call carried is not known.
	Partly bool
}

// Result is what a rehearsal found.
type Result struct {
	// Judged is how many calls were judged, and Passed how many were passed over: made with the admin secret or by
	// somebody who has gone, or of an operation that there is not any more.
	Judged, Passed int
	Decisions      []*Decision
	// More tells that there are older records, which were not looked at.
	More bool
}

// Rehearse judges what was recorded of an organisation since a time, the newest first. draft is a text that compiles;
// "" is the rules that the organisation would have without its own.
func (s Stage) Rehearse(
	ctx context.Context, o *core.Organisation, draft string, since time.Time, most int,
) (*Result, error) {
	now := s.text(o)
	next := *o
	next.OpenPolicy.Rules = draft
	then := s.text(&next)
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	out := &Result{Decisions: []*Decision{}}
	actors := map[string]*authz.Actor{}
	q := store.Query{
		Tenant: store.Org(o.ID), Desc: true, Limit: page,
		Where: []store.Cond{store.Between("created_at", since.UnixMicro(), time.Now().Add(time.Hour).UnixMicro())},
	}
	for {
		l, err := s.Store.AuditRecords.List(ctx, q)
		if err != nil {
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				out.More = true
				return out, nil
			}
			return nil, err
		}
		for _, r := range l.Objects {
			if out.Judged+out.Passed == Most || len(out.Decisions) == most {
				out.More = true
				return out, nil
			}
			switch d, judged, err := s.judge(ctx, r, now, then, actors); {
			case ctx.Err() != nil:
				out.More = true
				return out, nil
			case err != nil:
				return nil, err
			case !judged:
				out.Passed++
			default:
				out.Judged++
				if d != nil {
					out.Decisions = append(out.Decisions, d)
				}
			}
		}
		if !l.More {
			return out, nil
		}
		q.After = l.Cursors[len(l.Cursors)-1]
	}
}

// text is what judges an organisation: "" for the built-in rules, in Go.
func (s Stage) text(o *core.Organisation) string {
	if o.OpenPolicy.Rules != "" {
		return o.OpenPolicy.Rules
	}
	return s.Book.Text(o)
}

// judge judges one record by both texts.
func (s Stage) judge(
	ctx context.Context, r *audit.Record, now, then string, actors map[string]*authz.Actor,
) (d *Decision, judged bool, err error) {
	op, known := s.Book.Operation(r.Operation)
	if !known || r.Kind != audit.KindCall || r.Actor.ID == "" {
		return nil, false, nil
	}
	actor, err := s.actor(ctx, r, actors)
	if err != nil || actor == nil {
		return nil, false, err
	}
	trial := rulebook.Trial{Actor: *actor, Call: callOf(op, r)}
	carries := rulebook.Carries(op.Name)
	if carries {
		if err := s.restage(ctx, r, &trial); err != nil {
			return nil, false, err
		}
	}
	before, err := decided(s.Book.Try(ctx, now, trial))
	if err != nil {
		return nil, false, err
	}
	after, err := decided(s.Book.Try(ctx, then, trial))
	if err != nil || before.allowed == after.allowed {
		return nil, err == nil, err
	}
	return &Decision{
		Record: r, Allowed: after.allowed, Reason: before.reason + after.reason, Partly: carries && trial.Document == nil,
	}, true, nil
}

// decision is how a text decided.
type decision struct {
	allowed bool
	reason  string
}

func decided(err error) (decision, error) {
	switch core.CodeOf(err) {
	case core.CodeForbidden, core.CodeUnauthenticated:
		return decision{false, core.AsError(err).Message}, nil
	}
	return decision{allowed: err == nil}, err
}

// callOf is the call of a record.
func callOf(op authz.Operation, r *audit.Record) authz.Call {
	c := authz.Call{Operation: op, Method: r.Method, Path: r.Path(), Route: r.Path()}
	if op.Self != "" {
		c.Self = r.ArgumentsDocument().Text(op.Self)
	}
	return c
}

// actor is who made a call, with the permissions of today; nil for somebody who has gone.
func (s Stage) actor(ctx context.Context, r *audit.Record, known map[string]*authz.Actor) (*authz.Actor, error) {
	if a, ok := known[r.Actor.ID]; ok {
		return a, nil
	}
	known[r.Actor.ID] = nil
	u, err := s.Store.Users.Find(ctx, store.Org(r.OrgID), r.Actor.ID)
	if errors.Is(err, store.ErrNotFound) || core.CodeOf(err) == core.CodeNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	a := &authz.Actor{User: u}
	if a.Granted, err = s.Granted(ctx, u); err != nil {
		return nil, err
	}
	known[r.Actor.ID] = a
	return a, nil
}

// restage makes the document that a call left behind, and, of an API, the one that it found.
func (s Stage) restage(ctx context.Context, r *audit.Record, t *rulebook.Trial) error {
	var object string
	var sides core.Document
	gjson.ParseBytes(r.Diff).ForEach(func(name, held gjson.Result) bool {
		object, sides = name.Str, core.Document(held.Raw)
		return false
	})
	kind, id, ok := strings.Cut(object, "/")
	if !ok {
		return nil
	}
	before, after := sides.Get("before"), sides.Get("after")
	if after.IsObject() && !before.Exists() { // it was new: the record has it whole
		t.Document = core.Document(after.Raw)
		return nil
	}
	if unescaped, err := url.PathUnescape(id); err == nil {
		id = unescaped
	}
	stored, err := s.stored(ctx, r.OrgID, kind, id)
	if err != nil || stored == nil || !after.IsObject() {
		return err
	}
	t.Document = stored.MergePatch(core.Document(after.Raw))
	if kind == core.ApiKind.Name && before.IsObject() {
		found := stored.MergePatch(core.Document(before.Raw))
		t.Api = func(context.Context, string) (core.Document, error) { return found, nil }
	}
	return nil
}

// stored is the document of an object as it is now; nil for one that there is not.
func (s Stage) stored(ctx context.Context, org, kind, id string) (core.Document, error) {
	t := store.Org(org)
	var doc core.Document
	var err error
	switch kind {
	case core.ApiKind.Name:
		doc, err = document(s.Store.Apis, func(a *core.Api) core.Document { return a.Definition })(ctx, t, id)
	case core.PolicyKind.Name:
		doc, err = document(s.Store.Policies, func(p *core.Policy) core.Document { return p.Document })(ctx, t, id)
	case core.WebhookKind.Name:
		doc, err = document(s.Store.Webhooks, func(w *core.Webhook) core.Document { return w.Document })(ctx, t, id)
	case core.UserKind.Name:
		doc, err = document(s.Store.Users, func(u *core.User) core.Document { return u.Document })(ctx, t, id)
	}
	return doc, err
}

func document[T any](
	of *store.Repository[T], show func(*T) core.Document,
) func(ctx context.Context, t store.Tenant, id string) (core.Document, error) {
	return func(ctx context.Context, t store.Tenant, id string) (core.Document, error) {
		object, err := of.Find(ctx, t, id)
		if errors.Is(err, store.ErrNotFound) || core.CodeOf(err) == core.CodeNotFound {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return show(object), nil
	}
}
