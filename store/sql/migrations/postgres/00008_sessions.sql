-- +goose Up
-- Who signed in, and what may be done once. Both are found by the hash of a token.

CREATE TABLE sessions (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    ends bigint NOT NULL,
    token text COLLATE "C",
    sealed text NOT NULL,
    doc json NOT NULL
);
CREATE UNIQUE INDEX sessions_token ON sessions (token);
CREATE INDEX sessions_by_created_at ON sessions (org_id, created_at, id);
CREATE INDEX sessions_by_user_id ON sessions (org_id, user_id, id, created_at);
CREATE INDEX sessions_by_ends ON sessions (ends);

CREATE TABLE tickets (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    ends bigint NOT NULL,
    token text COLLATE "C",
    sealed text NOT NULL,
    doc json NOT NULL
);
CREATE UNIQUE INDEX tickets_token ON tickets (token);
CREATE INDEX tickets_by_created_at ON tickets (org_id, created_at, id);
CREATE INDEX tickets_by_ends ON tickets (ends);
