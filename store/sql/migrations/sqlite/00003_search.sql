-- +goose Up
-- What makes a million keys quick to search and to write: an index of the parts of aliases and ids, counts of labels, and indexes that
-- grow at their end.

-- Keys get a number, which the index of parts names them by: SQLite may renumber rows that have none of their own. The indexes of client
-- and expiry go on with the time of creation, so that the many keys that have neither are appended. Nothing sorts by alias.
CREATE TABLE keys_rebuilt (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    org_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    alias TEXT NOT NULL,
    oauth_client_id TEXT NOT NULL,
    expires INTEGER NOT NULL,
    inactive INTEGER NOT NULL,
    basic_auth INTEGER NOT NULL,
    sealed TEXT NOT NULL,
    doc TEXT NOT NULL
) STRICT;
INSERT INTO keys_rebuilt (id, org_id, revision, created_at, updated_at, alias, oauth_client_id, expires, inactive, basic_auth, sealed, doc)
    SELECT id, org_id, revision, created_at, updated_at, alias, oauth_client_id, expires, inactive, basic_auth, sealed, doc FROM keys ORDER BY rowid;
DROP TABLE keys;
ALTER TABLE keys_rebuilt RENAME TO keys;
CREATE INDEX keys_by_created_at ON keys (org_id, created_at, id, alias);
CREATE INDEX keys_by_oauth_client_id ON keys (org_id, oauth_client_id, created_at);
CREATE INDEX keys_by_expires ON keys (org_id, expires, created_at);

-- For every three characters in a row, the keys that have them somewhere. What it finds has to be looked at again: it says neither where
-- the three are nor in which column.
CREATE VIRTUAL TABLE keys_search USING fts5 (id, alias, content = '', contentless_delete = 1, detail = none, tokenize = 'trigram case_sensitive 1');
INSERT INTO keys_search (rowid, id, alias) SELECT n, lower(id), alias FROM keys ORDER BY n;

-- +goose StatementBegin
CREATE TRIGGER keys_search_insert AFTER INSERT ON keys BEGIN
    INSERT INTO keys_search (rowid, id, alias) VALUES (new.n, lower(new.id), new.alias);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER keys_search_update AFTER UPDATE OF alias ON keys WHEN new.alias <> old.alias BEGIN
    UPDATE keys_search SET id = lower(new.id), alias = new.alias WHERE rowid = new.n;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER keys_search_delete AFTER DELETE ON keys BEGIN
    DELETE FROM keys_search WHERE rowid = old.n;
END;
-- +goose StatementEnd

-- How many objects of an organisation carry a label, and, where field and value are empty, how many there are.
CREATE TABLE label_counts (
    collection TEXT NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    org_id TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (collection, field, value, org_id)
) STRICT, WITHOUT ROWID;
INSERT INTO label_counts SELECT collection, field, value, org_id, COUNT(*) FROM labels GROUP BY collection, field, value, org_id;
INSERT INTO label_counts SELECT 'keys', '', '', org_id, COUNT(*) FROM keys GROUP BY org_id;

-- +goose StatementBegin
CREATE TRIGGER labels_counted AFTER INSERT ON labels BEGIN
    INSERT INTO label_counts VALUES (new.collection, new.field, new.value, new.org_id, 1)
        ON CONFLICT (collection, field, value, org_id) DO UPDATE SET n = n + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER labels_uncounted AFTER DELETE ON labels BEGIN
    UPDATE label_counts SET n = n - 1
        WHERE collection = old.collection AND field = old.field AND value = old.value AND org_id = old.org_id;
    DELETE FROM label_counts
        WHERE collection = old.collection AND field = old.field AND value = old.value AND org_id = old.org_id AND n = 0;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER keys_counted AFTER INSERT ON keys BEGIN
    INSERT INTO label_counts VALUES ('keys', '', '', new.org_id, 1)
        ON CONFLICT (collection, field, value, org_id) DO UPDATE SET n = n + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER keys_uncounted AFTER DELETE ON keys BEGIN
    UPDATE label_counts SET n = n - 1 WHERE collection = 'keys' AND field = '' AND value = '' AND org_id = old.org_id;
END;
-- +goose StatementEnd

-- The labels of an object are found by its time of creation first, which makes this index grow at its end too.
DROP INDEX labels_of_object;
CREATE INDEX labels_of_object ON labels (created_at, object_id, collection);
