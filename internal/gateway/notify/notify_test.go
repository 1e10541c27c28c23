package notify

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/changes"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/redisdb"
)

const secret = "the node secret"

var quiet = slog.New(slog.DiscardHandler)

// gateway listens as gateways do, from inside the server, so that it is there before anybody else connects.
func gateway(t *testing.T, server *miniredis.Miniredis) <-chan *notification {
	t.Helper()
	heard := make(chan *notification, 10_000)
	subscriber := server.NewSubscriber()
	subscriber.Subscribe(Channel)
	go func() {
		for {
			select {
			case <-t.Context().Done():
				return
			case text := <-subscriber.Messages():
				var m notification
				if err := json.Unmarshal([]byte(text.Message), &m); err != nil {
					t.Errorf("%s: %v", text.Message, err)
				}
				heard <- &m
			}
		}
	}()
	return heard
}

// next is the next message but announcements; it fails when there is none.
func next(t *testing.T, heard <-chan *notification) *notification {
	t.Helper()
	select {
	case m := <-heard:
		return m
	case <-time.After(10 * time.Second):
		t.Fatal("nothing is heard")
		return nil
	}
}

// signedWithSecret verifies as gateways do with their node_secret.
func signedWithSecret(m *notification, secret string) bool {
	sum := sha256.Sum256([]byte(string(m.Command) + m.Payload + secret))
	return m.Algorithm == 5 && m.Signature == hex.EncodeToString(sum[:])
}

// start runs a Notifier until the test ends. Its first reload has been heard.
func start(t *testing.T, heard <-chan *notification, o Options, quick func(*pace)) *Notifier {
	t.Helper()
	o.Secret = secret
	if o.Log == nil {
		o.Log = quiet
	}
	n, err := New(o)
	require.NoError(t, err)
	if quick != nil {
		quick(&n.pace)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { n.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	require.Equal(t, GroupReload, next(t, heard).Command)
	return n
}

func server(t *testing.T) (*miniredis.Miniredis, redis.UniversalClient) {
	t.Helper()
	server := miniredis.RunT(t)
	return server, clientOf(t, server.Addr())
}

func clientOf(t *testing.T, address string) redis.UniversalClient {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: address, DialerRetries: 1, MaxRetries: -1})
	t.Cleanup(func() { client.Close() })
	return client
}

func TestMain(m *testing.M) {
	redisdb.LogTo(quiet)
	os.Exit(m.Run())
}

func TestGatewaysAcceptWhatIsSignedWithTheNodeSecret(t *testing.T) {
	redisServer, client := server(t)
	heard := gateway(t, redisServer)
	n := start(t, heard, Options{Redis: client}, nil)
	require.NoError(t, n.Send(t.Context(), DeleteAPICache, `an id with <, > & and "`))
	m := next(t, heard)
	require.Equal(t, DeleteAPICache, m.Command)
	require.Equal(t, `an id with <, > & and "`, m.Payload)
	require.True(t, signedWithSecret(m, secret))
	require.False(t, signedWithSecret(m, "another"))
}

func TestTheSignatureIsTheOneOfTheProtocol(t *testing.T) {
	// Made with: printf '%s' 'ApiUpdatedpayloadthe node secret' | sha256sum
	m := &notification{Command: ApiUpdated, Payload: "payload"}
	require.NoError(t, withSecret(secret)(m))
	text, err := json.Marshal(m)
	require.NoError(t, err)
	require.JSONEq(
		t,
		`{"command":"ApiUpdated","payload":"payload","signature":"d4b7c4562d9925014df153aa83ebe89b88d0766d788d60cd994373c7c06fa2ed","algorithm":5}`,
		string(text),
	)
}

func TestGatewaysWithAPublicKeyAcceptWhatIsSignedWithThePrivateKey(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	for name, path := range map[string]string{
		"as PKCS #1": pemFile(t, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)), "as PKCS #8": pemFile(t, "PRIVATE KEY", pkcs8),
	} {
		t.Run(name, func(t *testing.T) {
			redisServer, client := server(t)
			heard := gateway(t, redisServer)
			n := start(t, heard, Options{Redis: client, PrivateKeyPath: path}, nil)
			require.NoError(t, n.Send(t.Context(), InvalidateJWKSCache, "an-api"))
			m := next(t, heard)
			require.NotEqual(t, uint(5), m.Algorithm)
			signature, err := base64.StdEncoding.DecodeString(m.Signature)
			require.NoError(t, err)
			sum := sha256.Sum256([]byte("an-api"))
			require.NoError(t, rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature))
		})
	}
}

func TestAPrivateKeyThatCannotBeUsedStopsTheStart(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(ec)
	require.NoError(t, err)
	text := filepath.Join(t.TempDir(), "text")
	require.NoError(t, os.WriteFile(text, []byte("hunter22"), 0o600))
	for name, tc := range map[string]struct{ path, says string }{
		"it is not there":       {"/no/such.pem", "/no/such.pem"},
		"it is not PEM":         {text, text + " is not PEM"},
		"it is of another kind": {pemFile(t, "PRIVATE KEY", der), "holds no RSA private key"},
		"it is a public one":    {pemFile(t, "PUBLIC KEY", []byte("x")), "holds no RSA private key"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(Options{PrivateKeyPath: tc.path, Log: quiet})
			require.ErrorContains(t, err, "private_key_path: ")
			require.ErrorContains(t, err, tc.says)
			require.NotContains(t, err.Error(), "hunter22")
		})
	}
}

func pemFile(t *testing.T, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key.pem")
	require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return path
}

func TestWithoutASecretTheEmptyOneSignsAndTheLogSaysSo(t *testing.T) {
	var log strings.Builder
	n, err := New(Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	m := &notification{Command: ApiUpdated}
	require.NoError(t, n.sign(m))
	require.True(t, signedWithSecret(m, ""))
	require.Contains(t, log.String(), "shared_node_secret")
}

func TestANotifierWithoutRedisKeepsSilentAndSendSaysWhy(t *testing.T) {
	var n *Notifier
	n.Reload(ApiUpdated)
	n.FlushKeys("a")
	n.Run(t.Context())
	err := n.Send(t.Context(), ApiUpdated, "")
	require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
	require.ErrorContains(t, err, "set redis_host")
}

func TestSendFailsWithoutAnAnswer(t *testing.T) {
	redisServer, client := server(t)
	n, err := New(Options{Redis: client, Log: quiet})
	require.NoError(t, err)
	require.NoError(t, n.Send(t.Context(), ApiUpdated, ""), "that nobody listens is no error")
	redisServer.Close()
	require.Equal(t, core.CodeUnavailable, core.CodeOf(n.Send(t.Context(), ApiUpdated, "")))
}

func TestABurstOfChangesBecomesFewReloadsAndOneComesAfterTheLast(t *testing.T) {
	redisServer, client := server(t)
	heard, broker := gateway(t, redisServer), changes.NewBroker()
	start(t, heard, Options{Redis: client, Broker: broker}, nil)
	begin := time.Now()
	for i := range 1000 {
		broker.Publish(&core.Change{Object: "Api", Kind: core.ChangeUpdated, Revision: int64(i)})
		if i%10 == 9 {
			time.Sleep(time.Until(begin.Add(time.Duration(i+1) * time.Millisecond))) // a thousand in a second
		}
	}
	last := time.Now()
	reloads := 0
	for quietSince := last; time.Since(quietSince) < time.Second; {
		select {
		case m := <-heard:
			require.Equal(t, ApiUpdated, m.Command)
			require.True(t, signedWithSecret(m, secret))
			reloads++
			quietSince = time.Now()
		case <-time.After(50 * time.Millisecond):
		}
	}
	require.LessOrEqual(t, reloads, 4)
	broker.Publish(&core.Change{Object: "Policy"})
	require.Equal(t, PolicyChanged, next(t, heard).Command)
	require.Empty(t, heard)
}

func TestOneReloadComesAfterTheLastChange(t *testing.T) {
	redisServer, client := server(t)
	heard := gateway(t, redisServer)
	n := start(t, heard, Options{Redis: client}, nil)
	n.Reload(ApiUpdated) // waits for the pace, since the start has just been told
	n.Reload(PolicyChanged)
	require.Equal(t, PolicyChanged, next(t, heard).Command)
}

func TestWhatMakesGatewaysReload(t *testing.T) {
	redisServer, client := server(t)
	heard, broker := gateway(t, redisServer), changes.NewBroker()
	start(t, heard, Options{Redis: client, Broker: broker}, func(p *pace) { p.reload = 0 })
	for _, c := range []core.Change{
		{Object: "Key", Kind: core.ChangeUpdated}, {Object: "User", Kind: core.ChangeCreated}, {Object: "Webhook", Kind: core.ChangeCreated},
		{Object: "Organisation", Kind: core.ChangeUpdated}, {Object: "Api", Kind: core.ChangeUpdated, Remote: true},
	} {
		broker.Publish(&c)
	}
	for _, tc := range []struct {
		change core.Change
		want   Command
	}{
		{core.Change{Object: "Api", Kind: core.ChangeCreated}, ApiUpdated},
		{core.Change{Object: "Api", Kind: core.ChangeDeleted}, ApiUpdated},
		{core.Change{Object: "Policy", Kind: core.ChangeUpdated}, PolicyChanged},
		{core.Change{Object: "Certificate", Kind: core.ChangeCreated}, GroupReload},
		{core.Change{Object: "Webhook", Kind: core.ChangeUpdated}, ApiUpdated},
		{core.Change{Object: "Organisation", Kind: core.ChangeDeleted}, ApiUpdated},
	} {
		broker.Publish(&tc.change)
		require.Equal(t, tc.want, next(t, heard).Command, "%+v", tc.change)
	}
	require.Empty(t, heard)
}

func TestKeysAreFlushedTogetherAndEachOnce(t *testing.T) {
	redisServer, client := server(t)
	heard := gateway(t, redisServer)
	n := start(t, heard, Options{Redis: client}, nil)
	var keys []string
	for i := range 2500 {
		keys = append(keys, fmt.Sprint("key-", i))
	}
	n.FlushKeys(append(keys, "", "with,comma", "with:colon", "\xff", "key-7")...)
	var got []string
	for _, want := range []int{1000, 1000, 500} {
		m := next(t, heard)
		require.Equal(t, KeySpaceUpdated, m.Command)
		require.True(t, signedWithSecret(m, secret))
		batch := strings.Split(m.Payload, ",")
		require.Len(t, batch, want)
		got = append(got, batch...)
	}
	require.Equal(t, keys, got)
	n.FlushKeys("key-7") // again, since it was sent
	require.Equal(t, "key-7", next(t, heard).Payload)
	require.Empty(t, heard)
}

func TestWhatRedisWasAwayForIsSentWhenItIsBack(t *testing.T) {
	redisServer, client := server(t)
	var log locked
	n := start(
		t,
		gateway(t, redisServer),
		Options{Redis: client, Log: slog.New(slog.NewTextHandler(&log, nil))},
		func(p *pace) { p.again = 1500 * time.Millisecond },
	)
	address := redisServer.Addr()
	redisServer.Close()
	for i := range 100 {
		n.Reload(ApiUpdated)
		n.FlushKeys(fmt.Sprint("key-", i))
	}
	require.Eventually(
		t,
		func() bool { return strings.Contains(log.String(), "cannot be reached") },
		10*time.Second,
		time.Millisecond,
	)
	back := miniredis.NewMiniRedis()
	heard := gateway(t, back)
	require.NoError(t, back.StartAddr(address))
	t.Cleanup(back.Close)
	commands := map[Command]int{}
	for range 2 {
		m := next(t, heard)
		commands[m.Command]++
		require.True(t, signedWithSecret(m, secret))
	}
	require.Equal(t, map[Command]int{ApiUpdated: 1, KeySpaceUpdated: 1}, commands)
	// Gateways that were slower to subscribe are told once more.
	require.Equal(t, GroupReload, next(t, heard).Command)
	require.Empty(t, heard)
	require.Equal(t, 1, strings.Count(log.String(), "cannot be reached"), log.String())
	require.Equal(t, 1, strings.Count(log.String(), "reached again"), log.String())
}

func TestGatewaysReloadAfterAnOutageInWhichNothingChanged(t *testing.T) {
	redisServer, client := server(t)
	heard := gateway(t, redisServer)
	start(t, heard, Options{Redis: client}, nil)
	address := redisServer.Addr()
	redisServer.Close()
	back := miniredis.NewMiniRedis()
	heard = gateway(t, back)
	require.NoError(t, back.StartAddr(address))
	t.Cleanup(back.Close)
	require.Equal(t, GroupReload, next(t, heard).Command)
}

func TestWhatWaitsWhenTheProgramEndsIsSent(t *testing.T) {
	redisServer, client := server(t)
	heard := gateway(t, redisServer)
	n, err := New(Options{Redis: client, Secret: secret, Log: quiet})
	require.NoError(t, err)
	n.pace.reload = time.Hour
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { n.Run(ctx); close(ended) }()
	require.Equal(t, GroupReload, next(t, heard).Command)
	n.Reload(PolicyChanged)
	stop()
	<-ended
	require.Equal(t, PolicyChanged, next(t, heard).Command)
}

func TestTheNewestNamesAreKept(t *testing.T) {
	s := newNames()
	for i := range maxNames {
		require.Zero(t, s.add(fmt.Sprint(i)))
	}
	require.Equal(t, 1, s.add("newest"))
	require.Zero(t, s.add("newest"))
	taken := s.take(2)
	require.Equal(t, []string{"1", "2"}, taken)
	require.Zero(t, s.add("1"))
	require.Zero(t, s.add("x"))
	require.Equal(t, 1, s.putBack([]string{"1", "2"}[:]), "there is room for 1, which is there already, and not for 2")
	require.Len(t, s.order, maxNames)
	require.Len(t, s.has, maxNames)
	require.Equal(t, []string{"newest", "1", "x"}, s.order[maxNames-3:])
}

func TestGatewaysAreToldWhereThisServerIs(t *testing.T) {
	for address, want := range map[string]string{
		"http://d.test:3000": `{"Hostname":"d.test","Port":3000,"UseTLS":false}`,
		"https://d.test":     `{"Hostname":"d.test","Port":0,"UseTLS":true}`,
		"http://[::1]:3000":  `{"Hostname":"[::1]","Port":3000,"UseTLS":false}`,
	} {
		t.Run(address, func(t *testing.T) {
			redisServer, client := server(t)
			heard := gateway(t, redisServer)
			n, err := New(Options{Redis: client, Secret: secret, Dashboard: address, Log: quiet})
			require.NoError(t, err)
			n.pace.announce = 10 * time.Millisecond
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { n.Run(ctx); close(ended) }()
			defer func() { stop(); <-ended }()
			for told := 0; told < 2; {
				m := next(t, heard)
				if m.Command != ZeroConf {
					continue
				}
				told++
				require.True(t, signedWithSecret(m, secret))
				var payload struct {
					DashboardConfig json.RawMessage
					TimeStamp       int64
				}
				require.NoError(t, json.Unmarshal([]byte(m.Payload), &payload))
				require.JSONEq(t, want, string(payload.DashboardConfig))
				require.InDelta(t, time.Now().Unix(), payload.TimeStamp, 5)
			}
		})
	}
}

// locked is a text that several goroutines write.
type locked struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
