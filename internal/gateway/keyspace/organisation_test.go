package keyspace

import (
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/token"
)

func TestTheSessionOfAnOrganisationIsWhereGatewaysReadIt(t *testing.T) {
	const org, other = "5e9d9544a1dcd60001d0ed20", "5e9d9544a1dcd60001d0ed21"
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = client.Close() })
	s := &Space{o: Options{Redis: client}}
	ctx := t.Context()
	session := core.Document(`{"rate": 1.0, "x": [1]}`)

	require.NoError(t, s.SetOrgSession(ctx, org, session))
	raw, err := server.Get("orgkey." + org)
	require.NoError(t, err)
	assert.Equal(t, string(session), raw, "gateways hash no ids of organisations")
	assert.Zero(t, server.TTL("orgkey."+org), "it stays")

	found, err := s.OrgSessions(ctx, org, other)
	require.NoError(t, err)
	assert.Equal(t, map[string]core.Document{org: session}, found)

	for _, counter := range []string{"quota-" + org, "quota-" + token.Hash(org), "rate-limit-" + org + ".BLOCKED"} {
		require.NoError(t, server.Set(counter, "5"))
	}
	require.NoError(t, s.ResetOrgQuota(ctx, org))
	assert.Equal(t, []string{"orgkey." + org}, server.Keys())
	require.NoError(t, s.DeleteOrgSession(ctx, org))
	assert.Empty(t, server.Keys())
}
