package resolvers_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTimesAtTheEndsOfTheRangeMeanWhatTheySay(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	for alias, expires := range map[string]string{"never": "0", "never, too": "-1", "long ago": "1", "this century": "1900000000", "year 9999": "253402300799",
		"year 10000": "253402300800", "milliseconds": "1900000000000", "the last": "9223372036854775807", "the last but one": "9223372036854775806"} {
		k.create(t, map[string]any{"session": fmt.Sprintf(`{"alias":%q,"expires":%s}`, alias, expires)})
	}
	shown := must(t, k.GraphQL(t, `{ keys(first: 20) { nodes { alias expires session } } }`, nil))
	for alias, want := range map[string]string{"never": "", "never, too": "", "long ago": "1970-01-01T00:00:01Z", "this century": "2030-03-17T17:46:40Z", "year 9999": "9999-12-31T23:59:59Z",
		"year 10000": "9999-12-31T23:59:59Z", "milliseconds": "9999-12-31T23:59:59Z", "the last": "9999-12-31T23:59:59Z", "the last but one": "9999-12-31T23:59:59Z"} {
		assert.Equal(t, want, shown.Get(`data.keys.nodes.#(alias=="`+alias+`").expires`).String(), alias)
	}
	assert.Equal(
		t,
		"9223372036854775807",
		shown.Get(`data.keys.nodes.#(alias=="the last").session.expires`).Raw,
		"the session stays as it is",
	)

	for filter, want := range map[string]int64{
		`expiresAfter: "1960-01-01T00:00:00Z"`:                       7,
		`expiresAfter: "0001-01-01"`:                                 7,
		`expiresAfter: "1970-01-01T00:00:01Z"`:                       6,
		`expiresAfter: "2030-03-17T17:46:39.5Z"`:                     6,
		`expiresAfter: "2030-03-17T17:46:40Z"`:                       5,
		`expiresAfter: "9999-12-30"`:                                 5,
		`expiresBefore: "1960-01-01T00:00:00Z"`:                      0,
		`expiresBefore: "1970-01-01"`:                                0,
		`expiresBefore: "1970-01-02"`:                                1,
		`expiresBefore: "2030-03-17T17:46:40Z"`:                      1,
		`expiresBefore: "2030-03-17T17:46:40.5Z"`:                    2,
		`expiresBefore: "9999-12-31T23:59:59Z"`:                      2,
		`expiresAfter: "2000-01-01", expiresBefore: "2100-01-01"`:    1,
		`expiresAfter: "2100-01-01", expiresBefore: "2000-01-01"`:    0,
		`expiresBefore: "2026-12-01", expiresAfter: "1970-01-01"`:    1,
		`expiresAfter: "9999-12-31T23:59:59.999999999Z"`:             0,
		`expiresAfter: "0000-01-01", expiresBefore: "9999-12-31"`:    2,
		`expiresAfter: "2026-11-25T00:00:00+14:00"`:                  6,
		`expiresBefore: "9999-12-31T23:59:59-23:59", inactive: true`: 0,
	} {
		r := must(t, k.GraphQL(t, `{ keys(filter: {`+filter+`}) { totalCount } }`, nil))
		assert.Equal(t, want, r.Get("data.keys.totalCount").Int(), filter)
	}
	for _, expires := range []string{"0001-01-01T00:00:00Z", "1960-01-01", "1970-01-01T00:00:00Z", "0000-01-01"} {
		refused(
			t,
			k.GraphQL(t, makeKey, map[string]any{"in": k.input(map[string]any{"expires": expires})}),
			"INVALID",
			"after 1970",
		)
	}
	made := k.create(t, map[string]any{"expires": "9999-12-31"})
	assert.Equal(t, "9999-12-31T00:00:00Z", made.Get("data.it.key.expires").Str)
}

func TestALifeThatNeverEndsDoesNotOverflow(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	r := must(
		t,
		k.GraphQL(
			t,
			`mutation($api: ID!) { it: createPolicy(input: {name: "Long", apiIds: [$api], keyExpiresIn: 9223372036854775807, quotaMax: 1000000000000}) { id keyExpiresIn quotaMax } }`,
			map[string]any{"api": k.api},
		),
	)
	assert.Equal(t, `1000000000000`, r.Get("data.it.quotaMax").Raw)
	assert.Equal(t, `9223372036854775807`, r.Get("data.it.keyExpiresIn").Raw)
	made := must(
		t,
		k.GraphQL(t, makeKey, map[string]any{"in": map[string]any{"policyIds": []string{r.Get("data.it.id").Str}}}),
	)
	assert.Equal(t, "9999-12-31T23:59:59Z", made.Get("data.it.key.expires").Str)
	require.Positive(t, made.Get("data.it.key.session.expires").Int())
	stats := must(t, k.GraphQL(t, `{ a: systemStats(from: "9999-12-31") { current history { at } } }`, nil))
	assert.Empty(t, stats.Get("data.a.history").Array())
	refused(t, k.GraphQL(t, `{ systemStats(from: "0001-01-01") { current } }`, nil), "INVALID", "days apart")
}
