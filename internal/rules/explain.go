package rules

import (
	"context"
	"slices"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Fired is a rule that held, and its line in the text.
type Fired struct {
	Name string
	Line int
}

// Explain asks a text as Judge does, and tells which of its rules held, each once, in the order in which they did. It
// takes twice the time.
func (e *Engine) Explain(ctx context.Context, text string, q Question) (Verdict, []Fired, error) {
	t := &tracer{}
	v, err := e.judge(ctx, text, q, rego.EvalQueryTracer(t))
	return v, t.all(), err
}

// maxFired is how many rules are told of.
const maxFired = 200

// tracer keeps which rules were left because they held. An evaluation that does not stop is left behind, and may go on
// to tell it.
type tracer struct {
	mu    sync.Mutex
	fired []Fired
}

var _ topdown.QueryTracer = (*tracer)(nil)

// Enabled implements topdown.QueryTracer.
func (t *tracer) Enabled() bool { return true }

// Config implements topdown.QueryTracer: nobody reads the values of variables.
func (t *tracer) Config() topdown.TraceConfig { return topdown.TraceConfig{PlugLocalVars: false} }

// TraceEvent implements topdown.QueryTracer.
func (t *tracer) TraceEvent(event topdown.Event) {
	if event.Op != topdown.ExitOp {
		return
	}
	rule, ok := event.Node.(*ast.Rule)
	if !ok || rule.Location == nil {
		return
	}
	one := Fired{Name: name(rule.Head), Line: rule.Location.Row}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.fired) < maxFired && !slices.Contains(t.fired, one) {
		t.fired = append(t.fired, one)
	}
}

func (t *tracer) all() []Fired {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.fired)
}

// name is that of a rule, without what it holds: deny of deny["no"].
func name(head *ast.Head) string {
	if ref := head.Ref(); len(ref) > 0 {
		if v, ok := ref[0].Value.(ast.Var); ok {
			return string(v)
		}
	}
	return string(head.Name)
}
