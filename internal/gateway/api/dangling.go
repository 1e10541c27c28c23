package api

import (
	"context"
	"log/slog"

	"gatehouse/internal/gateway/claim"
	"gatehouse/internal/reference"
)

// Missing finds what APIs that are written name that there is not, for all of them at once.
func (s *Apis) Missing(writes []claim.Api) *reference.Missing {
	missing := reference.NewMissing(s.o.Store, func(context.Context, string) bool { return true })
	for _, w := range writes {
		missing.Expect(w.Next)
	}
	return missing
}

// NoteDangling notes in the log which APIs that were written newly name what there is not in their organisation. That
// it cannot be found out does not undo the write.
func (s *Apis) NoteDangling(ctx context.Context, writes []claim.Api) {
	missing := s.Missing(writes)
	for _, w := range writes {
		warnings, err := missing.OfApi(ctx, w.Next, w.Old)
		if err != nil {
			s.o.Log.WarnContext(
				ctx,
				"it was not found out whether there is what an API names",
				slog.String("api", w.Next.ApiID),
				slog.Any("error", err),
			)
			return
		}
		if len(warnings) > 0 {
			s.o.Log.WarnContext(
				ctx,
				"an API names what does not exist in its organisation",
				slog.String("api", w.Next.ApiID),
				slog.String("org_id", w.Next.OrgID),
				slog.Any("warnings", warnings),
			)
		}
	}
}
