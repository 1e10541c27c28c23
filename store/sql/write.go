package sql

import (
	"cmp"
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"gatehouse/store"
)

// session runs the statements of one transaction.
type session interface {
	// exec returns the number of rows that the statement met.
	exec(ctx context.Context, statement string, args []any) (int64, error)
	query(ctx context.Context, statement string, args []any) (*stdsql.Rows, error)
}

// write makes the writes, in their order, inside a transaction; it returns the error of the first that cannot be made.
// The caller undoes those before it. In bulk, new records that follow each other take few statements, and when a value
// of one of them is taken already, the error is errTaken: the writes have to be made again, not in bulk, to find out
// which.
func (e *Engine) write(ctx context.Context, s session, writes []store.Write, bulk bool) error {
	for len(writes) > 0 {
		t, err := e.table(writes[0].Collection)
		if err != nil {
			return err
		}
		n := 1
		if bulk {
			n = max(1, creates(writes))
		}
		if n > 1 {
			err = e.writeMany(ctx, s, t, writes[:n])
		} else {
			err = e.writeOne(ctx, s, t, writes[0])
		}
		if err != nil {
			return err
		}
		writes = writes[n:]
	}
	return nil
}

// errTaken means that a value is taken which one of several new records was to have.
var errTaken = errors.New("store: a value of one of several records is taken")

// creates is how many of the first writes make new records of one collection.
func creates(writes []store.Write) int {
	for i, w := range writes {
		if w.Delete || w.Was != 0 || w.Collection != writes[0].Collection {
			return i
		}
	}
	return len(writes)
}

// writeMany makes new records of one collection, in bulk.
func (e *Engine) writeMany(ctx context.Context, s session, t *table, writes []store.Write) error {
	err := insertMany(ctx, s, t, writes)
	if err == nil {
		err = e.insertLabels(ctx, s, t, writes)
	}
	if err != nil && e.dialect.fault(err) == faultUnique {
		return errTaken
	}
	return err
}

func (e *Engine) writeOne(ctx context.Context, s session, t *table, w store.Write) error {
	if e.dialect.failureAborts {
		if _, err := s.exec(ctx, "SAVEPOINT one", nil); err != nil {
			return err
		}
	}
	err := e.replaceOne(ctx, s, t, w)
	if err == nil || e.dialect.fault(err) != faultUnique {
		return err
	}
	if e.dialect.failureAborts {
		if _, err := s.exec(ctx, "ROLLBACK TO SAVEPOINT one", nil); err != nil {
			return err
		}
	}
	return e.conflict(ctx, s, t, w)
}

// replaceOne makes one write: the record, and its labels in the place of those that it had.
func (e *Engine) replaceOne(ctx context.Context, s session, t *table, w store.Write) error {
	if w.Surface {
		return e.writeSurface(ctx, s, t, w)
	}
	deleteLabels := func() error {
		if len(t.Labels) == 0 || (w.Was == 0 && !w.Delete) {
			return nil
		}
		_, err := s.exec(ctx, t.deleteLabels, []any{w.Record.ID, w.Record.ID}[:t.deleteLabelsArgs])
		return err
	}
	steps := []func() error{func() error { return writeRecord(ctx, s, t, w) }, deleteLabels}
	if e.dialect.labelsByTime {
		slices.Reverse(steps)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	if w.Delete {
		return nil
	}
	return e.insertLabels(ctx, s, t, []store.Write{w})
}

// writeSurface makes a write of a part of the query surface.
func (e *Engine) writeSurface(ctx context.Context, s session, t *table, w store.Write) error {
	b := &builder{dialect: e.dialect}
	// Setting the revision to itself locks the row, and tells whether it is there when nothing else is set.
	b.add("UPDATE " + t.sqlName + " SET revision = revision")
	for _, name := range t.Text {
		if v, ok := w.Record.Text[name]; ok {
			b.add(", "+name+" = ?", v)
		}
	}
	for _, name := range t.Int {
		if v, ok := w.Record.Int[name]; ok {
			b.add(", "+name+" = ?", v)
		}
	}
	b.add(" WHERE id = ? AND org_id = ? AND revision = ?", w.Record.ID, w.Record.OrgID, w.Was)
	met, err := s.exec(ctx, b.statement(), b.args)
	if err == nil && met == 0 {
		return store.ErrStale
	}
	for _, name := range t.Labels {
		if _, ok := w.Record.Labels[name]; ok && err == nil {
			_, err = s.exec(ctx, t.deleteLabels+" AND field = '"+name+"'", []any{w.Record.ID, w.Record.ID}[:t.deleteLabelsArgs])
		}
	}
	if err != nil {
		return err
	}
	return e.insertLabels(ctx, s, t, []store.Write{w})
}

func writeRecord(ctx context.Context, s session, t *table, w store.Write) error {
	r := w.Record
	var met int64
	var err error
	switch {
	case w.Delete:
		met, err = s.exec(ctx, t.delete, []any{r.ID, r.OrgID, w.Was, w.Was})
	case w.Was == 0:
		met, err = s.exec(ctx, t.insert[0], t.values(r))
	default:
		met, err = s.exec(ctx, t.update, append(t.values(r), w.Was))
	}
	if err == nil && met == 0 {
		return store.ErrStale
	}
	return err
}

// insertRows is how many records statements insert: few sizes, so that prepared ones serve again.
var insertRows = []int{1, 8, 64}

func insertMany(ctx context.Context, s session, t *table, writes []store.Write) error {
	var args []any
	for size := len(insertRows) - 1; len(writes) > 0; {
		n := insertRows[size]
		if n > len(writes) {
			size--
			continue
		}
		args = args[:0]
		for _, w := range writes[:n] {
			args = append(args, t.values(w.Record)...)
		}
		if _, err := s.exec(ctx, t.insert[size], args); err != nil {
			return err
		}
		writes = writes[n:]
	}
	return nil
}

// labelRows is how many labels one statement inserts.
const labelRows = 64

// insertLabels adds the labels of records, those of the same value together: they are neighbours in the index.
func (e *Engine) insertLabels(ctx context.Context, s session, t *table, writes []store.Write) error {
	type label struct {
		field, value string
		record       *store.Record
	}
	var labels []label
	for _, field := range t.Labels {
		for i := range writes {
			for _, value := range writes[i].Record.Labels[field] {
				labels = append(labels, label{field, value, &writes[i].Record})
			}
		}
	}
	slices.SortStableFunc(
		labels,
		func(a, b label) int { return cmp.Or(cmp.Compare(a.field, b.field), cmp.Compare(a.value, b.value)) },
	)
	for chunk := range slices.Chunk(labels, labelRows) {
		args := make([]any, 0, labelRowArgs*len(chunk))
		for _, l := range chunk {
			args = append(args, l.field, l.value, l.record.OrgID, l.record.CreatedAt.UnixMicro(), l.record.ID)
		}
		rows := strings.TrimSuffix(strings.Repeat(t.labelRow+", ", len(chunk)), ", ")
		if _, err := s.exec(ctx, e.dialect.bind(t.insertLabels+rows), args); err != nil {
			return err
		}
	}
	return nil
}

// errFreed means that what was taken is free again.
var errFreed = fmt.Errorf("store: a value was taken and is free again: %w", store.ErrConflict)

// conflict says what a write collided with, after the database refused it. Who holds the value is looked up: databases
// tell only in the text of their messages which one it was.
func (e *Engine) conflict(ctx context.Context, s session, t *table, w store.Write) error {
	r := w.Record
	taken := func(unique, where string, args ...any) error {
		other, err := e.holder(ctx, s, t, where, args...)
		if err != nil || other == "" {
			return err
		}
		return &store.ConflictError{Collection: t.Name, Unique: unique, ID: r.ID, OtherID: other}
	}
	if w.Was == 0 {
		if err := taken("id", "id = ?", r.ID); err != nil {
			return err
		}
	}
	for _, u := range t.Unique {
		var err error
		switch value := r.Unique[u.Name]; {
		case value == "":
		case u.Global:
			err = taken(u.Name, u.Name+" = ? AND id <> ?", value, r.ID)
		default:
			err = taken(u.Name, u.Name+" = ? AND org_id = ? AND id <> ?", value, r.OrgID, r.ID)
		}
		if err != nil {
			return err
		}
	}
	return errFreed
}

// holder returns the id of the record for which the condition holds, "" when there is none.
func (e *Engine) holder(ctx context.Context, s session, t *table, where string, args ...any) (id string, err error) {
	rows, err := s.query(ctx, e.dialect.bind("SELECT id FROM "+t.sqlName+" WHERE "+where), args)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	if rows.Next() {
		err = rows.Scan(&id)
	}
	if err == nil {
		err = rows.Err()
	}
	return id, err
}

// attempts bounds how often a transaction is run again that was the victim of others.
const attempts = 20

// Apply implements store.Engine.
func (e *Engine) Apply(ctx context.Context, writes ...store.Write) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(writes) == 0 {
		return nil
	}
	if e.writer != nil {
		return e.because(ctx, e.writer.apply(ctx, writes))
	}
	for n, bulk := 1, true; ; n++ {
		err := e.transact(ctx, writes, bulk)
		if errors.Is(err, errTaken) {
			bulk = false
			continue
		}
		retry := errors.Is(err, errFreed) || (err != nil && e.dialect.fault(err) == faultRetry)
		if !retry || n == attempts || ctx.Err() != nil {
			return e.because(ctx, err)
		}
		e.logger.DebugContext(ctx, "transaction runs again", "attempt", n, "cause", err)
		pause := time.Duration(
			//nolint:gosec // racers part; nothing is secret
			rand.Int64N(int64(time.Millisecond) << min(n, 6)),
		)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// transact makes the writes in a transaction of their own.
func (e *Engine) transact(ctx context.Context, writes []store.Write, bulk bool) error {
	// Each statement sees what is committed: revisions are compared where the row is locked, and a holder is looked up
	// among what others have just written.
	leave, err := e.finds.gate.Enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	tx, err := e.writes.BeginTx(ctx, &stdsql.TxOptions{Isolation: stdsql.LevelReadCommitted})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	s := txSession{tx}
	if err := e.lock(ctx, s, writes); err != nil {
		return err
	}
	if err := e.write(ctx, s, writes, bulk); err != nil {
		return err
	}
	return tx.Commit()
}

// lock takes the rows that several writes change, always in the same order, so that transactions wait for each other
// and do not meet in a deadlock, which takes a server a second to notice. A single write locks its row by itself.
func (e *Engine) lock(ctx context.Context, s session, writes []store.Write) error {
	rows := map[string][]string{}
	n := 0
	for _, w := range writes {
		if w.Delete || w.Was != 0 {
			rows[w.Collection.Name] = append(rows[w.Collection.Name], w.Record.ID)
			n++
		}
	}
	if n < 2 {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		t, err := e.table(&store.Collection{Name: name})
		if err != nil {
			return err
		}
		for chunk := range slices.Chunk(distinct(rows[name]), maxValues) {
			b := &builder{dialect: e.dialect}
			b.add("SELECT id FROM " + t.sqlName + " WHERE ")
			b.in("id", chunk)
			b.add(" ORDER BY id FOR UPDATE")
			locked, err := s.query(ctx, b.statement(), b.args)
			if err != nil {
				return err
			}
			for locked.Next() {
				// The rows are locked as they are read.
			}
			if err := errors.Join(locked.Err(), locked.Close()); err != nil {
				return err
			}
		}
	}
	return nil
}

type txSession struct{ tx *stdsql.Tx }

func (s txSession) exec(ctx context.Context, statement string, args []any) (int64, error) {
	result, err := s.tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (s txSession) query(ctx context.Context, statement string, args []any) (*stdsql.Rows, error) {
	return s.tx.QueryContext(ctx, statement, args...)
}
