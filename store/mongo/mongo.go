// Package mongo keeps records in MongoDB, or in a database that speaks its protocol.
//
// Each store.Collection is a MongoDB collection of the same name behind the prefix "gatehouse_", so that the database
// can be shared with whatever else lives there. A record is one MongoDB document: the fields that can be searched, and
// beside them the record's own document as a string, because BSON would not give it back byte for byte and has no room
// for every JSON key.
//
// The collections, their indexes and the schema version are made by Open.
package mongo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"

	"gatehouse/store"
)

// Config says where the database is and how to talk to it. The zero value of every field but URL is a good one.
type Config struct {
	// URL is a MongoDB connection string, mongodb:// or mongodb+srv://; one without a scheme is taken as mongodb://. The
	// path names the database, DefaultDatabase when it is empty.
	URL string

	// UseSSL turns TLS on; the four fields below count only then. TLS can also be asked for in the URL (tls=true), with
	// the options that MongoDB documents for it.
	UseSSL bool
	// InsecureSkipVerify accepts any certificate of the server. AllowInvalidHostnames accepts one for another host name
	// when an authority that we trust has signed it.
	InsecureSkipVerify    bool
	AllowInvalidHostnames bool
	// CAFile is a PEM file of the authorities to trust instead of the system's. PEMKeyFile is a PEM file with the client's
	// certificate and its private key.
	CAFile     string
	PEMKeyFile string

	// SessionConsistency says where reads go. "strong", the default, is the primary, which knows every acknowledged write.
	// "monotonic" is the primary while there is one, and a secondary otherwise; "eventual" is the nearest server: both may
	// answer with what was true before the latest writes.
	SessionConsistency string
	// BatchSize is the number of documents that a server sends at a time; 0 leaves it to the server.
	BatchSize int
	// DirectConnection talks to the one server of the URL only, whatever replica set it is in.
	DirectConnection bool

	// Logger is told what an operator should know; nil is slog.Default().
	Logger *slog.Logger
}

// DefaultDatabase is the database that is used when the URL names none: that of the legacy installation.
const DefaultDatabase = "tyk_analytics"

// selectionTimeout is how long an operation waits for a server that can take it. Short, since a person or a gateway
// waits behind each of them, and long enough for a replica set to elect a primary in the common case.
const selectionTimeout = 5 * time.Second

// undoTimeout bounds the clean-up after a failure, which runs even when the caller has given up.
const undoTimeout = 10 * time.Second

// Engine is a store.Engine on a MongoDB database.
type Engine struct {
	client *mongo.Client
	db     *mongo.Database // reads where SessionConsistency says, writes journaled on a majority
	batch  int32
	log    *slog.Logger

	// transactions tells whether the deployment has them; maxDocument is its limit for one document, in bytes.
	transactions bool
	maxDocument  int
}

var _ store.Engine = (*Engine)(nil)

// Open connects to the database and brings its collections and indexes up to date, which is safe while other servers do
// the same. It fails within seconds when no server answers, and with store.ErrNewerSchema when a newer program has been
// at work. No error shows the password of the URL.
func Open(ctx context.Context, config Config) (*Engine, error) {
	target, err := parseURL(config.URL)
	if err != nil {
		return nil, err
	}
	opts, err := clientOptions(target, config)
	if err != nil {
		return nil, err
	}
	client, err := mongo.Connect(opts)
	if err != nil {
		return nil, target.hide(fmt.Errorf("mongo: the connection URL is not usable: %w", err))
	}
	e := &Engine{
		client: client,
		db:     client.Database(target.database),
		batch:  int32(min(config.BatchSize, math.MaxInt32)),
		log:    config.Logger,
	}
	if e.log == nil {
		e.log = slog.Default()
	}
	if err := e.start(ctx, target); err != nil {
		_ = e.Close()
		return nil, target.hide(err)
	}
	return e, nil
}

func (e *Engine) start(ctx context.Context, target target) error {
	if err := e.hello(ctx); err != nil {
		return fmt.Errorf(
			"mongo: no usable answer from %s: check that MongoDB runs there, and the host, user, password and TLS "+
				"settings of the connection: %w",
			target.hosts,
			err,
		)
	}
	if !e.transactions {
		e.log.WarnContext(
			ctx,
			"this MongoDB has no transactions: a change of several objects that fails half-way is undone step by "+
				"step, and a crash may leave it half-made; a replica set avoids that",
			"database",
			target.database,
		)
	}
	return e.migrate(ctx)
}

func clientOptions(target target, config Config) (*options.ClientOptions, error) {
	pref, err := readPreference(config.SessionConsistency)
	if err != nil {
		return nil, err
	}
	if config.BatchSize < 0 {
		return nil, fmt.Errorf("mongo: the batch size must not be negative, it is %d", config.BatchSize)
	}
	opts := options.Client().ApplyURI(target.url).
		SetAppName("gatehouse").
		SetServerSelectionTimeout(selectionTimeout).
		SetConnectTimeout(selectionTimeout).
		SetReadPreference(pref).
		SetWriteConcern(journaled())
	if config.DirectConnection {
		opts.SetDirect(true)
	}
	if config.UseSSL {
		tls, err := tlsConfig(config)
		if err != nil {
			return nil, err
		}
		opts.SetTLSConfig(tls)
	}
	return opts, nil
}

// journaled is how writes are acknowledged: when they are in the journals of a majority, so that they outlive a power
// cut and an election.
func journaled() *writeconcern.WriteConcern {
	out := writeconcern.Majority()
	out.Journal = new(true)
	return out
}

func readPreference(consistency string) (*readpref.ReadPref, error) {
	switch strings.ToLower(consistency) {
	case "", "strong":
		return readpref.Primary(), nil
	case "monotonic":
		return readpref.PrimaryPreferred(), nil
	case "eventual":
		return readpref.Nearest(), nil
	}
	return nil, fmt.Errorf("mongo: the session consistency must be strong, monotonic or eventual, not %q", consistency)
}

// hello asks what the deployment can do.
func (e *Engine) hello(ctx context.Context) error {
	var answer struct {
		SetName  string `bson:"setName"`
		Msg      string `bson:"msg"`
		Sessions *int64 `bson:"logicalSessionTimeoutMinutes"`
		MaxBytes int    `bson:"maxBsonObjectSize"`
	}
	err := e.client.Database("admin").RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Decode(&answer)
	if err != nil {
		return err
	}
	// Replica sets name themselves; the routers of a sharded cluster answer "isdbgrid".
	e.transactions = (answer.SetName != "" || answer.Msg == "isdbgrid") && answer.Sessions != nil
	e.maxDocument = 16 << 20
	if answer.MaxBytes > 0 {
		e.maxDocument = answer.MaxBytes
	}
	return nil
}

// Ping tells whether a server that can be read from answers.
func (e *Engine) Ping(ctx context.Context) error {
	if err := e.client.Ping(ctx, nil); err != nil {
		return because(ctx, fmt.Errorf("mongo: ping: %w", err))
	}
	return nil
}

// Close waits for the connections in use and closes them. A second call does nothing.
func (e *Engine) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), undoTimeout)
	defer cancel()
	if err := e.client.Disconnect(ctx); err != nil && !errors.Is(err, mongo.ErrClientDisconnected) {
		return fmt.Errorf("mongo: close: %w", err)
	}
	return nil
}

// collection is where the records of c are. Reads through it may go to a secondary, see Config.SessionConsistency.
func (e *Engine) collection(c *store.Collection) *mongo.Collection {
	return e.db.Collection(prefix + c.Name)
}

// primary is collection with reads that know every acknowledged write.
func (e *Engine) primary(c *store.Collection) *mongo.Collection {
	return e.db.Collection(prefix+c.Name, options.Collection().SetReadPreference(readpref.Primary()))
}

const prefix = "gatehouse_"
