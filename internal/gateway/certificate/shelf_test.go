package certificate

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/internal/secret"
	"gatehouse/store"
	"gatehouse/store/sql"
)

const gatewaySecret = "what the gateways encrypt with"

// world is a shelf over a store with one organisation.
type world struct {
	*Shelf
	org string
	log bytes.Buffer
}

// newWorld makes one. client may be nil.
func newWorld(t testing.TB, client redis.UniversalClient, change ...func(*ShelfOptions)) *world {
	t.Helper()
	engine, err := sql.OpenMemory(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { engine.Close() })
	keyring, err := secret.Load("", "a key for tests only, of enough length")
	require.NoError(t, err)
	s := store.New(engine, store.WithClock(func() time.Time { return now }))
	w := &world{org: core.NewID(time.Now())}
	o := ShelfOptions{
		Redis:   client,
		Store:   s,
		Keyring: keyring,
		Secret:  gatewaySecret,
		Warning: 30 * 24 * time.Hour,
		Log:     slog.New(slog.NewTextHandler(&w.log, nil)),
	}
	for _, c := range change {
		c(&o)
	}
	w.Shelf = NewShelf(o)
	organisation, err := core.ParseOrganisation(core.Meta{ID: w.org}, core.Document(`{"id":"`+w.org+`","owner_name":"x"}`))
	require.NoError(t, err)
	require.NoError(t, w.o.Store.Organisations.Create(t.Context(), organisation))
	return w
}

// openRedis is the Redis of the environment, or one in memory.
func openRedis(t testing.TB) redis.UniversalClient {
	t.Helper()
	address := os.Getenv("GATEHOUSE_TEST_REDIS")
	if address == "" {
		address = miniredis.RunT(t).Addr()
	}
	return client(t, address)
}

func client(t testing.TB, address string) redis.UniversalClient {
	t.Helper()
	c := redis.NewClient(
		&redis.Options{Addr: address, MaxRetries: -1, DialTimeout: 200 * time.Millisecond, DialerRetries: 1},
	)
	t.Cleanup(func() { c.Close() })
	return c
}

// stored puts what somebody uploaded into the store, and nowhere else.
func (w *world) stored(t testing.TB, text string) *core.Certificate {
	t.Helper()
	b, err := Parse([]byte(text), now)
	require.NoError(t, err)
	c, err := w.New(w.org, b)
	require.NoError(t, err)
	require.NoError(t, w.Create(t.Context(), c))
	return c
}

// deleted takes a certificate out of the store, and nowhere else.
func (w *world) deleted(t testing.TB, c *core.Certificate) {
	t.Helper()
	require.NoError(t, w.Delete(t.Context(), c))
}

func (w *world) value(t testing.TB, id string) string {
	t.Helper()
	v, err := w.o.Redis.Get(t.Context(), "cert-raw-"+id).Result()
	if errors.Is(err, redis.Nil) {
		return ""
	}
	require.NoError(t, err)
	return v
}

func (w *world) names(t testing.TB) []string {
	t.Helper()
	names, err := w.o.Redis.LRange(t.Context(), "cert-"+w.org+"-index", 0, -1).Result()
	require.NoError(t, err)
	return names
}

// asGateway reads a value of Redis in the way of a gateway: every block in turn, encrypted ones with the secret, the
// private key in whichever of three forms it has.
func asGateway(t testing.TB, value, secret string) *tls.Certificate {
	t.Helper()
	var out tls.Certificate
	for rest := []byte(value); ; {
		var b *pem.Block
		if b, rest = pem.Decode(rest); b == nil {
			require.Empty(t, strings.TrimSpace(string(rest)))
			return &out
		}
		if x509.IsEncryptedPEMBlock(b) { //nolint:staticcheck // what gateways do
			der, err := x509.DecryptPEMBlock(b, []byte(secret)) //nolint:staticcheck // what gateways do
			require.NoError(t, err)
			b.Bytes, b.Type = der, strings.Replace(b.Type, "ENCRYPTED ", "", 1)
		}
		switch b.Type {
		case "CERTIFICATE":
			out.Certificate = append(out.Certificate, b.Bytes)
		case "PRIVATE KEY":
			if key, err := x509.ParsePKCS1PrivateKey(b.Bytes); err == nil {
				out.PrivateKey = key
			} else if key, err := x509.ParsePKCS8PrivateKey(b.Bytes); err == nil {
				out.PrivateKey = key
			} else if key, err := x509.ParseECPrivateKey(b.Bytes); err == nil {
				out.PrivateKey = key
			}
			require.NotNil(t, out.PrivateKey)
		default:
			t.Fatalf("a gateway reads no %q", b.Type)
		}
	}
}

func TestRedisHoldsWhatAGatewayReads(t *testing.T) {
	root := issue(t, "root.test", nil, curveKey(t))
	leaf := issue(t, "leaf.test", root, curveKey(t))
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	onRSA := issue(t, "rsa.test", nil, rsaKey)
	for name, tc := range map[string]struct {
		text  string
		chain [][]byte
		key   crypto.PrivateKey
	}{
		"a chain with a PKCS8 key":       {leaf.pem() + root.pem() + leaf.pkcs8(), [][]byte{leaf.cert.Raw, root.cert.Raw}, leaf.key},
		"a certificate with an EC key":   {leaf.pem() + leaf.ec(), [][]byte{leaf.cert.Raw}, leaf.key},
		"a certificate with a PKCS1 key": {onRSA.pem() + block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)), [][]byte{onRSA.cert.Raw}, rsaKey},
		"a certificate alone":            {leaf.pem(), [][]byte{leaf.cert.Raw}, nil},
		// Gateways would compare clients with the last one, and let in who shows that.
		"the leaf of a chain without a key": {leaf.pem() + root.pem(), [][]byte{leaf.cert.Raw}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, openRedis(t))
			c := w.stored(t, tc.text)
			w.Put(t.Context(), c)
			value := w.value(t, c.ID)
			require.Equal(
				t,
				tc.key != nil,
				strings.Contains(value, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,"),
			)
			require.Equal(t, tc.key != nil, strings.Contains(value, "PRIVATE"))
			got := asGateway(t, value, gatewaySecret)
			require.Equal(t, tc.chain, got.Certificate)
			requireSameKey(t, tc.key, got.PrivateKey)
			require.Equal(t, []string{"raw-" + c.ID}, w.names(t), "gateways list what their list names")
			w.Put(t.Context(), c)
			require.Len(t, w.names(t), 1)
			w.Remove(t.Context(), c.ID)
			require.Empty(t, w.value(t, c.ID))
			require.Empty(t, w.names(t))
			require.NotContains(t, w.log.String(), "PRIVATE")
		})
	}
}

// requireSameKey compares keys as numbers: an RSA key that was read has the same ones in other lengths of bytes now and then.
func requireSameKey(t *testing.T, want, got crypto.PrivateKey) {
	t.Helper()
	if want == nil {
		require.Nil(t, got)
		return
	}
	key, ok := want.(interface {
		Equal(other crypto.PrivateKey) bool
	})
	require.True(t, ok, "%T", want)
	require.True(t, key.Equal(got), "another key")
}

func TestAPassWritesWhatRedisLacks(t *testing.T) {
	w := newWorld(t, openRedis(t))
	var all []*core.Certificate
	for i := range 5 {
		i := issue(t, fmt.Sprintf("n%d.test", i), nil, curveKey(t))
		all = append(all, w.stored(t, i.pem()+i.ec()))
	}
	require.NoError(t, w.pass(t.Context(), false))
	for _, c := range all {
		require.NotNil(t, asGateway(t, w.value(t, c.ID), gatewaySecret).PrivateKey)
	}
	require.Len(t, w.names(t), 5)

	require.NoError(t, w.o.Redis.Del(t.Context(), "cert-raw-"+all[0].ID).Err())
	require.NoError(t, w.o.Redis.LRem(t.Context(), "cert-"+w.org+"-index", 0, "raw-"+all[1].ID).Err())
	require.NoError(t, w.pass(t.Context(), false))
	require.NotEmpty(t, w.value(t, all[0].ID))
	require.Len(t, w.names(t), 5)
}

func TestAFullPassRepairsWhatGatewaysCannotRead(t *testing.T) {
	w := newWorld(t, openRedis(t))
	root := issue(t, "root.test", nil, curveKey(t))
	i := issue(t, "leaf.test", root, curveKey(t))
	c := w.stored(t, i.pem()+i.ec())
	w.Put(t.Context(), w.stored(t, issue(t, "chain.test", root, curveKey(t)).pem()+root.pem()))
	w.o.Secret = "the secret of before"
	w.Put(t.Context(), c)
	w.o.Secret = gatewaySecret
	require.NoError(t, w.pass(t.Context(), true))
	require.NotNil(t, asGateway(t, w.value(t, c.ID), gatewaySecret).PrivateKey)

	before := w.value(t, c.ID)
	names := w.names(t)
	require.NoError(t, w.pass(t.Context(), true))
	require.Equal(t, before, w.value(t, c.ID), "what is right is not written again")
	require.Equal(t, names, w.names(t))
}

func TestWhatIsDeletedWhileRedisIsAwayGoesWhenItIsBack(t *testing.T) {
	server := miniredis.RunT(t)
	w := newWorld(t, client(t, server.Addr()))
	first, second := w.stored(
		t,
		issue(t, "first.test", nil, curveKey(t)).pem(),
	), issue(
		t,
		"second.test",
		nil,
		curveKey(t),
	).pem()
	w.Put(t.Context(), first)
	server.SetError("away")
	w.deleted(t, first)
	w.Remove(t.Context(), first.ID)
	w.Put(t.Context(), w.stored(t, second))
	require.Error(t, w.pass(t.Context(), true))
	server.SetError("")
	require.NotEmpty(t, w.value(t, first.ID))
	require.NoError(t, w.pass(t.Context(), false))
	require.Empty(t, w.value(t, first.ID))
	require.Len(t, w.names(t), 1)
	n, err := w.o.Store.Certificates.Count(t.Context(), store.AllTenants())
	require.NoError(t, err)
	require.Equal(t, 1, n, "what was deleted does not come back")
}

func TestWhatIsUploadedAgainAfterItsDeletionStays(t *testing.T) {
	w := newWorld(t, openRedis(t))
	text := issue(t, "leaf.test", nil, curveKey(t)).pem()
	c := w.stored(t, text)
	w.Put(t.Context(), c)
	w.deleted(t, c)
	w.Put(t.Context(), w.stored(t, text))
	require.NoError(t, w.pass(t.Context(), true))
	require.NotEmpty(t, w.value(t, c.ID))
}

func TestAWriteThatCameAfterTheDeletionIsUndone(t *testing.T) {
	w := newWorld(t, openRedis(t))
	c := w.stored(t, issue(t, "leaf.test", nil, curveKey(t)).pem())
	w.deleted(t, c)
	w.Remove(t.Context(), c.ID)
	w.Put(t.Context(), c) // of a server that had read it before
	require.Empty(t, w.value(t, c.ID))
	require.NoError(t, w.pass(t.Context(), true))
	n, err := w.o.Store.Certificates.Count(t.Context(), store.AllTenants())
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestCertificatesOfAGatewayComeIntoTheStore(t *testing.T) {
	w := newWorld(t, openRedis(t))
	upload := func(org, text string) string {
		b, err := read([]byte(text), "")
		require.NoError(t, err)
		value, err := b.ForGateways(gatewaySecret)
		require.NoError(t, err)
		require.NoError(t, w.o.Redis.Set(t.Context(), "cert-raw-"+b.ID(org), value, 0).Err())
		t.Cleanup(func() { w.o.Redis.Del(context.Background(), "cert-raw-"+b.ID(org)) })
		return b.ID(org)
	}
	private := issue(t, "private.test", nil, curveKey(t))
	past := issue(
		t,
		"past.test",
		nil,
		curveKey(t),
		func(c *x509.Certificate) { c.NotBefore, c.NotAfter = now.AddDate(-2, 0, 0), now.AddDate(-1, 0, 0) },
	)
	ids := []string{
		upload(w.org, private.pem()+private.pkcs8()),
		upload(w.org, past.pem()),
		upload(w.org, private.public()),
	}
	foreign := upload(core.NewID(time.Now()), private.pem())
	control := upload("", private.pem())
	broken := w.org + strings.Repeat("ab", 32)
	require.NoError(t, w.o.Redis.Set(t.Context(), "cert-raw-"+broken, private.pem(), 0).Err())
	t.Cleanup(func() { w.o.Redis.Del(context.Background(), "cert-raw-"+broken) })

	require.NoError(t, w.pass(t.Context(), true))
	for _, id := range ids {
		c, err := w.o.Store.Certificates.Find(t.Context(), store.Org(w.org), id)
		require.NoError(t, err)
		require.Equal(t, id, c.ID)
		b, err := w.bundle(c)
		require.NoError(t, err)
		require.Equal(t, id, b.ID(w.org))
	}
	n, err := w.o.Store.Certificates.Count(t.Context(), store.AllTenants())
	require.NoError(t, err)
	require.Equal(t, 3, n)
	for _, id := range []string{foreign, control, broken} {
		require.NotEmpty(t, w.value(t, id), "what was never ours is left alone")
	}
	require.Equal(t, 1, strings.Count(w.log.String(), "cannot be listed"))
	require.NoError(t, w.pass(t.Context(), true))
	require.Equal(t, 1, strings.Count(w.log.String(), "cannot be listed"), "told once")
}

func TestWithoutTheSecretPrivateKeysStayWhereTheyAre(t *testing.T) {
	r := openRedis(t)
	w := newWorld(t, r, func(o *ShelfOptions) { o.Secret = "" })
	i := issue(t, "leaf.test", nil, curveKey(t))
	b, err := Parse([]byte(i.pem()+i.pkcs8()), now)
	require.NoError(t, err)
	require.ErrorContains(t, w.Check(b), "security.private_certificate_encoding_secret")
	public, err := Parse([]byte(i.pem()), now)
	require.NoError(t, err)
	require.NoError(t, w.Check(public))
	require.NoError(t, newWorld(t, nil, func(o *ShelfOptions) { o.Secret = "" }).Check(b), "without Redis it is kept")

	// One that is in the store nevertheless, from a time without Redis, is not handed over in the clear.
	c := w.stored(t, i.pem()+i.pkcs8())
	require.NoError(t, w.pass(t.Context(), true))
	require.Empty(t, w.value(t, c.ID))
	require.NoError(t, w.pass(t.Context(), true))
	require.Equal(t, 1, strings.Count(w.log.String(), "cannot be handed to the gateways"))
	// And one at a gateway cannot be read.
	other := issue(t, "other.test", nil, curveKey(t))
	b, err = Parse([]byte(other.pem()+other.pkcs8()), now)
	require.NoError(t, err)
	value, err := b.ForGateways(gatewaySecret)
	require.NoError(t, err)
	require.NoError(t, r.Set(t.Context(), "cert-raw-"+b.ID(w.org), value, 0).Err())
	t.Cleanup(func() { r.Del(context.Background(), "cert-raw-"+b.ID(w.org)) })
	require.NoError(t, w.pass(t.Context(), true))
	_, err = w.o.Store.Certificates.Find(t.Context(), store.Org(w.org), b.ID(w.org))
	require.ErrorIs(t, err, store.ErrNotFound)
}

func TestEachCertificateThatExpiresIsWarnedOfOnceADay(t *testing.T) {
	clock := now
	w := newWorld(t, nil)
	w.o.Store = store.New(engineOf(t), store.WithClock(func() time.Time { return clock }))
	soon := w.stored(
		t,
		issue(t, "soon.test", nil, curveKey(t), func(c *x509.Certificate) { c.NotAfter = now.AddDate(0, 0, 10) }).pem(),
	)
	w.stored(t, issue(t, "later.test", nil, curveKey(t)).pem())
	w.stored(t, issue(t, "key.test", nil, curveKey(t)).public())
	for range 3 {
		require.NoError(t, w.warn(t.Context()))
	}
	require.Equal(t, 1, strings.Count(w.log.String(), "level=WARN"), w.log.String())
	require.Contains(t, w.log.String(), soon.ID)
	require.Contains(t, w.log.String(), "days_left=10")
	clock = clock.AddDate(0, 0, 1)
	require.NoError(t, w.warn(t.Context()))
	require.Equal(t, 2, strings.Count(w.log.String(), "level=WARN"))
}

func engineOf(t testing.TB) store.Engine {
	t.Helper()
	engine, err := sql.OpenMemory(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { engine.Close() })
	return engine
}

func TestRunEndsWithItsContext(t *testing.T) {
	for name, r := range map[string]redis.UniversalClient{"without Redis": nil, "with Redis": openRedis(t), "with Redis away": client(t, "127.0.0.1:1")} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, r)
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { w.Run(ctx); close(done) }()
			w.Wake()
			stop()
			select {
			case <-done:
			case <-time.After(10 * time.Second):
				t.Fatal("it still runs")
			}
		})
	}
}

// BenchmarkPass is a look at a Redis that holds all: what goes on every minute, and with full what goes on each half
// hour.
func BenchmarkPass(b *testing.B) {
	const certificates = 5000
	w := newWorld(b, openRedis(b))
	for i := range certificates {
		w.stored(b, issue(b, fmt.Sprintf("n%d.test", i), nil, curveKey(b)).pem())
	}
	require.NoError(b, w.pass(b.Context(), true))
	b.Cleanup(func() {
		ids, err := ids(context.Background(), w.o.Store.Certificates)
		require.NoError(b, err)
		for id := range ids {
			require.NoError(b, w.drop(context.Background(), id))
		}
	})
	for name, full := range map[string]bool{"light": false, "full": true} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				require.NoError(b, w.pass(b.Context(), full))
			}
		})
	}
}
