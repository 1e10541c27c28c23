package httpserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Options are what a Server is made of. Zero durations and sizes mean the defaults given beside them.
type Options struct {
	// Address is the host and port to listen on, such as ":3000" or "127.0.0.1:0"; port 0 takes a free one.
	Address string
	Handler http.Handler
	// TLS turns TLS on, and HTTP/2 with it. nil serves plain HTTP/1.1.
	TLS    *tls.Config
	Logger *slog.Logger

	// ReadHeaderTimeout (10 s) and ReadTimeout (60 s) bound how long a client may take to send the headers and the whole
	// request; WriteTimeout (120 s) how long it may take until the answer begins, counted from the end of the headers;
	// IdleTimeout (120 s) how long a connection is kept for the next request. Behind the middleware Timeout, bodies and
	// answers have its limits.
	ReadHeaderTimeout, ReadTimeout, WriteTimeout, IdleTimeout time.Duration
	// ShutdownTimeout (15 s) is how long requests that are being served have to finish once the server shuts down.
	ShutdownTimeout time.Duration
	// AddressConnections bounds the connections that one address has open, of IPv6 one network of 64 bits; 0 is no bound.
	// Trusted are the proxies for which it does not hold.
	AddressConnections int
	Trusted            []netip.Prefix
	// MaxHeaderBytes (64 KiB) bounds the request line and headers; net/http answers 431 above it.
	MaxHeaderBytes int
}

// Server serves a handler at an address. New, Listen and Serve are called in this order, once each.
type Server struct {
	http     *http.Server
	bound    *boundedListener
	address  string
	tls      bool
	grace    time.Duration
	logger   *slog.Logger
	listener net.Listener
	// active are the handlers that run, those on hijacked connections included, which http.Server does not wait for.
	active sync.WaitGroup
}

// New makes a server.
func New(o Options) *Server {
	s := &Server{address: o.Address, grace: or(o.ShutdownTimeout, 15*time.Second), logger: o.Logger}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	if o.AddressConnections > 0 {
		s.bound = &boundedListener{max: o.AddressConnections, trusted: o.Trusted, log: s.logger, open: map[netip.Prefix]int{}}
	}
	s.http = &http.Server{
		Handler:           s.count(o.Handler),
		ReadHeaderTimeout: or(o.ReadHeaderTimeout, 10*time.Second),
		ReadTimeout:       or(o.ReadTimeout, 60*time.Second),
		WriteTimeout:      or(o.WriteTimeout, 120*time.Second),
		IdleTimeout:       or(o.IdleTimeout, 120*time.Second),
		MaxHeaderBytes:    or(o.MaxHeaderBytes, 64<<10),
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelWarn),
	}
	if o.TLS == nil {
		return s
	}
	config := o.TLS.Clone()
	s.tls, s.http.TLSConfig = true, config
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(allowsHTTP2(config))
	s.http.Protocols = protocols
	// One connection carries many requests here. A client that reads nothing at all, or that vanished, must not hold them.
	s.http.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams: 100,
		WriteByteTimeout:     30 * time.Second,
		SendPingTimeout:      time.Minute,
		PingTimeout:          15 * time.Second,
	}
	return s
}

// Listen takes the address, after which Addr is known and clients can connect; they are served once Serve runs.
func (s *Server) Listen() error {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", s.address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.address, err)
	}
	if s.bound != nil {
		s.bound.Listener = l
		l = s.bound
	}
	s.listener = l
	return nil
}

// Addr returns the address that Listen took, with the real port; "" before.
func (s *Server) Addr() string {
	if s.listener == nil {
		return ""
	}
	return s.listener.Addr().String()
}

// Serve serves until ctx ends. Then it accepts no more connections, ends the contexts of websockets and server-sent
// events, and lets the other requests finish for as long as the shutdown time-out allows; what runs longer has its
// context ended and its connection closed. It returns nil after a shutdown in which all requests finished.
func (s *Server) Serve(ctx context.Context) error {
	if s.listener == nil {
		return errors.New("serve: call Listen first")
	}
	// Requests outlive ctx by the time-out; streams look for the end of ctx itself.
	base, abort := context.WithCancel(context.WithValue(context.WithoutCancel(ctx), drainKey{}, ctx))
	defer abort()
	s.http.BaseContext = func(net.Listener) context.Context { return base }

	served := make(chan error, 1)
	go func() {
		if s.tls {
			served <- s.http.ServeTLS(s.listener, "", "")
		} else {
			served <- s.http.Serve(s.listener)
		}
	}()
	select {
	case err := <-served:
		return fmt.Errorf("serve on %s: %w", s.Addr(), err)
	case <-ctx.Done():
	}

	limit, cancel := context.WithTimeout(base, s.grace)
	defer cancel()
	err := s.http.Shutdown(limit)
	if end := <-served; !errors.Is(end, http.ErrServerClosed) {
		s.logger.Warn("the server ended by itself while it was shut down", "error", end)
	}
	if err == nil {
		err = s.wait(limit)
	}
	if err != nil {
		abort()
		return errors.Join(
			fmt.Errorf("shut down: requests were still served after %s, and were cut", s.grace),
			s.http.Close(),
		)
	}
	return nil
}

// count tells wait which handlers run.
func (s *Server) count(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.active.Add(1)
		defer s.active.Done()
		next.ServeHTTP(w, r)
	})
}

// wait waits for the handlers on hijacked connections.
func (s *Server) wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		s.active.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// allowsHTTP2 tells whether the cipher suites include one that HTTP/2 demands. Without, a list made for HTTP/1 would
// stop the start.
func allowsHTTP2(c *tls.Config) bool {
	if c.CipherSuites == nil || c.MinVersion >= tls.VersionTLS13 {
		return true
	}
	for _, id := range c.CipherSuites {
		if id == tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 || id == tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 {
			return true
		}
	}
	return false
}

func or[T time.Duration | int](value, fallback T) T {
	if value > 0 {
		return value
	}
	return fallback
}
