-- +goose Up
-- What was done, by whom. Nothing is ever changed in here, and lists are in the order of time. The indexes of actor and object go on with
-- the time, so that a page of them is read at once; the rest is compared in what they find.

CREATE TABLE audit_records (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    actor text COLLATE "C" NOT NULL,
    object text COLLATE "C" NOT NULL,
    action text COLLATE "C" NOT NULL,
    method text COLLATE "C" NOT NULL,
    ip text COLLATE "C" NOT NULL,
    url text COLLATE "C" NOT NULL,
    status bigint NOT NULL,
    sealed text NOT NULL,
    doc json NOT NULL
);
CREATE INDEX audit_records_by_created_at ON audit_records (org_id, created_at, id);
CREATE INDEX audit_records_by_actor ON audit_records (org_id, actor, created_at, id);
CREATE INDEX audit_records_by_object ON audit_records (org_id, object, created_at, id);
