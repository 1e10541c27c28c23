package trail

import (
	"context"
	"slices"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/store"
)

// retained is how many records a retention takes away in one write.
const retained = 500

// retain takes away the records that are older than the retention, and leaves a mark that says which.
func (t *Trail) retain(ctx context.Context) {
	if t.o.Retention <= 0 || t.o.File != nil {
		return
	}
	if _, err := t.Retain(ctx, t.o.Store.Now().Add(-t.o.Retention)); err != nil && ctx.Err() == nil {
		t.o.Log.WarnContext(ctx, "old audit records could not all be taken away", "error", err)
	}
}

// Retain takes away the records from before a time, the oldest first, and returns how many. The mark of each write says
// up to which place of each chain records are gone; it is written with it.
func (t *Trail) Retain(ctx context.Context, before time.Time) (int, error) {
	gone := 0
	for {
		// Ids begin with the second of their record, so that the oldest come first.
		l, err := t.o.Store.AuditRecords.List(ctx, store.Query{Tenant: store.AllTenants(), Limit: retained, Sort: "id"})
		if err != nil {
			return gone, err
		}
		old := slices.DeleteFunc(l.Objects, func(r *audit.Record) bool { return !r.CreatedAt.Before(before) })
		if len(old) == 0 {
			return gone, nil
		}
		if err := t.begin(ctx); err != nil {
			return gone, err
		}
		if err := t.remove(ctx, old, before); err != nil {
			return gone, err
		}
		gone += len(old)
	}
}

// remove takes records away, together with the mark that says so. What an earlier mark among them said of chains that
// are still known of, this one says again.
func (t *Trail) remove(ctx context.Context, records []*audit.Record, before time.Time) error {
	heads := map[string]int64{}
	changes := make([]store.Change, 0, len(records)+1)
	for _, r := range records {
		heads[r.Server] = max(heads[r.Server], r.N)
		if r.Kind == audit.KindRetention && r.Mark != nil {
			for name, n := range r.Mark.Heads {
				heads[name] = max(heads[name], n)
			}
		}
		changes = append(changes, t.o.Store.AuditRecords.Deleting(r))
	}
	mark := &audit.Record{Kind: audit.KindRetention, Face: "server", Actor: audit.Actor{Kind: audit.ActorServer},
		Mark: &audit.Mark{Heads: heads, Before: before.UTC().Format(time.RFC3339)}}
	t.stamp(mark)
	settle, err := t.chain.Mark(mark)
	if err != nil {
		return err
	}
	err = t.o.Store.Apply(store.Free(ctx), append(changes, t.o.Store.AuditRecords.Creating(mark))...)
	settle(err == nil)
	if err == nil {
		t.o.Log.InfoContext(ctx, "old audit records were taken away", "records", len(records), "checkpoint",
			mark.Checkpoint(), "signature", mark.Mark.Signature)
	}
	return err
}
