// Package trail makes the audit log: it follows calls from their beginning to their answer, has the record of a change
// written with the change, and everything else behind it, and reads records back. What a record is, and the chain that
// it is part of, is package audit's.
package trail

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/internal/audit"
	"gatehouse/internal/authz"
	"gatehouse/internal/core"
	"gatehouse/internal/secret"
	"gatehouse/store"
)

// Options say what is recorded, and where it goes.
type Options struct {
	Store   *store.Store
	Keyring *secret.Keyring
	Log     *slog.Logger
	// File is where records go; nil is the store.
	File *File
	// Required has changes not made whose record cannot be written.
	Required bool
	// Reads has calls recorded that read. Detailed has requests and answers recorded as they were.
	Reads, Detailed bool
	// Retention is how long records stay in the store; 0 is for ever.
	Retention time.Duration
	// Queue is how many records wait to be written at most; 0 is a default, for tests.
	Queue int
}

// Trail records calls. It is safe for concurrent use; a nil one records nothing.
type Trail struct {
	o      Options
	redact *audit.Redactor
	chain  *audit.Chain
	queue  chan entry
	// missing counts the records that could not be kept, until one is that says so.
	missing atomic.Int64
	// strangers counts what is not recorded call by call.
	strangers strangers
	// failing tells that the latest attempt to write failed, which is logged once.
	failing atomic.Bool
	// ended is closed when Run has written the last one.
	ended chan struct{}
	begun atomic.Bool
	start sync.Mutex
}

// entry is a record on its way to the writer; answer is nil where nobody waits.
type entry struct {
	record *audit.Record
	answer chan error
}

// queued is how many records wait at most, batch how many are written at once.
const (
	queued = 4096
	batch  = 128
)

// New makes a Trail, whose chain begins with the first record.
func New(o Options) *Trail {
	if o.Queue == 0 {
		o.Queue = queued
	}
	return &Trail{o: o, redact: Redactor(o.Keyring), chain: audit.NewChain(Keys(o.Keyring), core.NewHex()[:16]),
		queue: make(chan entry, o.Queue), ended: make(chan struct{})}
}

// Redactor takes out secrets with a keyring.
func Redactor(k *secret.Keyring) *audit.Redactor { return audit.NewRedactor(k.Lookup) }

// Keys are those of the chains of an installation with a keyring.
func Keys(k *secret.Keyring) *audit.Keys {
	return audit.NewKeys(k.Lookup("gatehouse: the keys of the audit log"))
}

// Redactor takes out what a record must not hold.
func (t *Trail) Redactor() *audit.Redactor { return t.redact }

// notRecorded is the answer where a change needs a record, and none can be written.
func notRecorded(err error) error {
	return core.Wrap(core.CodeUnavailable, err,
		"the audit log cannot be written, and nothing is changed without a record: try again later")
}

// put has a record written behind the call. It waits for a place in the queue as long as wait says, and never for the
// writing; a record that finds no place is counted as missing.
func (t *Trail) put(r *audit.Record, wait time.Duration) {
	t.stamp(r)
	e := entry{record: r}
	select {
	case t.queue <- e:
		return
	default:
	}
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case t.queue <- e:
			return
		case <-timer.C:
		case <-t.ended:
		}
	}
	t.missing.Add(1)
}

// keep returns when a record is written.
func (t *Trail) keep(ctx context.Context, r *audit.Record) error {
	t.stamp(r)
	e := entry{r, make(chan error, 1)}
	select {
	case t.queue <- e:
	case <-ctx.Done():
		t.missing.Add(1)
		return ctx.Err()
	case <-t.ended:
		t.missing.Add(1)
		return errEnded
	}
	select {
	case err := <-e.answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-t.ended:
		return errEnded
	}
}

var errEnded = fmt.Errorf("trail: the server is stopping")

// stamp gives a record its id and time.
func (t *Trail) stamp(r *audit.Record) {
	if r.CreatedAt.IsZero() {
		r.CreatedAt = t.o.Store.Now().Truncate(time.Microsecond)
	}
	if r.ID == "" {
		r.ID = core.NewID(r.CreatedAt)
	}
}

// minute is how often a mark of the chain is written.
const minute = time.Minute

// Run writes what is queued, and marks, until ctx ends; then it writes what is left, and the last mark.
func (t *Trail) Run(ctx context.Context) {
	if t == nil {
		return
	}
	defer close(t.ended)
	ticker := time.NewTicker(minute)
	defer ticker.Stop()
	retention := time.NewTimer(time.Minute)
	defer retention.Stop()
	for {
		select {
		case e := <-t.queue:
			t.write(ctx, t.gather(e))
		case <-ticker.C:
			t.Checkpoint(ctx)
		case <-retention.C:
			retention.Reset(time.Hour)
			t.retain(ctx)
		case <-ctx.Done():
			t.finish(context.WithoutCancel(ctx))
			return
		}
	}
}

// finish writes what is left, and the last mark.
func (t *Trail) finish(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, writing)
	defer cancel()
	for {
		select {
		case e := <-t.queue:
			t.write(ctx, t.gather(e))
			continue
		default:
		}
		break
	}
	t.tellStrangers(ctx)
	if t.begun.Load() {
		t.mark(ctx, audit.KindStop, nil)
	}
	if t.o.File != nil {
		t.tell(ctx, t.o.File.Close())
	}
}

// gather takes what else waits.
func (t *Trail) gather(first entry) []entry {
	out := []entry{first}
	for len(out) < batch {
		select {
		case e := <-t.queue:
			out = append(out, e)
		default:
			return out
		}
	}
	return out
}

// writing bounds how long a write may take.
const writing = 10 * time.Second

// write writes records, and answers those who wait for them.
func (t *Trail) write(ctx context.Context, entries []entry) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writing)
	defer cancel()
	records := make([]*audit.Record, len(entries))
	for i, e := range entries {
		records[i] = e.record
	}
	err := t.commit(ctx, records)
	t.tell(ctx, err)
	for _, e := range entries {
		switch {
		case e.answer != nil:
			e.answer <- err
			if err == nil || t.o.Required {
				continue // the call is not carried out, or says so itself
			}
			t.missing.Add(1)
		case err != nil:
			t.missing.Add(1)
		}
	}
}

// tell logs that records cannot be written, and that they can again.
func (t *Trail) tell(ctx context.Context, err error) {
	switch {
	case err != nil && !t.failing.Swap(true):
		t.o.Log.ErrorContext(ctx, "the audit log cannot be written", "error", err)
	case err == nil && t.failing.Swap(false):
		t.o.Log.InfoContext(ctx, "the audit log is written again", "missing", t.missing.Load())
	}
}

// commit seals records and writes them at once.
func (t *Trail) commit(ctx context.Context, records []*audit.Record) error {
	if err := t.begin(ctx); err != nil {
		return err
	}
	missing := t.missing.Swap(0)
	records[0].Missing += missing
	settle, err := t.chain.Add(records...)
	if err != nil {
		t.missing.Add(missing)
		return err
	}
	if err = t.place(ctx, records); err != nil {
		records[0].Missing -= missing
		t.missing.Add(missing)
	}
	settle(err == nil)
	return err
}

// place writes sealed records where they belong.
func (t *Trail) place(ctx context.Context, records []*audit.Record) error {
	if t.o.File != nil {
		return t.o.File.Write(records...)
	}
	changes := make([]store.Change, len(records))
	for i, r := range records {
		changes[i] = t.o.Store.AuditRecords.Creating(r)
	}
	return t.o.Store.Apply(store.Free(ctx), changes...)
}

// begin writes the mark that a chain starts with, before its first record.
func (t *Trail) begin(ctx context.Context) error {
	if t.begun.Load() {
		return nil
	}
	t.start.Lock()
	defer t.start.Unlock()
	if t.begun.Load() {
		return nil
	}
	heads, err := t.heads(ctx)
	if err != nil {
		return err
	}
	host, _ := os.Hostname() // which may be unknown
	if err := t.writeMark(ctx, audit.KindStart, &audit.Mark{Heads: heads, Host: audit.Clip(host, 64)}); err != nil {
		return err
	}
	t.begun.Store(true)
	return nil
}

// Checkpoint records what was counted of strangers, and writes a mark where there is something new to confirm.
func (t *Trail) Checkpoint(ctx context.Context) {
	t.tellStrangers(ctx)
	if t.begun.Load() && t.chain.Unmarked() {
		t.mark(ctx, audit.KindCheckpoint, nil)
	}
}

func (t *Trail) mark(ctx context.Context, kind audit.Kind, m *audit.Mark) {
	ctx, cancel := context.WithTimeout(ctx, writing)
	defer cancel()
	t.tell(ctx, t.writeMark(ctx, kind, m))
}

// writeMark writes a mark, and shows it in the log.
func (t *Trail) writeMark(ctx context.Context, kind audit.Kind, m *audit.Mark) error {
	r := &audit.Record{Kind: kind, Mark: m, Face: "server", Actor: audit.Actor{Kind: audit.ActorServer}}
	t.stamp(r)
	settle, err := t.chain.Mark(r)
	if err != nil {
		return err
	}
	err = t.place(ctx, []*audit.Record{r})
	settle(err == nil)
	if err == nil {
		t.o.Log.InfoContext(ctx, "audit checkpoint", "kind", string(kind), "checkpoint", r.Checkpoint(),
			"signature", r.Mark.Signature)
	}
	return err
}

// marksRead is how many marks the start of a chain looks at for the ends of the others.
const marksRead = 500

// heads are the last known places of other chains.
func (t *Trail) heads(ctx context.Context) (map[string]int64, error) {
	if t.o.File != nil {
		return t.o.File.Heads()
	}
	l, err := t.o.Store.AuditRecords.List(ctx, store.Query{Tenant: store.Org(""), Desc: true, Limit: marksRead,
		Where: []store.Cond{store.In("actor", store.AuditMarks)}})
	if err != nil {
		return nil, err
	}
	heads := map[string]int64{}
	for _, r := range l.Objects {
		heads[r.Server] = max(heads[r.Server], r.N)
	}
	return heads, nil
}

// actorOf is who makes a call, as it is recorded.
func actorOf(a authz.Actor) audit.Actor {
	switch {
	case a.User != nil && a.Session != nil:
		return audit.Actor{ID: a.User.ID, Name: a.User.Email, Kind: audit.ActorSession}
	case a.User != nil:
		return audit.Actor{ID: a.User.ID, Name: a.User.Email, Kind: audit.ActorKey}
	case a.Admin:
		return audit.Actor{Kind: audit.ActorAdminSecret}
	}
	return audit.Actor{Kind: audit.ActorNobody}
}
