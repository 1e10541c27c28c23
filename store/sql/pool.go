package sql

import (
	"context"
	stdsql "database/sql"
	"sync"
	"time"

	"gatehouse/store"
)

// pool reads. Where the driver does not keep statements prepared itself, the pool does.
type pool struct {
	db *stdsql.DB
	// prepare turns the keeping on.
	prepare bool
	// gate bounds how long a call waits for a connection. The pool has one connection more, for Ping.
	gate *store.Gate

	mu       sync.RWMutex
	prepared map[string]*stdsql.Stmt
}

// maxPrepared bounds the statements that are kept, maxPreparedArgs the arguments of each: what is rarer or larger than
// that is parsed anew each time.
const (
	maxPrepared     = 256
	maxPreparedArgs = 64
)

// connectionWait is how long a call waits for a connection of a pool, and connectTimeout for one to be made: people and
// gateways wait behind each of them.
const (
	connectionWait = 5 * time.Second
	connectTimeout = 5 * time.Second
)

// newPool makes a pool of so many connections, and one more.
func newPool(db *stdsql.DB, conns int, prepare bool) *pool {
	db.SetMaxOpenConns(conns + 1)
	db.SetMaxIdleConns(conns + 1)
	return &pool{db: db, prepare: prepare, gate: store.NewGate(conns, connectionWait), prepared: map[string]*stdsql.Stmt{}}
}

func (p *pool) query(ctx context.Context, statement string, args []any) (*stdsql.Rows, error) {
	if !p.prepare || len(args) > maxPreparedArgs {
		return p.db.QueryContext(ctx, statement, args...)
	}
	p.mu.RLock()
	stmt, full := p.prepared[statement], len(p.prepared) >= maxPrepared
	p.mu.RUnlock()
	if stmt == nil {
		if full {
			return p.db.QueryContext(ctx, statement, args...)
		}
		var err error
		if stmt, err = p.keep(ctx, statement); err != nil {
			return nil, err
		}
	}
	return stmt.QueryContext(ctx, args...)
}

func (p *pool) keep(ctx context.Context, statement string) (*stdsql.Stmt, error) {
	stmt, err := p.db.PrepareContext(ctx, statement)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if first := p.prepared[statement]; first != nil {
		_ = stmt.Close()
		return first, nil
	}
	p.prepared[statement] = stmt
	return stmt, nil
}

func (p *pool) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, stmt := range p.prepared {
		_ = stmt.Close()
	}
	clear(p.prepared)
	return p.db.Close()
}
