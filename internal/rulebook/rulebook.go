// Package rulebook knows which rules are in force where, and is the guard that judges calls by them: those of the
// organisation, or else of the file in home_dir, or else the built-in ones. They decide above a floor, authz.Floor,
// that they neither open nor close.
package rulebook

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"time"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/rules"
	"gatehouse/store"
)

// Options are what a Book stands on.
type Options struct {
	// Enabled lets rules in Rego decide (security.open_policy.enabled). Without it, the built-in ones do, everywhere.
	Enabled bool
	// Default are the built-in rules.
	Default authz.Rules
	Engine  *rules.Engine
	// File is the path of the rules of this server, which organisations without their own have; "" for none.
	File string
	// FileEvery is how often it is looked at, at most; 0 is a second.
	FileEvery time.Duration
	// Organisation finds an organisation.
	Organisation func(ctx context.Context, id string) (*core.Organisation, error)
	// GroupName is the name of a user group of an organisation; "" for one that there is not.
	GroupName func(ctx context.Context, org, id string) (string, error)
	// Api finds the document of an API by one of its ids, as the caller of the context sees it; nil for one that they
	// do not.
	Api func(ctx context.Context, id string) (core.Document, error)
	// Operations are all operations, by name.
	Operations map[string]authz.Operation
	Log        *slog.Logger
}

// Book is the guard. It is safe for use by several goroutines.
type Book struct {
	o    Options
	file *file
	rows []expression
}

var _ authz.Guard = (*Book)(nil)

// New makes a Book.
func New(o Options) *Book {
	b := &Book{o: o, file: &file{path: o.File, every: cmp.Or(o.FileEvery, time.Second), engine: o.Engine, log: o.Log}}
	for _, row := range Table() {
		b.rows = append(b.rows, expression{row, regexp.MustCompile(row.Expression)})
	}
	return b
}

// Check implements authz.Guard. A call that carries a document is judged by what it leads to: authz.Judged says what of
// it.
func (b *Book) Check(ctx context.Context, a authz.Actor, c authz.Call) error {
	if decided, err := authz.Floor(a, c); decided {
		return err
	}
	text, err := b.inForce(ctx, a)
	if err != nil {
		return err
	}
	if text == "" {
		return b.o.Default.Check(ctx, a, c)
	}
	q, err := b.question(ctx, a, c)
	if err != nil {
		return err
	}
	shape, carries := carried(c.Operation.Name)
	if !carries {
		_, err := b.ask(ctx, text, q)
		return err
	}
	judge := func(ctx context.Context, doc core.Document) (core.Document, error) {
		return b.judge(ctx, text, q, shape, doc)
	}
	if !authz.Leave(ctx, judge) {
		return core.Errorf(core.CodeInternal, "%s is called where nothing can be judged later", c.Operation.Name)
	}
	return nil
}

// CheckPermission implements authz.Guard: rules are asked whether the caller may read, or write, what the permission
// opens, as by the request for the first path that it has. One call asks once.
func (b *Book) CheckPermission(
	ctx context.Context, a authz.Actor, permission string, access authz.Access, what string,
) error {
	if a.Admin || a.User == nil {
		return b.o.Default.CheckPermission(ctx, a, permission, access, what)
	}
	text, err := b.inForce(ctx, a)
	if err != nil {
		return err
	}
	if text == "" {
		return b.o.Default.CheckPermission(ctx, a, permission, access, what)
	}
	method := "GET"
	if access == authz.Write {
		method = "PUT"
	}
	type asked struct{ text, permission, method string }
	return authz.Remember(ctx, asked{text, permission, method}, func() error {
		q, err := b.question(ctx, a, authz.Call{
			Operation: authz.Operation{Permission: permission}, Method: method, Route: collection(permission),
		})
		if err != nil {
			return err
		}
		_, err = b.ask(ctx, text, q)
		return err
	})
}

// inForce is the text that judges an actor; "" where the built-in rules do: of super users, too, since no
// organisation's rules are about them.
func (b *Book) inForce(ctx context.Context, a authz.Actor) (string, error) {
	if !b.o.Enabled || a.User == nil || a.User.IsSuper() {
		return "", nil
	}
	o, err := b.o.Organisation(ctx, a.User.OrgID)
	if core.CodeOf(err) == core.CodeNotFound || errors.Is(err, store.ErrNotFound) {
		return "", nil // it is being deleted: its users do not outlive it
	}
	if err != nil {
		return "", err
	}
	if !b.Decides(o) {
		return "", nil
	}
	if o.OpenPolicy.Rules != "" {
		return o.OpenPolicy.Rules, nil
	}
	return b.file.text(), nil
}

// Decides tells whether rules in Rego decide in an organisation: where they are enabled on this server, unless the
// organisation has switched them off.
func (b *Book) Decides(o *core.Organisation) bool { return b.o.Enabled && b.Enabled(o) }

// Enabled tells what an organisation says of its rules, in force or not; what the server does where it says nothing.
func (b *Book) Enabled(o *core.Organisation) bool {
	if o.OpenPolicy.Enabled == nil {
		return b.o.Enabled
	}
	return *o.OpenPolicy.Enabled
}

// Text is the text that an organisation has, in force or not: its own, or else that of the file, or else the built-in
// rules.
func (b *Book) Text(o *core.Organisation) string {
	if o.OpenPolicy.Rules != "" {
		return o.OpenPolicy.Rules
	}
	if text := b.file.text(); text != "" {
		return text
	}
	return rules.Default
}

// CheckText refuses a text that cannot be used, with its place. Text "" is no text, and may always be.
func (b *Book) CheckText(text string) error {
	if text == "" {
		return nil
	}
	return b.o.Engine.Check(text)
}

// LocksOut refuses what an organisation shall be where its rules would keep their author from reading and saving rules
// again. The floor lets administrators, but rules that mean to keep them from it keep them from all the rest, too.
func (b *Book) LocksOut(ctx context.Context, a authz.Actor, next *core.Organisation) error {
	text := next.OpenPolicy.Rules
	if text == "" || a.User == nil || a.Admin || !b.Enabled(next) {
		return nil
	}
	if err := b.CheckText(text); err != nil {
		return err
	}
	for _, method := range []string{"GET", "PUT"} {
		q, err := b.question(ctx, a, authz.Call{
			Operation: authz.Operation{Permission: authz.PermissionIsAdmin}, Method: method, Route: "/api/org/opa",
		})
		if err != nil {
			return err
		}
		if method == "PUT" {
			q.Body = core.Document(`{"open_policy":{}}`).Set("open_policy.rules", text)
		}
		if _, err := b.ask(ctx, text, q); err != nil {
			return core.Wrap(core.CodeInvalid, err, "Invalid OPA rules. They would lock you out of these rules: %s of %s: %s",
				method, q.Path, core.AsError(err).Message)
		}
	}
	return nil
}

// ask asks a text, and returns CodeForbidden with its reasons where it denies.
func (b *Book) ask(ctx context.Context, text string, q rules.Question) (rules.Verdict, error) {
	v, err := b.o.Engine.Judge(ctx, text, q)
	if err != nil {
		return v, err
	}
	return v, denied(v)
}

// denied is the refusal of a text; nil where it has none.
func denied(v rules.Verdict) error {
	if len(v.Deny) == 0 {
		return nil
	}
	return core.Errorf(core.CodeForbidden, "access denied: %s", strings.Join(v.Deny, "; "))
}

// judge asks a text about the document of a call, and makes the changes that it wants.
func (b *Book) judge(
	ctx context.Context, text string, q rules.Question, s shape, doc core.Document,
) (core.Document, error) {
	q.Body = s.body(doc)
	v, err := b.ask(ctx, text, q)
	if err != nil {
		return nil, err
	}
	if len(v.Patches) == 0 {
		return doc, nil
	}
	next := q.Body
	for _, patch := range v.Patches {
		if _, err := core.ParsePatch(patch); err != nil {
			return nil, err
		}
		next = next.MergePatch(patch)
	}
	if next, err = core.ParseDocument(next); err != nil {
		return nil, err
	}
	for _, path := range kept {
		if q.Body.Get(path).Raw != next.Get(path).Raw {
			return nil, core.Errorf(core.CodeForbidden,
				"access denied: a patch_request of the rules of your organisation (OPA) changes %s, which rules may not", path)
		}
	}
	return s.document(doc, next), nil
}

// kept are the fields that rules cannot change: whose an object is, which one it is, and what opens it.
var kept = []string{
	"id", "_id", "org_id", "password", "access_key", "PWHistory",
	"api_definition.id", "api_definition._id", "api_definition.org_id", "api_definition.api_id",
}

// question is what rules are asked of a call, without its document.
func (b *Book) question(ctx context.Context, a authz.Actor, c authz.Call) (rules.Question, error) {
	user, err := b.user(ctx, a)
	if err != nil {
		return rules.Question{}, err
	}
	// The one path in which "me" is whoever calls is judged by no rules, as all that people may do for themselves; in
	// any other it is an id that nobody has.
	path := strings.TrimRight(c.Route, "/")
	return rules.Question{
		User: user, Method: c.Method, Path: path, Header: shown(c.Header),
		Permissions:             []rules.Row{b.row(c.Operation.Permission, path)},
		AllowAdminResetPassword: b.o.Default.AllowAdminResetPassword,
		Get:                     func(ctx context.Context, path string) (core.Document, error) { return b.get(ctx, a, path) },
	}, nil
}

// get reads an API for TykAPIGet: GET /api/apis/{id} as the caller, judged by permissions and not by rules again.
func (b *Book) get(ctx context.Context, a authz.Actor, path string) (core.Document, error) {
	escaped, ok := strings.CutPrefix(path, "/api/apis/")
	if !ok {
		escaped, ok = strings.CutPrefix(path, "/apis/api/")
	}
	id, err := url.PathUnescape(escaped)
	if !ok || err != nil || id == "" || strings.Contains(escaped, "/") {
		return nil, nil
	}
	if b.o.Default.CheckPermission(ctx, a, "apis", authz.Read, path) != nil {
		return nil, nil
	}
	return b.o.Api(ctx, id)
}
