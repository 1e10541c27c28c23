package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
	"golang.org/x/sync/errgroup"
)

// restart kills a server and starts it again, at another address.
func (p *pair) restart(t *testing.T, i int) {
	t.Helper()
	p.server(i).kill()
	p.servers[i].Store(p.server(i).again(t, p.env...))
}

// keyClient makes, changes and deletes keys through both servers, and keeps what was acknowledged.
type keyClient struct {
	pair *pair
	name string
	body string // with one %q, for the alias
	rand *rand.Rand
	// mine are the keys that it may go on with.
	mine  []*heldKey
	kept  map[string]*heldKey // by hash: acknowledged, and not asked to be deleted
	gone  map[string]bool     // by hash: whose deletion was acknowledged
	calls int
	doubt int
}

// heldKey is a key with the aliases that it may have: two, when a change of it is in doubt.
type heldKey struct {
	token, hash string
	aliases     []string
}

// run goes on until it is told to stop. It fails on an answer that a fault does not excuse.
func (c *keyClient) run(stop <-chan struct{}) error {
	for {
		select {
		case <-stop:
			return nil
		default:
		}
		c.calls++
		if err := c.step(); err != nil {
			return err
		}
	}
}

// step does one thing with a key. An answer that did not come, and one that says that Redis is away, leave it in doubt.
func (c *keyClient) step() error {
	alias := fmt.Sprintf("%s-%d", c.name, c.calls)
	n := -1
	if len(c.mine) > 0 && c.rand.IntN(2) == 0 {
		n = c.rand.IntN(len(c.mine))
	}
	if n < 0 {
		r, ok, err := c.call("POST", "/api/keys", alias)
		if ok {
			k := &heldKey{r.get("key_id").Str, r.get("key_hash").Str, []string{alias}}
			c.mine, c.kept[k.hash] = append(c.mine, k), k
		}
		return err
	}
	k := c.mine[n]
	forget := func() { c.mine = append(c.mine[:n], c.mine[n+1:]...) }
	if c.rand.IntN(2) == 0 {
		_, ok, err := c.call("PUT", "/api/keys/"+k.token, alias)
		if ok {
			k.aliases = []string{alias}
		} else {
			k.aliases = append(k.aliases, alias)
			forget()
		}
		return err
	}
	_, ok, err := c.call("DELETE", "/api/keys/"+k.token, "")
	forget()
	delete(c.kept, k.hash)
	if ok {
		c.gone[k.hash] = true
	}
	return err
}

func (c *keyClient) call(method, target, alias string) (r reply, ok bool, err error) {
	body := ""
	if alias != "" {
		body = fmt.Sprintf(c.body, alias)
	}
	s := c.pair.server(c.rand.IntN(2))
	r, err = s.request(method, target, body, s.credentialFor(target))
	switch {
	case err == nil && r.status == 200:
		return r, true, nil
	case err == nil && r.status != 503:
		return r, false, fmt.Errorf(
			"%s %s at %s: %d %s",
			method,
			target,
			time.Now().Format(time.StampMilli),
			r.status,
			r.body,
		)
	}
	c.doubt++
	time.Sleep(5 * time.Millisecond) // a server that is dead answers at once
	return r, false, nil
}

// inRedis returns the aliases of the sessions in Redis, by hash.
func (p *pair) inRedis(t *testing.T) map[string]string {
	t.Helper()
	const prefix = "apikey-"
	names, err := p.client.Keys(t.Context(), prefix+"*").Result()
	require.NoError(t, err)
	out := map[string]string{}
	if len(names) == 0 {
		return out
	}
	sessions, err := p.client.MGet(t.Context(), names...).Result()
	require.NoError(t, err)
	for i, session := range sessions {
		if text, there := session.(string); there {
			out[names[i][len(prefix):]] = gjson.Get(text, "alias").Str
		}
	}
	return out
}

// listed returns the aliases of the keys that a server lists, by hash, and wants each once.
func listed(t *testing.T, s *server) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, k := range s.do(t, 200, "GET", "/api/keys/detailed?p=0", "").get("keys").Array() {
		hash := k.Get("key_hash").Str
		require.NotContains(t, out, hash, "listed twice")
		out[hash] = k.Get("data.alias").Str
	}
	return out
}

func TestKeysAreNeitherLostNorDoubledWhenAServerAndRedisAreKilled(t *testing.T) {
	t.Parallel()
	p := startPair(t, true)
	api := p.server(0).do(t, 200, "POST", "/api/apis", `{"api_definition":{"name":"Weather"}}`).get("ID").Str
	api = p.server(0).do(t, 200, "GET", "/api/apis/"+api, "").get("api_definition.api_id").Str
	stop := make(chan struct{})
	var work errgroup.Group
	clients := make([]*keyClient, 8)
	for i := range clients {
		c := &keyClient{pair: p, name: fmt.Sprint("client ", i), rand: rand.New(rand.NewPCG(uint64(i), 1)),
			body: `{"alias":%q,"access_rights":{"` + api + `":{"api_id":"` + api + `","versions":["Default"]}}}`,
			kept: map[string]*heldKey{}, gone: map[string]bool{}}
		clients[i] = c
		work.Go(func() error { return c.run(stop) })
	}
	const spell = 600 * time.Millisecond // of load between two faults
	time.Sleep(spell)
	p.restart(t, 1)
	time.Sleep(spell)
	p.redis.Kill()
	time.Sleep(spell)
	p.redis.Start(t)
	time.Sleep(spell)
	p.restart(t, 1)
	time.Sleep(spell)
	close(stop)
	require.NoError(t, work.Wait())
	ended := time.Now()

	calls, doubt := 0, 0
	kept, gone := map[string]*heldKey{}, map[string]bool{}
	for _, c := range clients {
		calls, doubt = calls+c.calls, doubt+c.doubt
		for hash, k := range c.kept {
			kept[hash] = k
		}
		for hash := range c.gone {
			gone[hash] = true
		}
	}
	t.Logf("%d calls, %d of them in doubt; %d keys stay, %d are gone", calls, doubt, len(kept), len(gone))
	require.NotEmpty(t, gone)
	require.Positive(t, doubt)

	p.settles(t)
	t.Logf("settled %s after the load", time.Since(ended).Round(time.Millisecond))
	// wrong says what is not as it has to be; "" for nothing.
	wrong := func() string {
		all := p.inRedis(t)
		for hash, k := range kept {
			if !slices.Contains(k.aliases, all[hash]) {
				return fmt.Sprintf("the key %s should have one of the aliases %q in Redis, and has %q", hash, k.aliases, all[hash])
			}
		}
		for hash := range gone {
			if alias, back := all[hash]; back {
				return fmt.Sprintf("the deleted key %s is back: %s", hash, alias)
			}
		}
		for i := range p.servers {
			if list := listed(t, p.server(i)); !maps.Equal(all, list) {
				return fmt.Sprintf("server %d lists %d keys, and Redis has %d", i+1, len(list), len(all))
			}
		}
		return ""
	}
	// What Redis forgot, deletions among it, is put right by the scan that follows its restoration.
	var last string
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if last = wrong(); last == "" {
			break
		}
	}
	require.Empty(t, last)
	t.Logf("right %s after the load", time.Since(ended).Round(time.Millisecond))
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		require.Empty(t, wrong(), "it was right before")
	}
}

// settles waits until no change of a key waits for the index.
func (p *pair) settles(t *testing.T) {
	t.Helper()
	eventually(t, "the index of keys", func() bool {
		for i := range p.servers {
			r := p.server(i).do(t, 200, "GET", "/api/system/key-index", "")
			if r.get("pending").Int() != 0 {
				time.Sleep(50 * time.Millisecond)
				return false
			}
		}
		return true
	})
}
