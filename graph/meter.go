package graph

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
)

const (
	// readPerAnswer is how often over what is read for an answer may be larger than the answer itself may be.
	readPerAnswer = 2
	// bytesPerField is about what a field takes in an answer beside its value.
	bytesPerField = 16
	// strangerFields is how many fields about the schema are answered to callers without credentials. The longest queries
	// that tools send take a half of it.
	strangerFields = 16_000
)

// meter knows how many bytes all answers together hold: those that are made, and those that are being sent.
type meter struct {
	limit int64
	held  atomic.Int64
}

// account is what one operation may take, and has taken. Its fields may run at once.
type account struct {
	meter *meter
	// end stops the operation. A mutation goes on, so that it is not left half done.
	end           context.CancelFunc
	mutation      bool
	bytes         int64
	data, schema  int64
	made, read    atomic.Int64
	fields, about atomic.Int64
	held          atomic.Int64
	over          atomic.Pointer[core.Error]
}

type accountKey struct{}

// account opens the account of an operation in its context; close it when the last answer was sent.
func (s *server) account(ctx context.Context, op *ast.OperationDefinition) (context.Context, *account) {
	ctx, cancel := context.WithCancel(ctx)
	a := &account{
		meter:    s.meter,
		end:      cancel,
		mutation: op.Operation == ast.Mutation,
		bytes:    s.Limits.AnswerBytes,
		data:     int64(s.Limits.Complexity),
		schema:   introspectionFields,
	}
	if !authz.From(ctx).Known() {
		a.schema = strangerFields
	}
	ctx = context.WithValue(ctx, accountKey{}, a)
	if s.Metered != nil {
		ctx = s.Metered(ctx, a.reads)
	}
	return ctx, a
}

func accountOf(ctx context.Context) *account {
	a, _ := ctx.Value(accountKey{}).(*account)
	return a
}

// settle gives back what an answer held, once it was sent.
func (a *account) settle() {
	a.meter.held.Add(-a.held.Swap(0))
	a.made.Store(0)
	a.read.Store(0)
	a.fields.Store(0)
	a.about.Store(0)
}

// close settles the account for good, and ends what may still run.
func (a *account) close() {
	a.end()
	a.settle()
}

// fail ends the operation with the first thing that it took too much of.
func (a *account) fail(err *core.Error) error {
	if a.mutation {
		err.Message += "; what this changed is changed all the same"
	}
	if a.over.CompareAndSwap(nil, err) && !a.mutation {
		a.end()
	}
	return a.over.Load()
}

// hold counts bytes among those of all answers.
func (a *account) hold(n int64) error {
	a.held.Add(n)
	if held := a.meter.held.Add(n); a.meter.limit > 0 && held > a.meter.limit {
		return a.fail(
			core.Errorf(
				core.CodeUnavailable,
				"the answers that are made right now take up too much memory: try again in a moment, or raise gatehouse.graphql.max_answers_bytes",
			),
		)
	}
	return nil
}

// reads counts a document that the store reads. The error says that it should read no more.
func (a *account) reads(n int) error {
	if over := a.over.Load(); over != nil {
		return over
	}
	if read := a.read.Add(int64(n)); a.bytes > 0 && read > readPerAnswer*a.bytes {
		return a.fail(
			core.Errorf(
				core.CodeLimit,
				"what has to be read for this answer is larger than %s: ask for smaller pages with first, or raise gatehouse.graphql.max_answer_bytes",
				size(readPerAnswer*a.bytes),
			),
		)
	}
	return a.hold(int64(n))
}

// field counts a field that was answered.
func (a *account) field(ofSchema bool, value any) error {
	fields, limit, what := &a.fields, a.data, "fields"
	if ofSchema {
		fields, limit, what = &a.about, a.schema, "fields about the schema"
	}
	if n := fields.Add(1); limit > 0 && n > limit {
		return a.fail(
			core.Errorf(
				core.CodeLimit,
				"the answer holds more than %d %s: ask for fewer, or smaller pages with first",
				limit,
				what,
			),
		)
	}
	if n := a.made.Add(bytesOf(value) + bytesPerField); a.bytes > 0 && n > a.bytes {
		return a.fail(a.tooLarge())
	}
	return nil
}

func (a *account) tooLarge() *core.Error {
	return core.Errorf(
		core.CodeLimit,
		"the answer is larger than %s: ask for fewer fields, or smaller pages with first, or raise gatehouse.graphql.max_answer_bytes",
		size(a.bytes),
	)
}

// around counts the fields of an operation, and stops at its end: nothing more is looked up for an answer that nobody
// will get.
func around(ctx context.Context, next graphql.Resolver) (any, error) {
	a := accountOf(ctx)
	if a == nil {
		return next(ctx)
	}
	if over := a.over.Load(); over != nil && !a.mutation {
		return nil, over
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	value, err := next(ctx)
	if err != nil {
		return value, err
	}
	field := graphql.GetFieldContext(ctx)
	if err := a.field(field != nil && (ofSchema(field.Object) || aboutSchema(field.Field.Name)), value); err != nil {
		return nil, err
	}
	return value, nil
}

// weigh counts an answer as a whole, and puts in its place that it is too large when it is.
func (s *server) weigh(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(ctx)
	a := accountOf(ctx)
	if a == nil || response == nil {
		return response
	}
	if a.over.Load() == nil {
		if a.bytes > 0 && int64(len(response.Data)) > a.bytes {
			_ = a.fail(a.tooLarge())
		} else {
			_ = a.hold(int64(cap(response.Data)))
		}
	}
	if over := a.over.Load(); over != nil {
		return &graphql.Response{Errors: gqlerror.List{s.present(ctx, over)}}
	}
	return response
}

// bytesOf is what a value takes in an answer; what it holds is counted by the fields of its own.
func bytesOf(value any) (n int64) {
	switch v := value.(type) {
	case core.Document:
		return int64(len(v))
	case *core.Document:
		if v != nil {
			return int64(len(*v))
		}
	case string:
		return int64(len(v))
	case *string:
		if v != nil {
			return int64(len(*v))
		}
	case []string:
		for _, text := range v {
			n += int64(len(text)) + 3
		}
	}
	return n
}

// size says how many bytes in words of people.
func size(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}
