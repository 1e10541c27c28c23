package keyspace

import (
	"context"
	"log/slog"

	"gatehouse/internal/confine"
	"gatehouse/internal/core"
	"gatehouse/internal/gateway/token"
	"gatehouse/store"
)

// Gateways judge the rights of a session by the ids in it alone. No key that is made here names anything of another
// organisation, but sessions may have been made before that was so, by a gateway, or be restored from an index of then.
// So whatever is found in Redis, or goes there, is confined to the organisation that the session says. One that says
// none is nobody's: whoever holds the secret of the gateways made it.

// confine returns the sessions of keys as gateways may have them, in the order of keys. A key may be nil.
func (s *Space) confine(ctx context.Context, keys []*core.Key) ([]core.Document, error) {
	out := make([]core.Document, len(keys))
	var named store.Ids
	for i, k := range keys {
		if k == nil {
			continue
		}
		if out[i] = k.Session; k.OrgID == "" {
			continue
		}
		named.Apis = append(named.Apis, core.NamedApis(k.Session)...)
		named.Policies = append(named.Policies, confine.NamedPolicies(k.Session)...)
	}
	owners, err := s.o.Store.OwnersOf(ctx, named)
	if err != nil {
		return nil, err
	}
	for i, k := range keys {
		if k != nil && k.OrgID != "" {
			out[i] = confine.Session(k.OrgID, k.Session, owners.Foreign(k.OrgID))
		}
	}
	return out, nil
}

// confineThere writes sessions in Redis anew that name what is another organisation's, and tells whether there were
// such. keys are what was read of ids, and raws the text that it was read from.
func (s *Space) confineThere(ctx context.Context, ids, raws []string, keys []*core.Key) (bool, error) {
	sessions, err := s.confine(ctx, keys)
	if err != nil {
		return false, err
	}
	changed := false
	for i, k := range keys {
		if k == nil || string(sessions[i]) == string(k.Session) {
			continue
		}
		changed = true
		m := s.newMark(ids[i])
		done, err := s.swap(ctx, ids[i], raws[i], string(sessions[i]), m)
		if err != nil {
			return false, err
		}
		s.unmark(ctx, m)
		if !done {
			continue // a gateway wrote in between: it is read again
		}
		s.o.Notifier.FlushKeys(ids[i])
		s.o.Log.WarnContext(ctx, "a key named APIs or policies of another organisation: it opens them no more",
			slog.String("org_id", k.OrgID), slog.String("murmur64", token.HashWith(token.Murmur64, k.ID)))
	}
	return changed, nil
}
