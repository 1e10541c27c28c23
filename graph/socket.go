package graph

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
)

const (
	// initTime is how long a client may take to say who it is, strangerTime how long one that says nothing may stay.
	initTime     = 10 * time.Second
	strangerTime = time.Minute
	// judgeEvery is how often the credentials of what is open are judged when nothing happens.
	judgeEvery = 5 * time.Second
	// messageBytes bounds what a client may say at once, strangerBytes before it said who it is.
	messageBytes  = 1 << 20
	strangerBytes = 64 << 10
	maxID         = 256
	// bytesPerSecond is what a client must be able to take in of a long message.
	bytesPerSecond = 1 << 20
)

// socket is one websocket. Its operations run at once, each in a goroutine; a client that does not take their answers
// in is cut after Options.Timeout, and all of them end with it.
type socket struct {
	server   *server
	conn     *websocket.Conn
	protocol protocol
	ctx      context.Context
	cancel   context.CancelFunc
	// session is nil until connection_init.
	session *session
	actor   authz.Actor
	release func()
	limit   int

	mu      sync.Mutex
	running map[string]*running
	// live is how many operations have not come to their end: those that the client gave up are in it, and not in running.
	live int

	operations sync.WaitGroup
	closing    sync.Once
	closed     sync.WaitGroup
}

// running is an operation of a socket.
type running struct {
	cancel context.CancelFunc
	// ended is why we ended it, nil while we did not.
	ended        *graphql.Response
	subscription bool
}

// serveSocket serves a websocket until it ends.
func (s *server) serveSocket(w http.ResponseWriter, r *http.Request) {
	actor := authz.From(r.Context())
	release, err := s.socket(r.Context(), aSocket, actor, s.socketLimit(actor))
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	defer func() { release() }()
	conn, err := websocket.Accept(
		w,
		r,
		&websocket.AcceptOptions{Subprotocols: []string{transportWS, legacyWS}, OriginPatterns: s.AllowedOrigins},
	)
	if err != nil {
		return // it has answered
	}
	ctx, cancel := context.WithCancel(r.Context())
	c := &socket{
		server:   s,
		conn:     conn,
		protocol: protocolOf(conn.Subprotocol()),
		ctx:      ctx,
		cancel:   cancel,
		release:  release,
		running:  map[string]*running{},
	}
	release = func() { c.release() }
	defer func() {
		cancel()
		c.operations.Wait()
		c.closing.Do(func() {}) // whoever is about to close has begun by now, and nobody begins after the wait
		c.closed.Wait()
		_ = conn.CloseNow()
	}()
	conn.SetReadLimit(strangerBytes)
	stop := context.AfterFunc(ctx, func() { c.close(closeNormal, "terminated") })
	defer stop()
	if c.greet(r) {
		c.listen()
	}
}

func (s *server) socketLimit(a authz.Actor) int {
	if !a.Known() {
		return strangerSockets
	}
	return s.Limits.CallerSockets
}

// close ends the websocket with a reason, once. It may be called from anywhere, and does not wait.
func (c *socket) close(code int, reason string) {
	c.closing.Do(func() {
		c.closed.Go(func() {
			_ = c.conn.Close(websocket.StatusCode(code), clip(reason, 100)) // a client that is gone hears nothing
		})
		c.cancel()
	})
}

// read reads the next message; false when there is none any more, or none that this language has.
func (c *socket) read() (m socketMessage, ok bool) {
	// a context that ends would break the connection without a word
	_, raw, err := c.conn.Read(context.WithoutCancel(c.ctx))
	if err != nil {
		return m, false
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		c.close(closeBadRequest, "a message is a JSON object with a type")
		return m, false
	}
	word := c.protocol.hear(m.Type)
	if word == "" {
		c.close(closeBadRequest, "unexpected message "+clip(m.Type, 32))
		return m, false
	}
	m.Type = word
	return m, true
}

// greet waits for connection_init and judges the credentials in it: browsers cannot set headers on a websocket.
func (c *socket) greet(r *http.Request) bool {
	late := time.AfterFunc(initTime, func() { c.close(closeInitTimeout, "Connection initialisation timeout") })
	defer late.Stop()
	m, ok := c.read()
	if !ok {
		return false
	}
	if m.Type != sayInit {
		c.close(closeUnauthorized, "Unauthorized: send connection_init first")
		return false
	}
	var payload map[string]any
	if len(m.Payload) > 0 && json.Unmarshal(m.Payload, &payload) != nil {
		c.close(closeBadRequest, "the payload of connection_init is a JSON object")
		return false
	}
	said := func(names ...string) string {
		for _, name := range names {
			if text, _ := payload[name].(string); text != "" {
				return text
			}
		}
		return ""
	}
	credentials, err := authz.Credentials{
		Authorization: said("Authorization", "authorization"), AdminAuth: said("admin-auth"),
	}, error(nil)
	if credentials == (authz.Credentials{}) {
		credentials, err = c.server.Authenticator.Cookies.Of(r)
	}
	if err == nil {
		err = c.admit(credentials)
	}
	if err != nil {
		c.server.recordRefused(c.ctx, cmp.Or(credentials.AdminAuth, authz.AccessKey(credentials.Authorization)), err)
		e := c.server.present(c.ctx, err)
		code := closeInternal
		switch core.CodeOf(err) {
		case core.CodeUnauthenticated:
			code = closeForbidden
		case core.CodeLimit, core.CodeTooMany:
			code = closeTooMany
		}
		text, _ := json.Marshal(map[string]string{"message": e.Message})
		c.say(socketMessage{Type: sayRefused, Payload: text})
		c.close(code, e.Message)
		return false
	}
	c.say(socketMessage{Type: sayAck})
	c.say(socketMessage{Type: sayAlive})
	return true
}

// admit takes a caller in, whose websocket counts as one of the caller's from now on.
func (c *socket) admit(credentials authz.Credentials) error {
	s := c.server
	if _, err := s.Authenticator.Authenticate(c.ctx, credentials); err != nil {
		return err
	}
	session, actor, err := s.begin(c.ctx, credentials)
	if err != nil {
		return err
	}
	if callerOf(actor) != callerOf(authz.From(c.ctx)) {
		release, err := s.socket(c.ctx, aSocket, actor, s.socketLimit(actor))
		if err != nil {
			return err
		}
		c.release()
		c.release = release
	}
	c.session, c.actor, c.limit = session, actor, s.Limits.SocketOperations
	s.SetActor(c.ctx, actor.ID())
	if !actor.Known() {
		c.limit = strangerOperations
		leave := time.AfterFunc(
			strangerTime,
			func() { c.close(closeUnauthorized, "Unauthorized: send credentials with connection_init") },
		)
		context.AfterFunc(c.ctx, func() { leave.Stop() })
		return nil
	}
	c.conn.SetReadLimit(messageBytes)
	return nil
}

// listen hears the client until one of us ends.
func (c *socket) listen() {
	c.operations.Go(c.watch)
	for {
		m, ok := c.read()
		if !ok {
			return
		}
		switch m.Type {
		case saySubscribe:
			if !c.start(m) {
				return
			}
		case sayComplete:
			c.stop(m.ID)
		case sayPing:
			c.say(socketMessage{Type: sayPong, Payload: m.Payload})
		case sayPong:
		case sayTerminate:
			c.close(closeNormal, "terminated")
			return
		case sayInit:
			c.close(closeTooMany, "Too many initialisation requests")
			return
		}
	}
}

// watch judges the credentials from time to time, and looks whether the client is there.
func (c *socket) watch() {
	judge, alive := time.NewTicker(judgeEvery), time.NewTicker(keepAlive)
	defer judge.Stop()
	defer alive.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-judge.C:
			actor, over := c.judge()
			if over {
				return
			}
			if c.session.changed(actor) {
				c.endSubscriptions()
			}
		case <-alive.C:
			c.say(socketMessage{Type: sayAlive})
			ctx, cancel := context.WithTimeout(c.ctx, keepAlive)
			if c.conn.Ping(ctx) != nil && c.ctx.Err() == nil {
				_ = c.conn.CloseNow()
			}
			cancel()
		}
	}
}

// judge says who the client is now; over when nobody is, since the credentials ended. That ends the websocket, in a way
// that clients do not answer by coming again. A store that cannot be asked ends nothing, and leaves the actor unknown.
func (c *socket) judge() (actor authz.Actor, over bool) {
	actor, err := c.session.actor(c.ctx)
	if core.CodeOf(err) == core.CodeUnauthenticated {
		c.close(closeUnauthorized, "Unauthorized: the credentials of this connection ended")
		return actor, true
	}
	return actor, false
}

// endSubscriptions ends those that began with other rights than the user has now.
func (c *socket) endSubscriptions() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, op := range c.running {
		if op.subscription {
			op.ended = subscriptionEnded()
			op.cancel()
		}
	}
}

// say writes a message, where the language has a word for it.
func (c *socket) say(m socketMessage) {
	if m.Type = c.protocol.say(m.Type); m.Type == "" {
		return
	}
	raw, err := json.Marshal(m)
	if err != nil {
		raw, _ = json.Marshal(socketMessage{Type: m.Type, ID: m.ID}) // a payload that is no JSON
	}
	_ = c.write(len(raw), func(w io.Writer) error {
		_, err := w.Write(raw)
		return err
	})
}

// sayAnswer writes an answer of an operation.
func (c *socket) sayAnswer(id string, response *graphql.Response) error {
	head, err := json.Marshal(socketMessage{ID: id, Type: c.protocol.say(sayNext)})
	if err != nil {
		return err
	}
	head = append(head[:len(head)-1], `,"payload":`...)
	return c.write(len(response.Data), func(w io.Writer) error {
		if _, err := w.Write(head); err != nil {
			return err
		}
		if err := encode(w, response); err != nil {
			return err
		}
		_, err := io.WriteString(w, "}")
		return err
	})
}

// sayErrors writes that an operation does not run.
func (c *socket) sayErrors(id string, errs gqlerror.List) {
	var list any = errs
	if _, old := c.protocol.(older); old && len(errs) > 0 {
		list = errs[0]
	}
	payload, err := json.Marshal(list)
	if err != nil {
		payload = []byte(`[]`)
	}
	c.say(socketMessage{ID: id, Type: sayError, Payload: payload})
}

// write writes one message within the time that its size allows. A client that is slower is cut.
func (c *socket) write(size int, message func(io.Writer) error) error {
	limit := c.server.Timeout
	if limit <= 0 {
		limit = keepAlive
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), limit+time.Duration(size/bytesPerSecond)*time.Second)
	defer cancel()
	w, err := c.conn.Writer(ctx, websocket.MessageText)
	if err == nil {
		err = errors.Join(message(w), w.Close())
	}
	if err != nil {
		c.cancel()
		_ = c.conn.CloseNow()
	}
	return err
}
