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
)

func newCallers() *callers { return &callers{open: map[held]int{}} }

// claim counts one more, until release; over the limit (0 is none) it refuses with CodeLimit.
func (c *callers) claim(kind string, a authz.Actor, limit int) (release func(), err error) {
	h := held{kind, callerOf(a)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if limit > 0 && c.open[h] >= limit {
		return nil, core.Errorf(core.CodeLimit, "%d %s of this caller are open, and no more may be: close some, or raise gatehouse.graphql.max_%s_per_caller", c.open[h], kind, kind)
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

// session is the credentials that something long was opened with. They are judged anew each time that they are used: what lasts
// is as good as they are now, not as they were.
type session struct {
	// asking counts a request of the caller's organisation, judging does not.
	asking, judging          *authz.Authenticator
	authorization, adminAuth string
	// user is what was known of the user at the beginning.
	id       string
	revision int64
}

// begin judges the credentials for the first time.
func (o Options) begin(ctx context.Context, authorization, adminAuth string) (*session, authz.Actor, error) {
	judging := *o.Authenticator
	judging.Request = nil
	s := &session{asking: o.Authenticator, judging: &judging, authorization: authorization, adminAuth: adminAuth}
	a, err := s.actor(ctx)
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
	return s.judging.Authenticate(ctx, s.authorization, s.adminAuth)
}

// ask is actor for an operation, which counts among the requests of the caller's organisation.
func (s *session) ask(ctx context.Context) (authz.Actor, error) {
	return s.asking.Authenticate(ctx, s.authorization, s.adminAuth)
}

// changed tells whether the user is another one than at the beginning, or was changed since: what runs has the rights of then.
func (s *session) changed(a authz.Actor) bool {
	return a.User != nil && (a.User.ID != s.id || a.User.Revision != s.revision)
}
