package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"gatehouse/internal/gateway/notify"
	"gatehouse/internal/gateway/redistest"
)

const faultSecret = "what the gateways know"

// pair is two servers on one database and, where there is one, one Redis.
type pair struct {
	env     []string
	servers [2]atomic.Pointer[server]
	redis   *redistest.Server
	client  *redis.Client
}

// startPair starts two servers. Each line of a test that names one of them gets the one that runs now.
func startPair(t *testing.T, withRedis bool) *pair {
	t.Helper()
	p := &pair{env: []string{"TYK_DB_NODESECRET=" + faultSecret}}
	if withRedis {
		p.redis = redistest.Start(t, "--appendonly", "yes")
		host, port, err := net.SplitHostPort(p.redis.Addr)
		require.NoError(t, err)
		p.env = append(p.env, "TYK_DB_REDISHOST="+host, "TYK_DB_REDISPORT="+port)
		p.client = redis.NewClient(&redis.Options{Addr: p.redis.Addr})
		t.Cleanup(func() { _ = p.client.Close() })
	}
	one := startNew(t, p.env...)
	p.servers[0].Store(one)
	p.servers[1].Store(one.again(t, p.env...))
	return p
}

func (p *pair) server(i int) *server { return p.servers[i].Load() }

// reloads takes down when gateways are told to reload.
type reloads struct {
	mu sync.Mutex
	at []time.Time
}

func (r *reloads) all() []time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]time.Time(nil), r.at...)
}

// hearReloads listens as a gateway does, from before it returns.
func hearReloads(t *testing.T, client *redis.Client) *reloads {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	channel := client.Subscribe(ctx, notify.Channel)
	_, err := channel.Receive(ctx)
	require.NoError(t, err)
	heard, ended := &reloads{}, make(chan struct{})
	go func() {
		defer close(ended)
		for m := range channel.Channel() {
			switch notify.Command(gjson.Get(m.Payload, "command").Str) {
			case notify.ApiUpdated, notify.PolicyChanged, notify.GroupReload:
				heard.mu.Lock()
				heard.at = append(heard.at, time.Now())
				heard.mu.Unlock()
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		_ = channel.Close()
		<-ended
	})
	return heard
}

func TestGatewaysAreToldAFewTimesOfWhatChangedWhileRedisWasAway(t *testing.T) {
	t.Parallel()
	p := startPair(t, true)
	ids := [2]string{}
	for i := range ids {
		ids[i] = p.server(i).do(t, 200, "POST", "/api/apis", `{"api_definition":{"name":"First"}}`).get("ID").Str
	}
	p.redis.Kill()
	for n := range 20 {
		for i, id := range ids {
			p.server(i).do(t, 200, "PATCH", "/api/apis/"+id, fmt.Sprintf(`{"api_definition":{"name":"Changed %d"}}`, n))
		}
	}
	for i := range p.servers {
		eventually(t, "/hello to say that Redis is away", func() bool {
			return mustGet(t, p.server(i), "/hello").get("details.redis.status").Str == "warn"
		})
	}
	p.redis.Start(t)
	heard := hearReloads(t, p.client)
	began := time.Now()
	eventually(t, "a reload", func() bool { return len(heard.all()) > 0 })
	t.Logf("the first reload came after %s", time.Since(began).Round(time.Millisecond))
	// Gateways that lost Redis come back within ten seconds, and are told once more after them.
	time.Sleep(time.Until(began.Add(15 * time.Second)))
	all := heard.all()
	assert.Less(t, all[0].Sub(began), 5*time.Second, "the first is for those who are there")
	assert.Greater(t, all[len(all)-1].Sub(began), 10*time.Second, "the last is for those who come back late")
	assert.LessOrEqual(t, len(all), 6, "%s", all)
}
