package ferrettest

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/FerretDB/FerretDB/ferretdb"

	"gatehouse/store/mongo"
)

// serve starts FerretDB on a free loopback port, over SQLite files in a folder of the test's own, and returns its URL.
// It is gone when the test ends. It waits for no disk, which is two thirds of the time of a case: what outlives a crash
// is for MongoDB to keep, and no crash of FerretDB is tried here.
func serve(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ferret")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: net.JoinHostPort("127.0.0.1", "0")},
		Handler:   "sqlite",
		SQLiteURL: "file:" + dir + "/?_pragma=synchronous(off)",
		Logger:    slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal("start FerretDB:", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return server.MongoDBURI()
}

// open opens an engine on a database of FerretDB.
func open(t *testing.T, url string) *mongo.Engine {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	engine, err := mongo.Open(ctx, mongo.Config{URL: url, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	return engine
}
