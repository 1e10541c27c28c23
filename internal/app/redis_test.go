package app_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"gatehouse/internal/apptest"
	"gatehouse/internal/gateway/notify"
	"gatehouse/store/sql"
)

const nodeSecret = "the node secret"

// notifications hears what gateways hear, from inside the server, and checks the signatures as they do.
func notifications(t *testing.T, server *miniredis.Miniredis) <-chan string {
	t.Helper()
	heard := make(chan string, 1000)
	subscriber := server.NewSubscriber()
	subscriber.Subscribe(notify.Channel)
	go func() {
		for {
			select {
			case <-t.Context().Done():
				return
			case text := <-subscriber.Messages():
				m := gjson.Parse(text.Message)
				sum := sha256.Sum256([]byte(m.Get("command").Str + m.Get("payload").Str + nodeSecret))
				if m.Get("algorithm").Int() != 5 || m.Get("signature").Str != hex.EncodeToString(sum[:]) {
					t.Errorf("a gateway refuses %s", text.Message)
				}
				heard <- m.Get("command").Str
			}
		}
	}()
	return heard
}

func heardNext(t *testing.T, heard <-chan string) string {
	t.Helper()
	select {
	case command := <-heard:
		return command
	case <-time.After(10 * time.Second):
		t.Fatal("nothing is heard")
		return ""
	}
}

func apiNamed(name string) string {
	return fmt.Sprintf(
		`{"api_definition":{"name":%q,"proxy":{"listen_path":"/%s/","target_url":"http://up.test"}}}`,
		name,
		name,
	)
}

func TestWritesGoOnWithoutRedisAndGatewaysAreToldOnceItIsBack(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	heard := notifications(t, redis)
	srv := apptest.New(t, apptest.WithRedis(redis.Addr()), apptest.WithEnv("TYK_DB_NODESECRET="+nodeSecret))
	require.Equal(t, "GroupReload", heardNext(t, heard), "of the start")
	require.Equal(t, "ok", srv.Do(t, "GET", "/hello", "").Get("status").Str)
	address := redis.Addr()
	redis.Close()

	created := srv.REST(t, "POST", "/api/apis", apiNamed("one"))
	require.Equal(t, 200, created.Status, "%s", created.Body)
	require.Eventually(t, func() bool { // it is asked once a second
		health := srv.Do(t, "GET", "/hello", "")
		require.Equal(t, 200, health.Status)
		return health.Get("status").Str == "warn" && health.Get("details.redis.status").Str == "warn" &&
			health.Get("details.store.status").Str == "pass"
	}, 10*time.Second, 20*time.Millisecond)

	back := miniredis.NewMiniRedis()
	heard = notifications(t, back)
	require.NoError(t, back.StartAddr(address))
	t.Cleanup(back.Close)
	require.Equal(t, "ApiUpdated", heardNext(t, heard))
	select {
	case command := <-heard:
		t.Fatal("heard twice: ", command)
	case <-time.After(1500 * time.Millisecond): // three times the pace
	}
	require.Eventually(
		t,
		func() bool { return srv.Do(t, "GET", "/hello", "").Get("status").Str == "ok" },
		10*time.Second,
		20*time.Millisecond,
	)
}

func TestGatewaysAreLeftAloneWithoutNotifyOnChange(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	heard := notifications(t, redis)
	srv := apptest.New(
		t,
		apptest.WithRedis(redis.Addr()),
		apptest.WithEnv("TYK_DB_NODESECRET="+nodeSecret, "TYK_DB_NOTIFYONCHANGE=false"),
	)
	require.Equal(t, "GroupReload", heardNext(t, heard), "of the start")
	require.Equal(t, 200, srv.REST(t, "POST", "/api/apis", apiNamed("one")).Status)
	select {
	case command := <-heard:
		t.Fatal("heard: ", command)
	case <-time.After(time.Second): // twice the pace
	}
}

func TestASubscriberHearsWhatIsWrittenThroughAnotherServer(t *testing.T) {
	t.Parallel()
	redis := miniredis.RunT(t)
	engine, err := sql.OpenMemory(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = engine.Close() })
	a := apptest.New(
		t,
		apptest.WithEngine(engine),
		apptest.WithRedis(redis.Addr()),
		apptest.WithEnv("TYK_DB_NODESECRET="+nodeSecret),
	)
	// The second finds the organisation of the first, and its own beside it.
	b := apptest.New(
		t,
		apptest.WithEngine(engine),
		apptest.WithRedis(redis.Addr()),
		apptest.WithEnv("TYK_DB_NODESECRET="+nodeSecret),
	)
	server := httptest.NewServer(b.Handler)
	t.Cleanup(server.Close)
	subscribe := func() <-chan gjson.Result {
		return listen(
			t,
			server.URL,
			`subscription { changes(objects: [API]) { kind object id } }`,
			"admin-auth: "+apptest.AdminSecret,
		)
	}
	heard, starting := subscribe(), true
	next := func(patience time.Duration) gjson.Result {
		select {
		case c, open := <-heard:
			if !open && starting { // a server that begins to hear the others ends what may have missed something
				heard = subscribe()
				return gjson.Result{}
			}
			require.True(t, open, "the subscription was cut off")
			return c.Get("data.changes")
		case <-time.After(patience):
			return gjson.Result{}
		}
	}
	id := a.REST(t, "POST", "/api/apis", apiNamed("first")).Get("Meta").Str
	require.NotEmpty(t, id)
	rename := func(name string) (at time.Time) {
		definition := fmt.Sprintf(
			`{"api_definition":{"name":%q,"proxy":{"listen_path":"/first/","target_url":"http://up.test"}}}`,
			name,
		)
		r := a.REST(t, "PUT", "/api/apis/"+id, definition)
		require.Equal(t, 200, r.Status, "%s", r.Body)
		return time.Now()
	}
	// The subscription begins a moment after its stream.
	n := 0
	require.Eventually(
		t,
		func() bool { n++; rename(fmt.Sprint("name ", n)); return next(20*time.Millisecond).Get("id").Str == id },
		10*time.Second,
		time.Millisecond,
	)
	starting = false
	for next(300 * time.Millisecond).Exists() { // what is on its way
	}
	var took []time.Duration
	for i := range 10 {
		name := fmt.Sprint("later ", i)
		read := func() string {
			return b.GraphQL(
				t,
				`query($id: ID!) { api(id: $id) { name } }`,
				map[string]any{"id": id},
				"Authorization: "+a.AccessKey,
			).Get(
				"data.api.name",
			).Str
		}
		require.NotEmpty(t, read(), "it is in the cache of this server now")
		written := rename(name)
		c := next(5 * time.Second)
		took = append(took, time.Since(written))
		require.Equal(t, "UPDATED", c.Get("kind").Str)
		require.Equal(t, name, read(), "who hears of a change reads what it made")
	}
	slices.Sort(took)
	t.Logf("heard %s to %s after the answer", took[0], took[len(took)-1])
}
