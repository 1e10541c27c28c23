package certificate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"gatehouse/internal/changes"
	"gatehouse/internal/core"
	"gatehouse/internal/secret"
	"gatehouse/store"
)

// ShelfOptions configure a Shelf.
type ShelfOptions struct {
	// Redis is that of the gateways; nil for none, and certificates wait in the store.
	Redis   redis.UniversalClient
	Store   *store.Store
	Keyring *secret.Keyring
	// Broker hears of the certificates that were found in Redis; nil for nobody.
	Broker *changes.Broker
	// Secret encrypts private keys for the gateways: security.private_certificate_encoding_secret, or the gateways' own
	// secret.
	Secret string
	// Refresh is how often every certificate in Redis is looked at, and not only those that are missing; 0 is half an
	// hour.
	Refresh time.Duration
	// Warning is how long before its end a certificate is warned of.
	Warning time.Duration
	Log     *slog.Logger
}

// Shelf hands certificates to the gateways: it makes their Redis hold what the store holds. The store wins: what was
// taken out of Redis comes back, and what was deleted here goes there too, even when Redis was away meanwhile.
// Certificates that somebody uploaded at a gateway, for an organisation of ours, come into the store; others are left
// alone.
type Shelf struct {
	o    ShelfOptions
	wake chan struct{}
	// told are the ids of the certificates that stand in the way of themselves, each told once.
	told sync.Map
	// warned is when each certificate was warned of last.
	warned map[string]time.Time
}

// NewShelf makes a Shelf.
func NewShelf(o ShelfOptions) *Shelf {
	o.Refresh = cmp.Or(o.Refresh, 30*time.Minute)
	return &Shelf{o: o, wake: make(chan struct{}, 1), warned: map[string]time.Time{}}
}

// Check refuses a bundle that the gateways could not use because of the configuration.
func (s *Shelf) Check(b *Bundle) error {
	if b.HasPrivate() && s.o.Redis != nil && s.o.Secret == "" {
		return core.Errorf(
			core.CodeInvalid,
			"the gateways could not read the private key: set security.private_certificate_encoding_secret "+
				"to the value that it has at the gateways, or tyk_api_config.Secret where they have none, and upload the certificate again",
		)
	}
	return nil
}

// tell logs, once, why a certificate is not handed over, or not taken over.
func (s *Shelf) tell(ctx context.Context, message, id string, err error) {
	if _, told := s.told.LoadOrStore(id, true); !told {
		s.o.Log.WarnContext(ctx, message, "certificate", id, "error", err.Error())
	}
}

// atOnce bounds what a request waits for Redis.
const atOnce = 2 * time.Second

// Put hands a certificate to the gateways, now or when Redis is back.
func (s *Shelf) Put(ctx context.Context, c *core.Certificate) {
	if s.o.Redis == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), atOnce)
	defer cancel()
	if err := s.write(ctx, []*core.Certificate{c}); err != nil {
		s.o.Log.WarnContext(ctx, "a certificate is kept, and waits for Redis", "certificate", c.ID, "error", err)
		s.Wake()
	}
}

// Remove takes a certificate from the gateways, now or when Redis is back. It was deleted from the store with Removing.
func (s *Shelf) Remove(ctx context.Context, id string) {
	if s.o.Redis == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), atOnce)
	defer cancel()
	if err := s.drop(ctx, id); err != nil {
		s.o.Log.WarnContext(
			ctx,
			"a certificate is deleted, and stays with the gateways until Redis is back",
			"certificate",
			id,
			"error",
			err,
		)
	}
	s.Wake()
}

// Wake has Redis brought in step with the store soon.
func (s *Shelf) Wake() {
	select {
	case s.wake <- struct{}{}:
	default: // it is about to
	}
}

// The rhythm of Run.
const (
	every    = time.Minute            // a look for what is missing in Redis
	retry    = 5 * time.Second        // after an error, which mostly means that Redis is away
	together = 200 * time.Millisecond // wakes that come together are one
)

// Run keeps Redis in step with the store, and warns once a day of each certificate that expires, until ctx ends.
func (s *Shelf) Run(ctx context.Context) {
	var refreshed time.Time
	looked := time.Now().Add(every - time.Hour) // first a while after the start
	var broken bool
	for {
		wait := every
		if s.o.Redis != nil {
			full := time.Since(refreshed) >= s.o.Refresh
			err := s.pass(ctx, full)
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				wait = retry
				if !broken { // once an outage
					s.o.Log.WarnContext(ctx, "certificates: Redis and the store are not in step; trying again", "error", err)
				}
			case full:
				refreshed = time.Now()
			}
			broken = err != nil
		}
		if time.Since(looked) >= time.Hour {
			looked = time.Now()
			if err := s.warn(ctx); err != nil && ctx.Err() == nil {
				s.o.Log.WarnContext(ctx, "certificates: cannot look for those that expire", "error", err)
			}
		}
		if !s.sleep(ctx, wait) {
			return
		}
	}
}

// sleep waits, or less where somebody wakes it; it returns false when ctx ended.
func (s *Shelf) sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	case <-s.wake:
	}
	timer.Reset(min(d, together))
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// warnAtMost is how many certificates are warned of one by one.
const warnAtMost = 200

// warn warns of the certificates that end soon, or ended in the last days, once a day each.
func (s *Shelf) warn(ctx context.Context) error {
	now := s.o.Store.Now()
	l, err := s.o.Store.Certificates.List(
		ctx,
		store.Query{Tenant: store.AllTenants(), Sort: "not_after", Limit: warnAtMost, Total: true,
			Where: []store.Cond{store.Between("not_after", now.Add(-week).Unix(), now.Add(s.o.Warning).Unix())}},
	)
	if err != nil {
		return err
	}
	recent := map[string]time.Time{}
	for _, c := range l.Objects {
		last, known := s.warned[c.ID]
		if !known || now.Sub(last) >= 24*time.Hour {
			last = now
			s.o.Log.WarnContext(
				ctx,
				"a certificate expires: upload the one that replaces it",
				"certificate",
				c.ID,
				"org_id",
				c.OrgID,
				"subject",
				c.SubjectCn,
				"not_after",
				c.NotAfter.Format(time.RFC3339),
				"days_left",
				int(c.NotAfter.Sub(now).Hours()/24),
			)
		}
		recent[c.ID] = last
	}
	s.warned = recent
	if l.Total > len(l.Objects) {
		s.o.Log.WarnContext(ctx, "more certificates expire", "number", l.Total-len(l.Objects))
	}
	return nil
}

const week = 7 * 24 * time.Hour

// Sealed is the bundle, sealed for the certificate.
func (s *Shelf) Sealed(c *core.Certificate, b *Bundle) (string, error) {
	return s.o.Keyring.Seal(b.PEM(), c.SealContext())
}

// bundle opens what is sealed in a certificate.
func (s *Shelf) bundle(c *core.Certificate) (*Bundle, error) {
	text, err := s.o.Keyring.Open(c.Sealed, c.SealContext())
	if err != nil {
		return nil, fmt.Errorf("certificate %s: %w", c.ID, err)
	}
	b, err := read([]byte(text), "")
	if err != nil {
		return nil, fmt.Errorf("certificate %s, as stored: %w", c.ID, err)
	}
	return b, nil
}

// New is what an organisation uploaded as a certificate for the store.
func (s *Shelf) New(org string, b *Bundle) (*core.Certificate, error) {
	c := &core.Certificate{Meta: core.Meta{ID: b.ID(org), OrgID: org}, CertificateInfo: b.Info(org)}
	var err error
	c.Sealed, err = s.Sealed(c, b)
	return c, err
}

// errNoSecret means that private keys cannot be handed over.
var errNoSecret = errors.New("there is no security.private_certificate_encoding_secret to encrypt private keys with")
