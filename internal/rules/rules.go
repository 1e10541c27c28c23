// Package rules runs texts in Rego that say who may do what. It knows no organisations and no operations: a caller
// gives a text and a question, and gets what the text denies, and how it would have the request changed.
//
// A text is a stranger's program. It runs with an allow list of functions, none of which reaches out of the process,
// for a bounded time, and what it says is bounded, too. A text that fails, in whatever way, denies.
package rules

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"gatehouse/internal/core"
)

// Package is the one that texts are in; a text that names none is put into it.
const Package = "dashboard_users"

// The bounds of a text and of what it says.
const (
	// MaxText is the longest text, in bytes.
	MaxText = core.MaxRules
	// maxMessages and maxMessage bound the reasons that a caller is told.
	maxMessages, maxMessage = 20, 1 << 10
	// maxPatches and maxPatch bound what a text may change of a request.
	maxPatches, maxPatch = 100, 256 << 10
	// maxGets is how many objects one evaluation may read.
	maxGets = 10
)

// Options say how an Engine works.
type Options struct {
	Log *slog.Logger
	// Debug logs each question, without secrets, and its answer.
	Debug bool
	// Deadline is how long an evaluation may take; 0 is 50 ms.
	Deadline time.Duration
	// Kept is how many prepared texts are kept, the last used; 0 is 128.
	Kept int
}

// Engine evaluates texts. It is safe for use by several goroutines.
type Engine struct {
	options  Options
	prepared *shelf
}

// New makes an Engine.
func New(o Options) *Engine {
	if o.Deadline <= 0 {
		o.Deadline = 50 * time.Millisecond
	}
	if o.Kept <= 0 {
		o.Kept = 128
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Engine{options: o, prepared: newShelf(o.Kept)}
}

// Check refuses, with CodeInvalid and the line and column, a text that cannot be used.
func (e *Engine) Check(text string) error {
	_, err := e.prepare(text)
	return err
}

// Question is what a text is asked: its input.
type Question struct {
	// User is who asks, as REST shows users, with the permissions that they have in all.
	User core.Document
	// Method and Path are those of the request, Header is what may be shown of its header.
	Method, Path string
	Header       map[string][]string
	// Body is the whole document that the request would leave behind; nil for none.
	Body core.Document
	// Permissions are the rows of the table of permissions that judge the request.
	Permissions []Row
	// AllowAdminResetPassword is security.allow_admin_reset_password.
	AllowAdminResetPassword bool
	// Get reads an object for TykAPIGet, as the user may; nil and no error is none. It is asked once for each path.
	Get func(ctx context.Context, path string) (core.Document, error)
}

// Row is a permission with the expression that paths match that need it.
type Row struct{ Permission, Expression string }

// Verdict is what a text says.
type Verdict struct {
	// Deny are the reasons against the request; none lets it be.
	Deny []string
	// Patches are the merge patches to apply to the body, in this order.
	Patches []core.Document
}

// Judge asks a text. An error means that it could not answer, and so denies: what failed is in the log.
func (e *Engine) Judge(ctx context.Context, text string, q Question) (Verdict, error) {
	return e.judge(ctx, text, q)
}

func (e *Engine) judge(ctx context.Context, text string, q Question, more ...rego.EvalOption) (Verdict, error) {
	p, err := e.prepare(text)
	if err != nil {
		return Verdict{}, e.failed(ctx, text, err)
	}
	if p.stuck.Load() {
		return Verdict{}, e.failed(ctx, text, errStuck)
	}
	results, err := e.evaluate(ctx, p, q, more)
	if err != nil {
		if ctx.Err() != nil {
			return Verdict{}, ctx.Err()
		}
		return Verdict{}, e.failed(ctx, text, err)
	}
	v, err := read(results)
	if err != nil {
		return Verdict{}, e.failed(ctx, text, err)
	}
	if e.options.Debug {
		e.options.Log.InfoContext(ctx, "open policy: evaluated", "input", json.RawMessage(q.shown()),
			"deny", v.Deny, "patch_request", v.Patches)
	}
	return v, nil
}

// errStuck keeps a text from running again that did not stop when it was told to.
var errStuck = errors.New("an evaluation of this text did not stop: it is not run again before it is changed")

// evaluate runs a prepared text, in a goroutine of its own, since one that does not stop must not stop its caller.
func (e *Engine) evaluate(
	ctx context.Context, p *prepared, q Question, more []rego.EvalOption,
) (rego.ResultSet, error) {
	limited, cancel := context.WithTimeout(ctx, utmost)
	defer cancel()
	used := &budget{ctx: limited, began: time.Now(), deadline: e.options.Deadline}
	limited = context.WithValue(limited, evaluationKey{}, &evaluation{question: &q})
	type outcome struct {
		results rego.ResultSet
		err     error
	}
	ended := make(chan outcome, 1)
	go func() {
		roomy(0)
		var o outcome
		defer func() {
			if r := recover(); r != nil {
				o = outcome{err: fmt.Errorf("panic: %v", r)}
			}
			ended <- o
		}()
		options := append([]rego.EvalOption{
			rego.EvalParsedInput(q.input()), rego.EvalSortSets(true), rego.EvalTime(time.Now()),
			rego.EvalExternalCancel(used), rego.EvalGenerateJSON(plain),
		}, more...)
		o.results, o.err = p.query.Eval(limited, options...)
	}()
	patience := time.NewTimer(utmost + grace)
	defer patience.Stop()
	select {
	case o := <-ended:
		if o.err != nil && used.over.Load() && ctx.Err() == nil {
			return nil, fmt.Errorf("it took longer than %s, and %d steps: %w", e.options.Deadline, used.steps.Load(), o.err)
		}
		return o.results, o.err
	case <-patience.C:
		p.stuck.Store(true)
		return nil, errStuck
	}
}

// stack is about what an evaluation needs of its goroutine's stack.
const stack = 32 << 10

// roomy has the stack of a new goroutine grow once and at the start: growing it step by step, with ever more to copy,
// was two fifths of the time of an evaluation.
//
//go:noinline
func roomy(at int) byte {
	var room [stack]byte
	return room[at]
}

// plain is what a text says as JSON, where it is not too much.
func plain(t *ast.Term, _ *rego.EvalContext) (any, error) {
	if parts(t.Value, maxParts) < 0 {
		return nil, errors.New("the rules say too much")
	}
	return ast.JSONWithOpt(t.Value, ast.JSONOpt{SortSets: true})
}

// failed logs why a text gave no answer, and is what callers are told.
func (e *Engine) failed(ctx context.Context, text string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	sum := sha256.Sum256([]byte(text))
	e.options.Log.ErrorContext(ctx, "open policy: the rules gave no answer, so the request was denied",
		"error", clip(err.Error(), maxMessage), "rules_sha256", fmt.Sprintf("%x", sum[:8]))
	return core.Errorf(core.CodeForbidden,
		"access denied: the rules of your organisation (OPA) gave no answer; the log of the server says why")
}

// read makes a Verdict of what the two names hold.
func read(results rego.ResultSet) (Verdict, error) {
	var v Verdict
	if len(results) == 0 {
		return v, errors.New("the query has no answer")
	}
	for _, denied := range valuesOf(results[0].Bindings["deny"]) {
		if len(v.Deny) == maxMessages {
			break
		}
		v.Deny = append(v.Deny, clip(message(denied), maxMessage))
	}
	patches := valuesOf(results[0].Bindings["patch"])
	if len(patches) > maxPatches {
		return v, fmt.Errorf("patch_request holds %d patches, more than %d", len(patches), maxPatches)
	}
	for _, patch := range patches {
		if _, ok := patch.(map[string]any); !ok {
			return v, errors.New("patch_request holds something that is no object")
		}
		raw, err := json.Marshal(patch)
		if err != nil {
			return v, err
		}
		if len(raw) > maxPatch {
			return v, fmt.Errorf("a patch of patch_request has %d bytes, more than %d", len(raw), maxPatch)
		}
		v.Patches = append(v.Patches, raw)
	}
	return v, nil
}

// valuesOf are the values that a rule has: those of a set, or the one of a rule that has one. The query puts what the
// rule is into a list, which is empty where the rule is not defined.
func valuesOf(bound any) []any {
	outer, _ := bound.([]any)
	if len(outer) == 0 {
		return nil
	}
	switch held := outer[0].(type) {
	case []any:
		return held
	case bool:
		if !held {
			return nil
		}
		return []any{"denied"}
	case map[string]any:
		if len(held) == 0 {
			return nil
		}
		return []any{held}
	default:
		return []any{held}
	}
}

func message(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	raw, _ := json.Marshal(v) // it came as JSON
	return string(raw)
}

// clip shortens a text to at most n bytes, at the end of a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}

// asErrors are the faults of a text with their places.
func asErrors(err error) ast.Errors {
	var all ast.Errors
	if errors.As(err, &all) {
		return all
	}
	var one *ast.Error
	if errors.As(err, &one) {
		return ast.Errors{one}
	}
	return nil
}
