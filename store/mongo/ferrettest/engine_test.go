package ferrettest

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"gatehouse/internal/core"
	"gatehouse/store"
	"gatehouse/store/mongo"
)

// client is a connection of the test's own, to look behind the engine.
func client(t *testing.T, url string) *driver.Client {
	t.Helper()
	c, err := driver.Connect(options.Client().ApplyURI(url))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Disconnect(context.Background()) })
	return c
}

func webhook(id, doc string) *core.Webhook {
	return core.NewWebhook(core.Meta{ID: id, OrgID: "5e9d9544a1dcd60001d0ed20"}, core.Document(doc))
}

func TestADatabaseOfANewerProgramIsRefusedAndLeftAlone(t *testing.T) {
	url := serve(t) + "newer"
	schema := client(t, url).Database("newer").Collection("gatehouse_schema")
	if _, err := schema.InsertOne(t.Context(), bson.D{{Key: "_id", Value: "schema"}, {Key: "version", Value: 1000}}); err != nil {
		t.Fatal(err)
	}
	engine, err := mongo.Open(t.Context(), mongo.Config{URL: url, Logger: slog.New(slog.DiscardHandler)})
	if !errors.Is(err, store.ErrNewerSchema) {
		if err == nil {
			_ = engine.Close()
		}
		t.Fatalf("Open: %v", err)
	}
	if names, err := schema.Database().ListCollectionNames(t.Context(), bson.D{}); err != nil || len(names) != 1 {
		t.Errorf("collections are %v, %v", names, err)
	}
}

func TestServersMayStartAtOnce(t *testing.T) {
	url := serve(t) + "together"
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			engine, err := mongo.Open(t.Context(), mongo.Config{URL: url, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Error(err)
				return
			}
			_ = engine.Close()
		})
	}
	wg.Wait()
	var found struct {
		Version int `bson:"version"`
	}
	err := client(t, url).Database("together").Collection("gatehouse_schema").FindOne(t.Context(), bson.D{}).Decode(&found)
	if err != nil || found.Version != 1 {
		t.Errorf("schema version %d, %v", found.Version, err)
	}
}

func TestObjectsOutliveTheEngineInTheDefaultDatabase(t *testing.T) {
	url := serve(t)
	doc := `{"name":"Hook", "method":"GET","target_path":"http://example.org","x":{"$ref":1.0}}`
	first := store.New(open(t, url))
	if err := first.Webhooks.Create(t.Context(), webhook("65e0f1a2b3c4d5e600000001", doc)); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := store.New(open(t, url)).Webhooks.Find(t.Context(), store.AllTenants(), "65e0f1a2b3c4d5e600000001")
	if err != nil || string(got.Document) != doc {
		t.Fatalf("got %+v, %v", got, err)
	}
	n, err := client(
		t,
		url,
	).Database(
		mongo.DefaultDatabase,
	).Collection(
		"gatehouse_webhooks",
	).CountDocuments(
		t.Context(),
		bson.D{},
	)
	if err != nil || n != 1 {
		t.Errorf("%d documents in the default database, %v", n, err)
	}
}

func TestADocumentOverTheLimitIsRefusedAndNothingIsWritten(t *testing.T) {
	s := store.New(open(t, serve(t)+"big"))
	err := s.Apply(t.Context(),
		s.Webhooks.Creating(webhook("65e0f1a2b3c4d5e600000001", `{}`)),
		s.Webhooks.Creating(webhook("65e0f1a2b3c4d5e600000002", `{"big":"`+strings.Repeat("x", 16<<20)+`"}`)))
	if err == nil || !strings.Contains(err.Error(), "make it smaller") {
		t.Fatalf("Apply: %.200v", err)
	}
	if n, err := s.Webhooks.Count(t.Context(), store.AllTenants()); err != nil || n != 0 {
		t.Errorf("%d objects, %v", n, err)
	}
}

func TestASmallBatchSizeLosesNothing(t *testing.T) {
	engine, err := mongo.Open(
		t.Context(),
		mongo.Config{URL: serve(t) + "batches", BatchSize: 2, Logger: slog.New(slog.DiscardHandler)},
	)
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(engine)
	defer s.Close()
	var changes []store.Change
	for range 9 {
		changes = append(changes, s.Webhooks.Creating(webhook(core.NewID(time.Now()), `{}`)))
	}
	if err := s.Apply(t.Context(), changes...); err != nil {
		t.Fatal(err)
	}
	list, err := s.Webhooks.List(t.Context(), store.Query{Tenant: store.AllTenants(), Limit: 8})
	if err != nil || len(list.Objects) != 8 || !list.More {
		t.Errorf("got %+v, %v", list, err)
	}
}

func TestOpenTellsTheOperatorThatThereAreNoTransactions(t *testing.T) {
	var log bytes.Buffer
	engine, err := mongo.Open(
		t.Context(),
		mongo.Config{URL: serve(t) + "log", Logger: slog.New(slog.NewTextHandler(&log, nil))},
	)
	if err != nil {
		t.Fatal(err)
	}
	_ = engine.Close()
	if !strings.Contains(log.String(), "has no transactions") {
		t.Errorf("the log reads %q", log.String())
	}
}
