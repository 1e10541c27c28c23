-- +goose Up
-- What was done, by whom. Nothing is ever changed in here, and lists are in the order of time. The indexes of actor and object go on with
-- the time, so that a page of them is read at once; that of the time carries the path, so that a part of one is looked for in the index alone.

CREATE TABLE audit_records (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    object TEXT NOT NULL,
    action TEXT NOT NULL,
    method TEXT NOT NULL,
    ip TEXT NOT NULL,
    url TEXT NOT NULL,
    status INTEGER NOT NULL,
    sealed TEXT NOT NULL,
    doc TEXT NOT NULL
) STRICT;
CREATE INDEX audit_records_by_created_at ON audit_records (org_id, created_at, id, url);
CREATE INDEX audit_records_by_actor ON audit_records (org_id, actor, created_at, id);
CREATE INDEX audit_records_by_object ON audit_records (org_id, object, created_at, id);
