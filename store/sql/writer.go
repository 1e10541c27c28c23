package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/store"
)

// errCrowded answers writes that did not come to their turn.
var errCrowded = &store.Outage{Reason: reasonBusy, Err: errors.New("store: the writer was busy all the time")}

// errClosed answers writes after Close.
var errClosed = errors.New("store: the engine is closed")

// writer is the one writer of SQLite. Callers that come while it commits are gathered into its next transaction, so
// that many share one wait for the disk; when one of them is refused, each gets a savepoint, so that its failure undoes
// only its own writes. Nobody is answered before the commit. A lone caller never waits for company.
type writer struct {
	engine  *Engine
	session *connSession
	queue   chan *request
	closing chan struct{}
	close   sync.Once
	done    chan struct{}
	latest  atomic.Pointer[outcome]
}

// request is an Apply on its way, or a probe, which writes nothing that anybody reads.
type request struct {
	writes []store.Write
	probe  bool
	// state says who has it: a caller may take it back until the writer takes it up.
	state  atomic.Int32
	answer chan error
}

const (
	requestWaits int32 = iota
	requestTaken
	requestWithdrawn
)

// outcome is how the latest transaction ended.
type outcome struct {
	err error
	at  time.Time
}

// writerWait is how long a caller waits for its turn, as long as the writer does for another program's lock. A probe is
// made when the latest transaction failed, or ended longer ago than probeAfter; one that does not come to its turn,
// since a large change is being made, is as good as the transaction before, for probeTrust.
const (
	writerWait = 10 * time.Second
	probeAfter = 10 * time.Second
	probeTrust = 30 * time.Second
)

// maxBatch bounds how many callers share a transaction.
const maxBatch = 256

func newWriter(e *Engine, conn *stdsql.Conn) *writer {
	w := &writer{
		engine: e, session: &connSession{conn: conn, prepared: map[string]*stdsql.Stmt{}},
		queue: make(chan *request), closing: make(chan struct{}), done: make(chan struct{}),
	}
	go w.run()
	return w
}

// apply hands the writes to the writer and waits for the commit. A context that ends before they are taken up withdraws
// them, and so does a wait of writerWait; afterwards the outcome is waited for, which is a matter of milliseconds.
func (w *writer) apply(ctx context.Context, writes []store.Write) error {
	return w.ask(ctx, &request{writes: writes, answer: make(chan error, 1)})
}

// probe tells whether writes are taken: by the latest one, or by one of its own.
func (w *writer) probe(ctx context.Context) error {
	latest := w.latest.Load()
	if latest != nil && latest.err == nil && time.Since(latest.at) < probeAfter {
		return nil
	}
	err := w.ask(ctx, &request{probe: true, answer: make(chan error, 1)})
	if latest != nil && ctx.Err() != nil && latest.err == nil && time.Since(latest.at) < probeTrust {
		return nil
	}
	return err
}

func (w *writer) ask(ctx context.Context, r *request) error {
	timer := time.NewTimer(writerWait)
	defer timer.Stop()
	select {
	case w.queue <- r:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.closing:
		return errClosed
	case <-timer.C:
		return errCrowded
	}
	var err error
	select {
	case err = <-r.answer:
		return err
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = errCrowded
	}
	if r.state.CompareAndSwap(requestWaits, requestWithdrawn) {
		return err
	}
	return <-r.answer
}

// stop ends the writer when what it has taken up is committed.
func (w *writer) stop() error {
	w.close.Do(func() { close(w.closing) })
	<-w.done
	return w.session.close()
}

func (w *writer) run() {
	defer close(w.done)
	batch := make([]*request, 0, maxBatch)
	for {
		select {
		case r := <-w.queue:
			batch = append(batch[:0], r)
		case <-w.closing:
			return
		}
		batch = w.gather(batch)
		w.commit(batch)
		clear(batch)
	}
}

// gather adds those who wait already.
func (w *writer) gather(batch []*request) []*request {
	for len(batch) < maxBatch {
		select {
		case r := <-w.queue:
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}

// commit makes a batch durable and answers everybody in it. Whoever gives up while another program has the lock is left
// out. When the database fails at what somebody asks for, each is tried alone, so that one's failure stays its own.
func (w *writer) commit(batch []*request) {
	err := w.engine.file.missing()
	if err == nil {
		err = w.session.run(context.Background(), "BEGIN IMMEDIATE")
	}
	kept := batch[:0]
	for _, r := range batch {
		if r.state.CompareAndSwap(requestWaits, requestTaken) {
			kept = append(kept, r)
		}
	}
	var answers []error
	switch {
	case err == nil && len(kept) == 0:
		_ = w.session.run(context.Background(), "ROLLBACK")
		return
	case err == nil:
		answers, err = w.transact(kept)
	}
	w.latest.Store(&outcome{err: err, at: time.Now()})
	switch {
	case err == nil:
		for i, r := range kept {
			r.answer <- answers[i]
		}
	case len(kept) == 1 || hopeless(err):
		for _, r := range kept {
			r.answer <- err
		}
	default:
		for _, r := range kept {
			r.state.Store(requestWaits)
			w.commit([]*request{r})
		}
	}
}

// hopeless tells whether an error would come to everybody who asks. On a full disk, a small change may still have its
// place.
func hopeless(err error) bool {
	var known *store.Outage
	if errors.As(err, &known) {
		return true
	}
	reason := sqliteOutage(err)
	return reason != "" && reason != reasonNoSpace
}

// transact makes the writes of a batch in the transaction that has begun. It returns an answer for each request, or the
// error that undid all of them.
func (w *writer) transact(batch []*request) (answers []error, err error) {
	// Callers have given up their say: what they asked for is made or not made, whatever becomes of their contexts.
	ctx := context.Background()
	defer func() {
		if err != nil {
			_ = w.session.run(ctx, "ROLLBACK")
		}
	}()
	answers = make([]error, len(batch))
	// As if they were one caller's, at first, which takes far fewer statements; seldom is any of them refused.
	all := batch[0].writes
	for _, r := range batch[1:] {
		all = append(slices.Clip(all), r.writes...)
	}
	err = w.engine.write(ctx, w.session, all, true)
	if err == nil && len(all) == 0 {
		// It writes the first page, with the number that was there.
		err = w.session.run(ctx, "PRAGMA user_version = 0")
	}
	if err == nil {
		return answers, w.session.run(ctx, "COMMIT")
	}
	if !errors.Is(err, errTaken) && (len(batch) == 1 || !refused(err)) {
		return nil, err
	}
	if err := w.session.run(ctx, "ROLLBACK"); err != nil {
		return nil, err
	}
	if err := w.session.run(ctx, "BEGIN IMMEDIATE"); err != nil {
		return nil, err
	}
	for i, r := range batch {
		if err := w.session.run(ctx, "SAVEPOINT caller"); err != nil {
			return nil, err
		}
		answers[i] = w.engine.write(ctx, w.session, r.writes, false)
		if refused(answers[i]) {
			if err := w.session.run(ctx, "ROLLBACK TO caller"); err != nil {
				return nil, err
			}
		} else if answers[i] != nil {
			return nil, answers[i]
		}
		if err := w.session.run(ctx, "RELEASE caller"); err != nil {
			return nil, err
		}
	}
	return answers, w.session.run(ctx, "COMMIT")
}

// refused tells whether the writes were at fault, not the database.
func refused(err error) bool {
	return errors.Is(err, store.ErrStale) || errors.Is(err, store.ErrConflict)
}

// connSession runs statements on the writer's connection and keeps them prepared. Only the writer uses it.
type connSession struct {
	conn     *stdsql.Conn
	prepared map[string]*stdsql.Stmt
}

func (s *connSession) run(ctx context.Context, statement string) error {
	_, err := s.exec(ctx, statement, nil)
	return err
}

func (s *connSession) exec(ctx context.Context, statement string, args []any) (int64, error) {
	stmt, err := s.prepare(ctx, statement)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (s *connSession) query(ctx context.Context, statement string, args []any) (*stdsql.Rows, error) {
	stmt, err := s.prepare(ctx, statement)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// prepare keeps every statement: there are a few for each collection, and one for each number of labels up to
// labelRows.
func (s *connSession) prepare(ctx context.Context, statement string) (*stdsql.Stmt, error) {
	if stmt, ok := s.prepared[statement]; ok {
		return stmt, nil
	}
	stmt, err := s.conn.PrepareContext(ctx, statement)
	if err == nil {
		s.prepared[statement] = stmt
	}
	return stmt, err
}

func (s *connSession) close() error {
	for _, stmt := range s.prepared {
		_ = stmt.Close()
	}
	clear(s.prepared)
	return s.conn.Close()
}
