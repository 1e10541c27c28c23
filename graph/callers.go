package graph

import (
	"context"
	"sync"

	"gatehouse/internal/authz"
	"gatehouse/internal/core"
)

// Bounds of callers without credentials, who can do nothing with a websocket but read the schema.
const (
	// strangerSockets is how many websockets all of them together may have open.
	strangerSockets = 500
	// strangerOperations is how many operations may run at once on one of them.
	strangerOperations = 5
)

// callers counts what each caller keeps open. It is safe for concurrent use.
type callers struct {
	mu sync.Mutex
	// open counts by kind and caller; what nobody has open is not there.
	open map[held]int
}

// held is a kind of thing that a caller keeps open.
type held struct {
	kind   string
	caller string
}

// The kinds of things that are kept open.
const (
	aSocket       = "websockets"
	aSubscription = "subscriptions"
	aStream       = "streams of events"
)

func newCallers() *callers { return &callers{open: map[held]int{}} }

// claim counts one more, until release; over the limit (0 is none) it refuses with CodeLimit.
func (c *callers) claim(kind string, a authz.Actor, limit int) (release func(), err error) {
	h := held{kind, callerOf(a)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if limit > 0 && c.open[h] >= limit {
		return nil, core.Errorf(
			core.CodeLimit,
			"%d %s of this caller are open, and no more may be: close some, or raise gatehouse.graphql.max_%s_per_caller",
			c.open[h],
			kind,
			kind,
		)
	}
	c.open[h]++
	return sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.open[h]--; c.open[h] == 0 {
			delete(c.open, h)
		}
	}), nil
}

// socket counts a websocket, or a stream of events, of a caller and of the caller's organisation.
func (s *server) socket(ctx context.Context, kind string, a authz.Actor, limit int) (release func(), err error) {
	own, err := s.callers.claim(kind, a, limit)
	if err != nil || a.User == nil || s.Sockets == nil {
		return own, err
	}
	shared, err := s.Sockets(ctx, a.User.OrgID)
	if err != nil {
		own()
		return nil, err
	}
	return func() { own(); shared() }, nil
}

// callerOf names who a caller is: a user, the admin secret, or nobody.
func callerOf(a authz.Actor) string {
	switch {
	case a.User != nil:
		return a.User.ID
	case a.Admin:
		return "the admin secret"
	}
	return ""
}

// session is the credentials that something long was opened with. They are judged anew each time that they are used:
// what lasts is as good as they are now, not as they were.
type session struct {
	authenticator *authz.Authenticator
	credentials   authz.Credentials
	// user is what was known of the user at the beginning.
	id       string
	revision int64
}

// begin keeps credentials that Authenticate let in.
func (o Options) begin(ctx context.Context, c authz.Credentials) (*session, authz.Actor, error) {
	s := &session{authenticator: o.Authenticator, credentials: c}
	a, err := s.actor(ctx)
	if core.CodeOf(err) == core.CodeUnauthenticated && c.Session != "" {
		s.credentials.Session = "" // it was over before, so nobody began this
		a, err = s.actor(ctx)
	}
	if err != nil {
		return nil, a, err
	}
	if a.User != nil {
		s.id, s.revision = a.User.ID, a.User.Revision
	}
	return s, a, nil
}

// actor is who the credentials are of now; an error of CodeUnauthenticated when they ended.
func (s *session) actor(ctx context.Context) (authz.Actor, error) {
	return s.authenticator.Again(ctx, s.credentials)
}

// changed tells whether the user is another one than at the beginning, or was changed since: what runs has the rights
// of then.
func (s *session) changed(a authz.Actor) bool {
	return a.User != nil && (a.User.ID != s.id || a.User.Revision != s.revision)
}
