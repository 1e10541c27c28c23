package keyspace

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/token"
	"gatehouse/store"
)

// orgName is the name of an organisation's session. The id is not hashed, whatever becomes of keys.
func orgName(org string) string { return "orgkey." + org }

// OrgSessions reads the sessions of organisations; those without one are not in the result.
func (s *Space) OrgSessions(ctx context.Context, orgs ...string) (map[string]core.Document, error) {
	out := make(map[string]core.Document, len(orgs))
	for len(orgs) > 0 {
		part := orgs[:min(batch, len(orgs))]
		orgs = orgs[len(part):]
		if err := s.readOrgSessions(ctx, part, out); err != nil {
			return nil, unavailable(err)
		}
	}
	return out, nil
}

func (s *Space) readOrgSessions(ctx context.Context, orgs []string, into map[string]core.Document) error {
	ctx, cancel := context.WithTimeout(ctx, answers)
	defer cancel()
	values := make([]*redis.StringCmd, len(orgs))
	_, _ = s.o.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, org := range orgs {
			values[i] = p.Get(ctx, orgName(org))
		}
		return nil
	})
	for i, org := range orgs {
		if err := values[i].Err(); err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		if raw := values[i].Val(); raw != "" {
			into[org] = core.Document(raw)
		}
	}
	return nil
}

// SetOrgSession writes the session of an organisation in the place of the one that it has. Gateways forget the one that
// they cached.
func (s *Space) SetOrgSession(ctx context.Context, org string, session core.Document) error {
	return s.orgWrite(ctx, org, func(ctx context.Context, p redis.Pipeliner) {
		p.Set(ctx, orgName(org), []byte(session), 0)
	})
}

// DeleteOrgSession takes the session of an organisation away, with its counters.
func (s *Space) DeleteOrgSession(ctx context.Context, org string) error {
	return s.orgWrite(ctx, org, func(ctx context.Context, p redis.Pipeliner) {
		for _, name := range append(orgCounters(org), orgName(org)) {
			p.Del(ctx, name)
		}
	})
}

// ResetOrgQuota has the quota of an organisation begin anew.
func (s *Space) ResetOrgQuota(ctx context.Context, org string) error {
	return s.orgWrite(ctx, org, func(ctx context.Context, p redis.Pipeliner) {
		for _, name := range orgCounters(org) {
			p.Del(ctx, name)
		}
	})
}

// orgCounters are what gateways count for an organisation, whether they hash keys or not.
func orgCounters(org string) (names []string) {
	for _, id := range []string{org, token.Hash(org)} {
		names = append(names, quotaName("", id), rateName("", id), rateName("", id)+blockedSuffix)
	}
	return names
}

func (s *Space) orgWrite(ctx context.Context, org string, write func(context.Context, redis.Pipeliner)) error {
	if err := store.Ahead(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, answers)
	defer cancel()
	if _, err := s.o.Redis.Pipelined(ctx, func(p redis.Pipeliner) error { write(ctx, p); return nil }); err != nil {
		return unavailable(err)
	}
	s.o.Notifier.FlushKeys(org)
	return nil
}
