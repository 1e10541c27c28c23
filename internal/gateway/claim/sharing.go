package claim

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"gatehouse/internal/core"
	"gatehouse/internal/gateway/route"
	"gatehouse/store"
)

// A path inside of the / of another organisation is accepted, since stock installations have that, and both sides are
// told: it is a warning of either API, worked out when somebody asks, so that it ends when the other one goes. It says
// that the route is shared, and nothing else of the other API.

const (
	insideForeignRoot = "the listen path lies inside of the / of another organisation: " +
		"requests that gateways do not route to this API, such as while it is switched off, go there"
	aroundForeignPath = "another organisation has an API inside of this /: gateways route the requests for its path there"
)

// Warnings finds the APIs that share a route with another organisation. Many APIs ask the same: those of one
// organisation on one listener and domain, for gateways of the same tags. It lives as long as one operation.
type Warnings struct {
	claims *Claims
	mu     sync.Mutex
	asked  map[string]func() (*core.Api, error)
	// alone tells that there is no other organisation.
	alone func() (bool, error)
}

// Warnings starts the questions of one operation.
func (c *Claims) Warnings() *Warnings {
	return &Warnings{claims: c, asked: map[string]func() (*core.Api, error){}}
}

// Of is what the organisation of an API is to be told: that another one shares its route; "" where none does.
func (w *Warnings) Of(ctx context.Context, a *core.Api) (string, error) {
	_, warning, err := w.with(ctx, a)
	return warning, err
}

// with is an API of another organisation that shares the route of one, nil where none does, and the warning about it.
func (w *Warnings) with(ctx context.Context, a *core.Api) (*core.Api, string, error) {
	labels, root := route.Sharing(a, w.claims.rules.Routes)
	if len(labels) == 0 {
		return nil, "", nil
	}
	if alone, err := w.onlyOne(ctx); err != nil || alone {
		return nil, "", err
	}
	taken := claimed{segments: route.Segments(a)}
	other, err := w.once(
		strings.Join(slices.Concat([]string{a.OrgID}, labels, taken.segments), "\n"),
		func() (*core.Api, error) {
			return w.claims.sharer(
				ctx,
				store.AllTenants(),
				taken,
				store.HasLabel("claim", labels...),
				store.NoneOf(store.In("org_id", a.OrgID)),
			)
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

func (w *Warnings) onlyOne(ctx context.Context) (bool, error) {
	w.mu.Lock()
	if w.alone == nil {
		w.alone = sync.OnceValues(func() (bool, error) {
			n, err := w.claims.store.Organisations.Count(ctx, store.AllTenants())
			return n < 2, err
		})
	}
	alone := w.alone
	w.mu.Unlock()
	return alone()
}

func (w *Warnings) once(question string, find func() (*core.Api, error)) (*core.Api, error) {
	w.mu.Lock()
	answer := w.asked[question]
	if answer == nil {
		answer = sync.OnceValues(find)
		w.asked[question] = answer
	}
	w.mu.Unlock()
	return answer()
}

// logSharing notes which of APIs that were written newly share a route. That it cannot be found out does not undo the
// write.
func (c *Claims) logSharing(ctx context.Context, apis []Api) {
	warnings := c.Warnings()
	for _, w := range apis {
		if _, takes := c.rules.newly(w); !takes {
			continue
		}
		other, warning, err := warnings.with(ctx, w.Next)
		if err != nil {
			c.log.WarnContext(
				ctx,
				"it was not found out who shares the route of an API",
				slog.String("api", w.Next.ID),
				slog.Any("error", err),
			)
			return
		}
		if other != nil {
			c.log.WarnContext(
				ctx,
				"an API shares its route with another organisation",
				slog.String("api", w.Next.ID),
				slog.String("org_id", w.Next.OrgID),
				slog.String("other_api", other.ID),
				slog.String("other_org_id", other.OrgID),
				slog.String("warning", warning),
			)
		}
	}
}
