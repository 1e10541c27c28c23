-- +goose Up
-- Who signed in, and what may be done once. Both are found by the hash of a token.

CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    ends INTEGER NOT NULL,
    token TEXT,
    sealed TEXT NOT NULL,
    doc TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX sessions_token ON sessions (token);
CREATE INDEX sessions_by_created_at ON sessions (org_id, created_at, id);
CREATE INDEX sessions_by_user_id ON sessions (org_id, user_id, id, created_at);
CREATE INDEX sessions_by_ends ON sessions (ends);

CREATE TABLE tickets (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    token TEXT,
    sealed TEXT NOT NULL,
    doc TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX tickets_token ON tickets (token);
CREATE INDEX tickets_by_created_at ON tickets (org_id, created_at, id);
CREATE INDEX tickets_by_ends ON tickets (ends);
