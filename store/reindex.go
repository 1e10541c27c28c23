package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"gatehouse/internal/core"
)

// indexVersion is the id of the setting that says which version of each collection the records are at.
const indexVersion = "index-version"

// progress is how far Reindex is with a collection.
type progress struct {
	// Version is the one that all records are at, and After the cursor of the last record that is at the newest.
	Version int    `json:"version"`
	After   string `json:"after,omitempty"`
	// Judge is the version of the judge that all records were judged by, and Judging the one that After is about.
	Judge   string `json:"judge,omitempty"`
	Judging string `json:"judging,omitempty"`
}

// reindexLog is how often an operator hears of the progress. A page is tried reindexTries times while others change its
// records.
const (
	reindexLog   = 10 * time.Second
	reindexTries = 100
)

// Reindex adds to the records of an earlier version of the program what lists can be filtered by since (see
// Collection.Added). It is to be called after opening, before anybody is served; when there is nothing to do, it costs
// one read. Documents, revisions and times stay as they are. When it is stopped, or the program dies, the next one goes
// on where it was; servers that start at once share the work.
func (s *Store) Reindex(ctx context.Context, log *slog.Logger) error {
	var failed []error
	for _, all := range s.all() {
		failed = append(failed, all.reindex(ctx, log))
	}
	return errors.Join(failed...)
}

func reindex[T any](ctx context.Context, s *Store, r *Repository[T], log *slog.Logger) error {
	if len(r.kind.Added) == 0 && r.kind.judge == "" {
		return nil
	}
	began, told, seen := s.now(), s.now(), 0
	for tries := 0; ; {
		n, done, err := r.reindexNext(ctx)
		switch {
		case (errors.Is(err, ErrStale) || errors.Is(err, ErrConflict)) && tries < reindexTries:
			// A record was changed in between, or another server is at the same page: look again.
			tries++
			continue
		case err != nil:
			return fmt.Errorf("store: index the %s of an earlier version: %w", r.kind.Name, err)
		}
		tries = 0
		seen += n
		if done {
			if seen > 0 {
				log.InfoContext(
					ctx,
					"records of an earlier version indexed",
					"collection",
					r.kind.Name,
					"records",
					seen,
					"took",
					s.now().Sub(began),
				)
			}
			return nil
		}
		if now := s.now(); now.Sub(told) >= reindexLog {
			told = now
			log.InfoContext(ctx, "indexing the records of an earlier version", "collection", r.kind.Name, "records", seen)
		}
	}
}

// reindexNext does the next page, and keeps with it how far it came. It returns how many records it saw.
func (r *Repository[T]) reindexNext(ctx context.Context) (seen int, done bool, err error) {
	all, setting, err := r.store.progress(ctx)
	if err != nil {
		return 0, false, err
	}
	mine, newest := all[r.kind.Name], len(r.kind.Added)
	unjudged := r.kind.judge != mine.Judge && r.kind.judge != ""
	if mine.Version >= newest && !unjudged {
		return 0, true, nil
	}
	var fields []string
	for _, added := range r.kind.Added[min(mine.Version, newest):] {
		fields = append(fields, added...)
	}
	if unjudged {
		fields = append(fields, r.kind.judged)
		if mine.Judging != r.kind.judge {
			mine.Judging, mine.After = r.kind.judge, "" // an earlier judge came that far
		}
	}
	page, err := r.List(ctx, Query{Tenant: AllTenants(), Sort: "id", After: mine.After, Limit: r.store.reindexPage})
	if err != nil {
		return 0, false, err
	}
	var changes []Change
	for _, object := range page.Objects {
		if change, ok := r.surfacing(object, fields); ok {
			changes = append(changes, change)
		}
	}
	if r.kind.also != nil {
		more, err := r.kind.also(ctx, r.store, page.Objects)
		if err != nil {
			return 0, false, err
		}
		changes = append(changes, more...)
	}
	if page.More {
		mine.After = page.Cursors[len(page.Cursors)-1]
	} else {
		mine = progress{Version: max(mine.Version, newest), Judge: mine.Judge}
		if unjudged {
			mine.Judge = r.kind.judge
		}
	}
	all[r.kind.Name] = mine
	if setting.Value, err = json.Marshal(all); err != nil {
		return 0, false, err
	}
	keep := r.store.Settings.Updating(setting)
	if setting.Revision == 0 {
		keep = r.store.Settings.Creating(setting)
	}
	return len(page.Objects), !page.More, r.store.Apply(ctx, append(changes, keep)...)
}

// progress reads how far Reindex is, past the read cache.
func (s *Store) progress(ctx context.Context) (map[string]progress, *core.Setting, error) {
	found, err := s.Settings.FindMany(ctx, AllTenants(), "id", []string{indexVersion})
	if err != nil {
		return nil, nil, err
	}
	all := map[string]progress{}
	if len(found) == 0 {
		return all, &core.Setting{Meta: core.Meta{ID: indexVersion}}, nil
	}
	if err := json.Unmarshal(found[0].Value, &all); err != nil {
		return nil, nil, fmt.Errorf("store: the setting %s: %w", indexVersion, err)
	}
	return all, found[0], nil
}
