package graph

import (
	"context"
	"log/slog"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
)

// start runs an operation of a websocket; false when the websocket ends for it.
func (c *socket) start(m socketMessage) bool {
	if m.ID == "" || len(m.ID) > maxID {
		c.close(closeBadRequest, "an operation has an id of at most 256 bytes")
		return false
	}
	ctx, cancel := context.WithCancel(c.ctx)
	c.mu.Lock()
	_, taken := c.running[m.ID]
	full := c.limit > 0 && c.live >= c.limit
	op := &running{cancel: cancel}
	if !taken && !full {
		c.running[m.ID] = op
		c.live++
	}
	c.mu.Unlock()
	switch {
	case taken:
		cancel()
		c.close(closeDuplicate, "Subscriber for "+clip(m.ID, 40)+" already exists")
		return false
	case full:
		cancel()
		c.sayErrors(
			m.ID,
			gqlerror.List{
				overLimit(
					"%d operations run on this websocket, and no more may: end some, or raise gatehouse.graphql.max_operations_per_socket",
					c.limit,
				),
			},
		)
		return true
	}
	c.operations.Go(func() {
		defer func() {
			cancel()
			c.forget(m.ID, op)
			c.mu.Lock()
			c.live--
			c.mu.Unlock()
		}()
		c.operate(ctx, op, m)
	})
	return true
}

// forget frees the id of an operation, unless another has it by now.
func (c *socket) forget(id string, op *running) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running[id] == op {
		delete(c.running, id)
	}
}

// complete tells that an operation is over. Its id is free before: the client may take it again at once.
func (c *socket) complete(id string, op *running) {
	c.forget(id, op)
	c.say(socketMessage{ID: id, Type: sayComplete})
}

// stop ends an operation that the client wants no more of. Its id is free at once.
func (c *socket) stop(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if op := c.running[id]; op != nil {
		op.cancel()
		delete(c.running, id)
	}
}

// operate runs an operation for who the client is now, and logs it.
func (c *socket) operate(ctx context.Context, op *running, m socketMessage) {
	s, start := c.server, time.Now()
	line := logged{id: m.ID}
	defer func() {
		if r := recover(); r != nil {
			err := s.present(ctx, s.recovered(ctx, r))
			c.sayErrors(m.ID, gqlerror.List{err})
			line.code = string(core.CodeInternal)
		}
		s.logOperation(ctx, line, time.Since(start))
	}()
	actor, err := c.session.actor(ctx)
	if core.CodeOf(err) == core.CodeUnauthenticated {
		c.judge()
		line.code = string(core.CodeUnauthenticated)
		return
	}
	if err == nil {
		err = s.Authenticator.Count(ctx, actor)
	}
	params := &graphql.RawParams{}
	if err == nil {
		if failed := decode(m.Payload, params); failed != nil {
			err = core.Wrap(
				core.CodeMalformed,
				failed,
				`the payload could not be decoded: it is a JSON object such as {"query": "{ version }"}%s`,
				fault(failed),
			)
		}
	}
	if err != nil {
		line.refused(c, op, gqlerror.List{s.present(ctx, err)})
		return
	}
	line.actor, line.name = actor.ID(), params.OperationName
	ctx = graphql.StartOperationTrace(authz.With(ctx, actor))
	oc, errs := s.exec.CreateOperationContext(ctx, params)
	if errs != nil {
		response := s.exec.DispatchError(graphql.WithOperationContext(ctx, oc), errs)
		if errcode.GetErrorKind(errs) == errcode.KindProtocol {
			line.refused(c, op, response.Errors)
			return
		}
		line.fault(response.Errors)
		if c.sayAnswer(m.ID, response) == nil {
			c.complete(m.ID, op)
		}
		return
	}
	line.name, line.kind = oc.Operation.Name, string(oc.Operation.Operation)
	ctx, done, err := s.bound(ctx, oc.Operation, actor)
	if err != nil {
		line.refused(c, op, gqlerror.List{s.present(ctx, err)})
		return
	}
	defer done()
	c.mu.Lock()
	op.subscription = oc.Operation.Operation == ast.Subscription
	c.mu.Unlock()
	c.answer(ctx, op, oc, &line)
}

// bound gives an operation its end: the time limit of a request, or for a subscription a place among those of its
// caller.
func (s *server) bound(
	ctx context.Context,
	op *ast.OperationDefinition,
	actor authz.Actor,
) (context.Context, func(), error) {
	if op.Operation == ast.Subscription {
		release, err := s.callers.claim(aSubscription, actor, s.Limits.CallerSubscriptions)
		return ctx, release, err
	}
	if s.Timeout <= 0 {
		return ctx, func() {}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	return ctx, cancel, nil
}

// answer tells the answers of an operation, each only while the credentials hold.
func (c *socket) answer(ctx context.Context, op *running, oc *graphql.OperationContext, line *logged) {
	opCtx, account := c.server.account(ctx, oc.Operation)
	defer account.close()
	responses, opCtx := c.server.exec.DispatchOperation(opCtx, oc)
	for {
		response := responses(opCtx)
		if response == nil {
			break
		}
		line.fault(response.Errors)
		if oc.Operation.Operation == ast.Subscription {
			if _, over := c.judge(); over {
				return
			}
		}
		if c.sayAnswer(line.id, response) != nil {
			return
		}
		account.settle()
	}
	c.mu.Lock()
	ended := op.ended
	c.mu.Unlock()
	switch {
	case ended != nil:
		line.fault(ended.Errors)
		if c.sayAnswer(line.id, ended) == nil {
			c.complete(line.id, op)
		}
	case ctx.Err() == nil:
		c.complete(line.id, op)
	}
}

// logged is what the access log tells of an operation.
type logged struct{ id, name, kind, actor, code string }

// fault keeps the first code that was answered.
func (l *logged) fault(errs gqlerror.List) {
	if l.code == "" && len(errs) > 0 {
		l.code, _ = errs[0].Extensions["code"].(string)
	}
}

func (l *logged) refused(c *socket, op *running, errs gqlerror.List) {
	l.fault(errs)
	c.forget(l.id, op)
	c.sayErrors(l.id, errs)
}

// logOperation writes a line for an operation on a websocket, when it ends: there is one request for all of them, and
// its own line comes with the end of the connection. It holds no query, no variables and no credentials.
func (s *server) logOperation(ctx context.Context, l logged, took time.Duration) {
	if s.AccessLog == nil {
		return
	}
	attrs := []slog.Attr{
		slog.String("operation", l.kind),
		slog.String("name", clip(l.name, 64)),
		slog.String("operation_id", clip(l.id, 64)),
		slog.Duration("duration", took),
		slog.String("request_id", s.RequestID(ctx)),
	}
	if l.actor != "" {
		attrs = append(attrs, slog.String("actor_id", l.actor))
	}
	if l.code != "" {
		attrs = append(attrs, slog.String("code", l.code))
	}
	s.AccessLog.LogAttrs(ctx, slog.LevelInfo, "operation", attrs...)
}
