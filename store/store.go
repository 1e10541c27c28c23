package store

import (
	"context"
	"errors"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/core"
	"gatehouse/internal/portal"
	"gatehouse/internal/usergroup"
)

// Store is the repositories of an installation over one engine.
type Store struct {
	Organisations *Repository[core.Organisation]
	Users         *Repository[core.User]
	UserGroups    *Repository[usergroup.Group]
	Apis          *Repository[core.Api]
	Policies      *Repository[core.Policy]
	Keys          *Repository[core.Key]
	Webhooks      *Repository[core.Webhook]
	Nodes         *Repository[core.Node]
	OauthClients  *Repository[core.OauthClient]
	Certificates  *Repository[core.Certificate]
	// PortalDocuments are those of the classic developer portal.
	PortalDocuments *Repository[portal.Document]
	Settings        *Repository[core.Setting]
	AuditRecords    *Repository[audit.Record]
	Sessions        *Repository[core.Session]
	Tickets         *Repository[core.Ticket]

	repositories map[*core.Kind]Objects
	engine       Engine
	now          func() time.Time
	// reindexPage is how many records Reindex reads at once.
	reindexPage int
}

// Option changes how New builds a Store.
type Option func(*options)

type options struct {
	now             func() time.Time
	duplicateRoutes bool
	judge           Judge
	cacheTTL        time.Duration
	reindexPage     int
}

// WithClock sets the clock, for tests.
func WithClock(now func() time.Time) Option { return func(o *options) { o.now = now } }

// WithDuplicateRoutes lets APIs of one organisation share a slug, and organisations, too (enable_duplicate_slugs).
func WithDuplicateRoutes(allow bool) Option { return func(o *options) { o.duplicateRoutes = allow } }

// Judge says why gateways must not be given a definition, wrapped in its API's document; "" where they may. Version is
// the same for judges that say the same.
type Judge struct {
	Version string
	Fault   func(core.Document) string
}

// WithJudge has APIs indexed by whether gateways may be given them: those with a fault have the label "fault", whose
// value is the version of the judge. Reindex judges all anew where the version is another one than at the last start.
func WithJudge(j Judge) Option { return func(o *options) { o.judge = j } }

// WithCacheTTL bounds the age of what reads return after another process wrote; the default is 900 ms, and 0 turns the
// read cache off.
func WithCacheTTL(ttl time.Duration) Option { return func(o *options) { o.cacheTTL = ttl } }

// WithReindexPage sets how many records Reindex reads at once, for tests; the default is 500.
func WithReindexPage(n int) Option { return func(o *options) { o.reindexPage = n } }

// New makes a Store over an engine. Closing it closes the engine.
func New(engine Engine, opts ...Option) *Store {
	o := options{now: time.Now, cacheTTL: 900 * time.Millisecond, reindexPage: 500}
	for _, opt := range opts {
		opt(&o)
	}
	s := &Store{engine: engine, now: o.now, reindexPage: o.reindexPage, repositories: map[*core.Kind]Objects{}}
	s.Organisations = newRepository(s, organisationKind(o.duplicateRoutes), o)
	s.Users = newRepository(s, userKind, o)
	s.UserGroups = newRepository(s, userGroupKind, o)
	s.Apis = newRepository(s, apiKind(o.duplicateRoutes, o.judge), o)
	s.Policies = newRepository(s, policyKind, o)
	s.Keys = newRepository(s, keyKind, o)
	s.Webhooks = newRepository(s, webhookKind, o)
	s.Nodes = newRepository(s, nodeKind, o)
	s.OauthClients = newRepository(s, oauthClientKind, o)
	s.Certificates = newRepository(s, certificateKind, o)
	s.PortalDocuments = newRepository(s, portalKind, o)
	s.Settings = newRepository(s, settingKind, o)
	s.AuditRecords = newRepository(s, auditKind, o)
	s.Sessions = newRepository(s, sessionKind, o)
	s.Tickets = newRepository(s, ticketKind, o)
	return s
}

func newRepository[T any](s *Store, k kind[T], o options) *Repository[T] {
	r := &Repository[T]{kind: k, store: s, cache: newCache[T](o)}
	s.repositories[k.of] = r
	return r
}

// Change is a write of a repository that has not been made yet.
type Change struct {
	write  func(now time.Time) Write
	forget func()
}

// Apply makes all of the changes durable, or none of them. It returns ErrStale or a *ConflictError for the first that
// cannot be made; the objects then keep what they held, except for their revision and times.
func (s *Store) Apply(ctx context.Context, changes ...Change) error {
	if err := MayWrite(ctx); err != nil {
		return err
	}
	now := s.now().UTC().Truncate(time.Microsecond)
	writes := make([]Write, len(changes))
	for i, c := range changes {
		writes[i] = c.write(now)
	}
	writes, ended, err := accompanied(ctx, now, writes)
	if err != nil {
		return err
	}
	err = s.engine.Apply(ctx, writes...)
	ended(err)
	// Forgotten on failure too: a write whose answer was lost may have been made.
	for _, c := range changes {
		c.forget()
	}
	if err != nil && !errors.Is(err, ErrStale) && !errors.Is(err, ErrConflict) {
		return failure(err, "write")
	}
	return err
}

// Forget has the read cache forget the objects of a type, Api for example, since another process changed one; "" and
// types of which the store knows nothing mean all objects, and so does Organisation, which may go with all that it
// owns.
func (s *Store) Forget(object string) {
	if k := core.KindNamed(object); k != nil && k.Owned {
		s.Of(k).forgetAll()
		return
	}
	for _, all := range s.all() {
		all.forgetAll()
	}
}

// Now is the time by the clock of the store.
func (s *Store) Now() time.Time { return s.now().UTC() }

// Ping tells whether the database answers and takes writes. It fails with core.CodeUnavailable, and the reason as its
// message, where one is known.
func (s *Store) Ping(ctx context.Context) error {
	err := s.engine.Ping(ctx)
	var outage *Outage
	if errors.As(err, &outage) {
		return core.Wrap(core.CodeUnavailable, err, "%s", outage.Reason)
	}
	return err
}

// Close closes the engine.
func (s *Store) Close() error { return s.engine.Close() }
