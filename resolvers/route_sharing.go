package resolvers

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"gatehouse/internal/core"
	"gatehouse/store"
)

// A path inside of the / of another organisation is accepted, since stock installations have that, and both sides are
// told: it is a warning of either API, worked out when somebody asks, so that it ends when the other one goes. It says
// that the route is shared, and nothing else of the other API.

const (
	insideForeignRoot = "the listen path lies inside of the / of another organisation: requests that gateways do not route to this API, such as while it is switched off, go there"
	aroundForeignPath = "another organisation has an API inside of this /: gateways route the requests for its path there"
)

// sharing finds the APIs that share a route with another organisation. Many APIs ask the same: those of one
// organisation on one listener and domain, for gateways of the same tags. It lives as long as one operation.
type sharing struct {
	mu    sync.Mutex
	asked map[string]func() (*core.Api, error)
	// alone tells that there is no other organisation.
	alone func() (bool, error)
}

func newSharing() *sharing { return &sharing{asked: map[string]func() (*core.Api, error){}} }

// with is an API of another organisation that shares the route of one, nil where none does, and the warning about it.
func (s *sharing) with(ctx context.Context, r *Resolver, a *core.Api) (*core.Api, string, error) {
	labels, root := a.Sharing(r.settings.RouteRules)
	if len(labels) == 0 {
		return nil, "", nil
	}
	if alone, err := s.onlyOne(ctx, r); err != nil || alone {
		return nil, "", err
	}
	segments := a.Segments()
	other, err := s.once(
		strings.Join(slices.Concat([]string{a.OrgID}, labels, segments), "\n"),
		func() (*core.Api, error) {
			where := []store.Cond{store.HasLabel("claim", labels...), store.NoneOf(store.In("org_id", a.OrgID))}
			if wanted := core.SharingSegments(segments); wanted != nil {
				where = append(where, store.HasLabel("segment", wanted...))
			}
			l, err := r.store.Apis.List(
				ctx,
				store.Query{Tenant: store.AllTenants(), Where: where, Limit: 1, Sort: "id", IDsOnly: true},
			)
			if err != nil || len(l.Objects) == 0 {
				return nil, err
			}
			return l.Objects[0], nil
		},
	)
	switch {
	case err != nil || other == nil:
		return nil, "", err
	case root:
		return other, aroundForeignPath, nil
	}
	return other, insideForeignRoot, nil
}

func (s *sharing) onlyOne(ctx context.Context, r *Resolver) (bool, error) {
	s.mu.Lock()
	if s.alone == nil {
		s.alone = sync.OnceValues(func() (bool, error) {
			n, err := r.store.Organisations.Count(ctx, store.AllTenants())
			return n < 2, err
		})
	}
	alone := s.alone
	s.mu.Unlock()
	return alone()
}

func (s *sharing) once(question string, find func() (*core.Api, error)) (*core.Api, error) {
	s.mu.Lock()
	answer := s.asked[question]
	if answer == nil {
		answer = sync.OnceValues(find)
		s.asked[question] = answer
	}
	s.mu.Unlock()
	return answer()
}

// logSharing notes which of APIs that were written newly share a route. That it cannot be found out does not undo the
// write.
func (r *Resolver) logSharing(ctx context.Context, apis []apiWrite) {
	s := newSharing()
	for _, w := range apis {
		if _, takes := r.claims(w); !takes {
			continue
		}
		other, warning, err := s.with(ctx, r, w.next)
		if err != nil {
			r.log.WarnContext(
				ctx,
				"it was not found out who shares the route of an API",
				slog.String("api", w.next.ID),
				slog.Any("error", err),
			)
			return
		}
		if other != nil {
			r.log.WarnContext(
				ctx,
				"an API shares its route with another organisation",
				slog.String("api", w.next.ID),
				slog.String("org_id", w.next.OrgID),
				slog.String("other_api", other.ID),
				slog.String("other_org_id", other.OrgID),
				slog.String("warning", warning),
			)
		}
	}
}
