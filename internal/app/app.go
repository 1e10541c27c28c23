// Package app assembles the program: the resolvers over a store, both faces over the resolvers, and the edge around
// them. It exists so that the server and its tests are opened and put together by the same lines.
package app

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/cors"

	"gatehouse/graph"
	"gatehouse/internal/authz"
	"gatehouse/internal/changes"
	"gatehouse/internal/config"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway"
	"gatehouse/internal/gateway/certificate"
	"gatehouse/internal/gateway/claim"
	"gatehouse/internal/gateway/definition"
	"gatehouse/internal/gateway/key"
	"gatehouse/internal/gateway/keyspace"
	"gatehouse/internal/gateway/nodes"
	"gatehouse/internal/gateway/notify"
	"gatehouse/internal/gateway/oauth"
	"gatehouse/internal/gateway/redisdb"
	"gatehouse/internal/gateway/route"
	"gatehouse/internal/gateway/sharing"
	"gatehouse/internal/gateway/token"
	"gatehouse/internal/httpserver"
	"gatehouse/internal/limits"
	"gatehouse/internal/mail"
	"gatehouse/internal/outage"
	"gatehouse/internal/page"
	"gatehouse/internal/password"
	"gatehouse/internal/permission"
	"gatehouse/internal/recovery"
	"gatehouse/internal/reference"
	"gatehouse/internal/secret"
	"gatehouse/internal/session"
	"gatehouse/internal/trail"
	"gatehouse/resolvers"
	"gatehouse/rest"
	"gatehouse/store"
	"gatehouse/web"
)

// App is the program without its listener.
type App struct {
	// Handler serves everything.
	Handler http.Handler
	// AdminSecret is the one that opens /admin.
	AdminSecret string

	resolver *resolvers.Resolver
	store    *store.Store
	keyring  *secret.Keyring
	broker   *changes.Broker
	nodes    *nodes.Registry
	redis    redis.UniversalClient
	attempts *limits.Attempts
	// passwords says which passwords may be.
	passwords *password.Policy
	trail     *trail.Trail

	stop    context.CancelFunc
	running sync.WaitGroup
}

// Options are what New assembles.
type Options struct {
	Config  *config.Config
	Store   *store.Store
	Keyring *secret.Keyring
	// Redis is that of the gateways; nil for none. Close closes it.
	Redis redis.UniversalClient
	// AdminSecret is the configured or generated one.
	AdminSecret string
	// Log is for what operators read, AccessLog for a line a request; nil is none.
	Log, AccessLog    *slog.Logger
	Version, Revision string
	// PasswordCost is the bcrypt cost of new passwords, for tests; 0 is secret.PasswordCost. With one, all passwords cost
	// little.
	PasswordCost int
}

// New assembles the program, and starts what it does in the background; Close ends that. It fails when a part of the
// configuration cannot be used, such as a private key that is not one.
func New(o Options) (*App, error) {
	cfg := o.Config
	if err := additional(cfg).Check(); err != nil {
		return nil, fmt.Errorf("in the configuration, security.additional_permissions %w", err)
	}
	passwords, err := password.New(password.Options{
		File: filepath.Join(cfg.HomeDir, "schemas", "password.json"), Strong: cfg.Gatehouse.StrongPasswords, Log: o.Log,
	})
	if err != nil {
		return nil, err
	}
	mailer, err := mailer(cfg)
	if err != nil {
		return nil, err
	}
	broker, outages := changes.NewBroker(), outage.NewLog(o.Log)
	attempts := limits.NewAttempts(
		limits.AttemptsOptions{Failures: cfg.Gatehouse.MaxFailedLogins, Now: o.Store.Now, Log: o.Log},
	)
	a := &App{
		attempts:    attempts,
		passwords:   passwords,
		AdminSecret: o.AdminSecret,
		store:       o.Store,
		keyring:     o.Keyring,
		broker:      broker,
		redis:       o.Redis,
	}
	if a.trail, err = records(o); err != nil {
		return nil, err
	}
	var notifier *notify.Notifier
	var space *keyspace.Space
	if o.Redis != nil {
		if notifier, err = notify.New(notifications(o, broker)); err != nil {
			return nil, err
		}
		space = keyspace.New(keyspace.Options{Redis: o.Redis, Store: o.Store, Notifier: notifier, Broker: broker, Log: o.Log,
			Interval: cfg.Gatehouse.KeyIndexInterval, Describe: reference.New(o.Store).DescribeKeys})
	}
	a.nodes = nodes.New(
		nodes.Options{
			Store:    o.Store,
			Secret:   cfg.SharedNodeSecret,
			Broker:   broker,
			Notifier: notifier,
			Rules:    rules(cfg),
			Shared:   cfg.Gatehouse.SharedGateways.Apply,
			Attempts: attempts,
			Log:      o.Log,
			Outages:  outages,
		},
	)
	monitor := cfg.Notifications.CertificateExpiryMonitor
	shelf := certificate.NewShelf(
		certificate.ShelfOptions{Redis: o.Redis, Store: o.Store, Keyring: o.Keyring, Broker: broker,
			Secret:  cmp.Or(cfg.Security.PrivateCertificateEncodingSecret, cfg.TykAPI.Secret),
			Refresh: time.Duration(monitor.MetadataRefreshIntervalMinutes) * time.Minute,
			Warning: time.Duration(monitor.WarningThresholdDays) * 24 * time.Hour, Log: o.Log},
	)
	client := gateway.New(gateway.Options{URL: cfg.GatewayAPIURL(), Secret: cfg.TykAPI.Secret})
	clients := oauth.New(oauth.Options{Store: o.Store, Gateway: client, Keyring: o.Keyring,
		Separator: cfg.OAuthRedirectURISeparator, Log: o.Log})
	guard := a.rulebook(o)
	people := newPeople(o, passwords, attempts, guard)
	a.resolver = resolvers.New(
		resolvers.Dependencies{Store: o.Store, Keyring: o.Keyring, Broker: broker, Guard: guard, Rules: guard, Log: o.Log,
			Settings: settings(o), Space: space, Notifier: notifier, Nodes: a.nodes, Certificates: shelf,
			Credentials: people.credentials, Users: people.users, People: people.sessions,
			Mail: mailer, Server: cfg.LinkURL(), Address: httpserver.Address,
			OrganisationLimits: cfg.Gatehouse.OrganisationLimits.ByName(), Gateway: client, Oauth: clients},
	)
	authenticator := &authz.Authenticator{FindUser: a.resolver.Authenticate, Granted: a.resolver.Granted,
		FindSession: people.sessions.Find, Seen: people.sessions.Seen, Cookies: cookies(cfg),
		AdminSecret: o.AdminSecret, Attempts: attempts, Address: httpserver.Address,
		Request: a.resolver.Organisations().Request}
	if cfg.EnableOwnership {
		authenticator.Owning = a.resolver.Owning
	}
	visits := session.Visits{
		Cookies: authenticator.Cookies, Address: httpserver.Address, Peer: cfg.Security.LoginDisallowForwardProxy,
	}
	openID, err := a.openID(o, people.sessions)
	if err != nil {
		return nil, err
	}
	a.Handler = a.edge(o, visits.Handler(a.faces(o, guard, authenticator, outages, openID)))

	ctx, stop := context.WithCancel(context.Background())
	a.stop = stop
	a.background(ctx, a.nodes.Run, shelf.Run, clients.Run, a.trail.Run, people.sessions.Run, a.resolver.Recovery().Run)
	if o.Redis != nil {
		bridge := changes.NewBridge(changes.BridgeOptions{Redis: o.Redis, Broker: broker, Forget: o.Store.Forget, Log: o.Log})
		a.background(ctx, notifier.Run, space.Run, bridge.Run)
	}
	return a, nil
}

// StoreOptions are the options of the store that the configuration asks for.
func StoreOptions(cfg *config.Config) []store.Option {
	r := rules(cfg)
	return []store.Option{
		store.WithDuplicateRoutes(cfg.EnableDuplicateSlugs),
		store.WithJudge(store.Judge{Version: r.Version(), Fault: r.Fault}),
	}
}

// rules say what gateways may be given.
func rules(cfg *config.Config) definition.Rules {
	oldest, err := definition.ParseRelease(cfg.Gatehouse.OldestGateway)
	if err != nil {
		oldest = definition.Oldest // a configuration that was loaded has one of a few
	}
	return definition.New(oldest)
}

// background runs loops until ctx ends.
func (a *App) background(ctx context.Context, loops ...func(context.Context)) {
	for _, loop := range loops {
		a.running.Go(func() { loop(ctx) })
	}
}

// Close ends the subscriptions and what runs in the background, and closes Redis. The store is the caller's.
func (a *App) Close() {
	a.broker.Close()
	a.stop()
	a.running.Wait()
	if a.redis != nil {
		_ = a.redis.Close() // its connections are all there is to give back
	}
}

// notifications says how gateways are told of changes.
func notifications(o Options, broker *changes.Broker) notify.Options {
	cfg := o.Config
	out := notify.Options{Redis: o.Redis, Secret: cfg.SharedNodeSecret, PrivateKeyPath: cfg.PrivateKeyPath, Log: o.Log}
	if cfg.NotifyOnChange {
		out.Broker = broker
	}
	if cfg.Gatehouse.ZeroConf {
		out.Dashboard = cfg.URL(cfg.ListenPort)
	}
	return out
}

func settings(o Options) resolvers.Settings {
	cfg := o.Config
	gateway := cfg.GatewayURL()
	if gateway == "" {
		gateway = "http://localhost:8080"
	}
	return resolvers.Settings{
		Version: o.Version, PasswordCost: cmp.Or(o.PasswordCost, secret.PasswordCost),
		Pages: page.Sizes{Default: cfg.PageSize, Max: maxPageSize(cfg)},
		Keys: key.Rules{
			Hashed: cfg.HashKeys, HashFunction: token.Default, ListHashed: cfg.EnableHashedKeysListing,
			UpdateByHash: cfg.EnableUpdateKeyByHash, DeleteByHash: cfg.EnableDeleteKeyByHash,
			NotByUsername: cfg.DisableKeyActionsByUsername,
		},
		Routes: claim.Rules{
			Sharing:    claim.Sharing(cfg.Gatehouse.SharedRoutes),
			Routes:     routeRules(cfg, gateway),
			Duplicates: cfg.EnableDuplicateSlugs,
		},
		ExplicitPolicyIDs: cfg.AllowExplicitPolicyID, UnsafePolicyIDs: cfg.AllowUnsafePolicyIDs,
		ForbidViewAccessKey:  cfg.Security.ForbidAdminViewAccessToken,
		ForbidResetAccessKey: cfg.Security.ForbidAdminResetAccessToken,
		Ownership:            cfg.EnableOwnership,
		GatewayURL:           gateway,
		EdgeEndpoints:        cfg.EdgeEndpoints, Rules: rules(cfg), RulesOpen: cfg.Security.OpenPolicy.EnableAPI,
		Gateways: cfg.Gateways(),
		Sharing: sharing.Options{
			Denied:     cfg.Gatehouse.SharedGateways.Denied(),
			Shared:     cfg.Gatehouse.SharedGateways.Apply,
			MasterKeys: cfg.EnableMasterKeys,
		},
		AdditionalPermissions: additional(cfg),
		CertificateWarning:    days(cfg.Notifications.CertificateExpiryMonitor.WarningThresholdDays),
	}
}

// mailer sends mail by the server that the configuration names; nil where none is to be sent.
func mailer(cfg *config.Config) (recovery.Mailer, error) {
	e := cfg.EmailBackend
	if !e.EnableEmailNotifications {
		return nil, nil
	}
	server := e.SMTP()
	return mail.New(mail.Options{Address: server.Address, Username: server.Username, Password: server.Password,
		SkipVerify: server.SkipVerify, FromEmail: e.DefaultFromEmail, FromName: e.DefaultFromName})
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// additional are the permissions that the configuration makes up.
func additional(cfg *config.Config) permission.Additional {
	out := make(permission.Additional, len(cfg.Security.AdditionalPermissions))
	for name, label := range cfg.Security.AdditionalPermissions {
		out[string(name)] = label
	}
	return out
}

// routeRules takes from the address of the gateways at which host and port those APIs are reached that name none.
func routeRules(cfg *config.Config, gateway string) route.Rules {
	rules := route.Rules{Strict: cfg.Gatehouse.SharedRoutes == string(claim.Strict)}
	if u, err := url.Parse(gateway); err == nil {
		rules.Host = u.Hostname()
		rules.Port, _ = strconv.Atoi(u.Port()) // without one, it is not known which port gateways listen on
	}
	return rules
}

// maxPageSize lets a page be as large as the configured page_size, whatever the limit of GraphQL says.
func maxPageSize(cfg *config.Config) int { return max(cfg.Gatehouse.GraphQL.MaxPageSize, cfg.PageSize) }

// bounded counts what the store reads for an answer among all.
func bounded(answers *limits.Answers) func(context.Context) (context.Context, func()) {
	return func(ctx context.Context) (context.Context, func()) {
		answer := answers.Open()
		return store.WithMeter(ctx, answer.Read), answer.Close
	}
}

// faces routes by the first part of the path.
func (a *App) faces(
	o Options,
	guard authz.Guard,
	authenticator *authz.Authenticator,
	outages *outage.Log,
	openID http.Handler,
) http.Handler {
	cfg := o.Config
	graphQL := cfg.Gatehouse.GraphQL
	mux := http.NewServeMux()
	mux.Handle("/graphql", routed("/graphql", graph.New(graph.Options{
		Resolvers: a.resolver, WithLoaders: a.resolver.WithLoaders, Authenticator: authenticator, Guard: guard,
		Limits: graph.Limits{
			Depth:               graphQL.MaxDepth,
			Complexity:          graphQL.MaxComplexity,
			Aliases:             graphQL.MaxAliases,
			AnonymousBytes:      graphQL.MaxAnonymousBodyBytes,
			AnswerBytes:         graphQL.MaxAnswerBytes,
			AllAnswersBytes:     graphQL.MaxAnswersBytes,
			CallerSockets:       graphQL.MaxSocketsPerCaller,
			CallerSubscriptions: graphQL.MaxSubscriptionsPerCaller,
			SocketOperations:    graphQL.MaxOperationsPerSocket,
		},
		Introspection: graphQL.Introspection, Timeout: cfg.Gatehouse.RequestTimeout,
		Sockets:        a.resolver.Organisations().Socket,
		Metered:        func(ctx context.Context, read func(int) error) context.Context { return store.WithMeter(ctx, read) },
		AllowedOrigins: cfg.Gatehouse.AllowedOrigins, Log: o.Log, Outages: outages,
		AccessLog: o.AccessLog, RequestID: httpserver.RequestID, SetActor: httpserver.SetActor,
		Trail: a.trail, Address: httpserver.Address,
	})))
	health := httpserver.NewHealth(o.Version, o.Log, a.checks())
	legacy := rest.New(rest.Options{
		Query: a.resolver.Query(), Mutation: a.resolver.Mutation(),
		Fields: rest.Fields{
			Api:                     a.resolver.Api(),
			Gateway:                 a.resolver.Gateway(),
			Key:                     a.resolver.Key(),
			User:                    a.resolver.User(),
			OauthClient:             a.resolver.OauthClient(),
			Session:                 a.resolver.Session(),
			KeyUsage:                a.resolver.KeyUsage(),
			CertificateDependencies: a.resolver.CertificateDependencies(),
		},
		Authenticator: authenticator, Guard: guard, Operations: graph.Operations(),
		SSOErrorURL: cfg.SSOCustomLoginErrorURL,
		Bounded:     bounded(limits.NewAnswers(graphQL.MaxAnswersBytes)), Health: health,
		PageSize: cfg.PageSize, MaxPageSize: maxPageSize(cfg), Log: o.Log, Outages: outages, Trail: a.trail,
	})
	mux.Handle("/", legacy)
	mux.Handle("GET /reset", routed("/reset", http.HandlerFunc(recovery.ServePage)))
	if openID != nil {
		mux.Handle("/auth/", routed("/auth", openID))
	}
	mux.Handle("/register/", a.nodes)
	mux.Handle("/system/", a.nodes)
	hello := "/" + strings.Trim(cfg.HealthCheckEndpointName, "/")
	mux.Handle(hello, routed(hello, health))
	if cfg.Gatehouse.Playground {
		playground := routed("/playground", web.Playground())
		mux.Handle("/playground", playground)
		mux.Handle("/playground/", playground)
		mux.Handle("GET /{$}", http.RedirectHandler("/playground", http.StatusFound))
	}
	// net/http's mux would redirect paths with empty or dotted parts; the legacy router sees /api and /admin as they came.
	// Gateways put their paths behind an address that may end in a slash.
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case strings.HasPrefix(path, "/api/"), strings.HasPrefix(path, "/admin/"):
			legacy.ServeHTTP(w, r)
		case strings.HasPrefix(path, "//register/"), strings.HasPrefix(path, "//system/"):
			http.StripPrefix("/", a.nodes).ServeHTTP(w, r)
		default:
			mux.ServeHTTP(w, unslashed(r))
		}
	})
}

// unslashed is a request without the slashes at the end of its path, which mean nothing on any path but those of the
// playground, whose pages have addresses relative to it.
func unslashed(r *http.Request) *http.Request {
	path := strings.TrimRight(r.URL.Path, "/")
	if path == "" || len(path) == len(r.URL.Path) || strings.HasPrefix(r.URL.Path, "/playground/") {
		return r
	}
	u := *r.URL
	u.Path, u.RawPath = path, ""
	out := *r
	out.URL = &u
	return &out
}

// checks are what health depends on.
func (a *App) checks() map[string]httpserver.Check {
	checks := map[string]httpserver.Check{"store": {Component: "datastore", Required: true, Run: a.store.Ping}}
	if a.redis != nil {
		// Without Redis, gateways serve what they have, and changes are kept here until they can be told.
		checks["redis"] = httpserver.Check{
			Component: "datastore",
			Run:       func(ctx context.Context) error { return redisdb.Check(ctx, a.redis) },
		}
	}
	return checks
}

func routed(template string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpserver.SetRoute(r.Context(), template)
		next.ServeHTTP(w, r)
	})
}

// edge wraps the faces in what every request passes.
func (a *App) edge(o Options, faces http.Handler) http.Handler {
	cfg := o.Config.Gatehouse
	chain := []httpserver.Middleware{httpserver.Identify, httpserver.Locate(cfg.Proxies())}
	if o.AccessLog != nil {
		chain = append(chain, httpserver.AccessLog(o.AccessLog))
	}
	if cfg.Metrics {
		metrics := httpserver.NewMetrics(o.Version, o.Revision)
		metrics.Registry().MustRegister(a.attempts.Collector())
		chain = append(chain, metrics.Middleware)
		next := faces
		faces = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/metrics" {
				httpserver.SetRoute(r.Context(), "/metrics")
				metrics.Handler().ServeHTTP(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	if len(cfg.AllowedOrigins) > 0 {
		chain = append(chain, crossOrigin(cfg.AllowedOrigins))
	}
	chain = append(
		chain,
		httpserver.Recover(o.Log, refusal(http.StatusInternalServerError, core.CodeInternal, "Internal error")),
		httpserver.SecurityHeaders("default-src 'none'; frame-ancestors 'none'"),
		httpserver.Timeout(cfg.RequestTimeout),
		httpserver.LimitBody(cfg.MaxBodyBytes, refusal(http.StatusRequestEntityTooLarge, core.CodeTooLarge,
			"the body is too large: send less, or raise gatehouse.max_body_bytes")),
		httpserver.ReadSmallBody(refusal(http.StatusRequestTimeout, core.CodeTimeout,
			fmt.Sprintf("the body did not arrive within %s: send it faster, or in smaller parts", cfg.RequestTimeout))),
	)
	return httpserver.Chain(faces, chain...)
}

// crossOrigin lets the pages of other sites call us. They send their credentials in headers of their own: the cookie of
// a session is never sent for them.
func crossOrigin(origins []string) httpserver.Middleware {
	return cors.New(cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete},
		AllowedHeaders: []string{"Authorization", "admin-auth", "Content-Type", "If-Match", "X-Request-ID"},
		ExposedHeaders: []string{"ETag", "Retry-After", "X-Request-ID"},
		MaxAge:         600,
	}).Handler
}

// refusal answers in the shape of the face that the request is for.
func refusal(status int, code core.Code, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/graphql" {
			graph.WriteError(w, status, message, string(code))
			return
		}
		rest.WriteError(w, status, message)
	}
}

// asAdmin is the context in which the program itself acts.
func asAdmin(ctx context.Context) context.Context { return authz.With(ctx, authz.Actor{Admin: true}) }
