-- +goose Up
-- A table for each collection of store.All, and the labels of them all. Times are microseconds since 1970.
--
-- Unique values lead their indexes, so that one index answers a lookup with and without the organisation; an empty value is
-- NULL, which is not unique. Where there may be many records, the index of the order in which they are listed carries the text that is
-- searched, so that a search reads the index alone. The document comes last: rows are read up to the column that is needed.

CREATE TABLE organisations (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    name TEXT NOT NULL,
    slug TEXT,
    cname TEXT,
    sealed TEXT NOT NULL,
    doc TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX organisations_slug ON organisations (slug);
CREATE UNIQUE INDEX organisations_cname ON organisations (cname);
CREATE INDEX organisations_by_created_at ON organisations (org_id, created_at, id);
CREATE INDEX organisations_by_name ON organisations (org_id, name, id, created_at);

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    group_id TEXT NOT NULL,
    active INTEGER NOT NULL,
    email_key TEXT,
    access_key TEXT,
    sealed TEXT NOT NULL,
    doc TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX users_email_key ON users (email_key, org_id);
CREATE UNIQUE INDEX users_access_key ON users (access_key);
CREATE INDEX users_by_created_at ON users (org_id, created_at, id);
CREATE INDEX users_by_email ON users (org_id, email, id, created_at);
CREATE INDEX users_by_name ON users (org_id, name, id, created_at);
CREATE INDEX users_by_group_id ON users (org_id, group_id, id, created_at);

CREATE TABLE apis (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    name TEXT NOT NULL,
    slug_text TEXT NOT NULL,
    active INTEGER NOT NULL,
    api_id TEXT,
    slug TEXT,
    route TEXT,
    sealed TEXT NOT NULL,
    doc TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX apis_api_id ON apis (api_id);
CREATE UNIQUE INDEX apis_slug ON apis (slug, org_id);
CREATE UNIQUE INDEX apis_route ON apis (route, org_id);
CREATE INDEX apis_by_created_at ON apis (org_id, created_at, id, name, slug_text);
CREATE INDEX apis_by_name ON apis (org_id, name, id, slug_text);
CREATE INDEX apis_by_slug_text ON apis (org_id, slug_text, id, created_at);

CREATE TABLE policies (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    active INTEGER NOT NULL,
    policy_id TEXT,
    name_key TEXT,
    sealed TEXT NOT NULL,
    doc TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX policies_policy_id ON policies (policy_id);
CREATE UNIQUE INDEX policies_name_key ON policies (name_key, org_id);
CREATE INDEX policies_by_created_at ON policies (org_id, created_at, id);
CREATE INDEX policies_by_name ON policies (org_id, name, id, created_at);
CREATE INDEX policies_by_state ON policies (org_id, state, id, created_at);

CREATE TABLE keys (
    id TEXT NOT NULL PRIMARY KEY,
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
CREATE INDEX keys_by_created_at ON keys (org_id, created_at, id, alias);
CREATE INDEX keys_by_alias ON keys (org_id, alias, id, created_at);
CREATE INDEX keys_by_oauth_client_id ON keys (org_id, oauth_client_id, id, created_at);
CREATE INDEX keys_by_expires ON keys (org_id, expires, id);

CREATE TABLE webhooks (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    name TEXT NOT NULL,
    webhook_id TEXT,
    sealed TEXT NOT NULL,
    doc TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX webhooks_webhook_id ON webhooks (webhook_id, org_id);
CREATE INDEX webhooks_by_created_at ON webhooks (org_id, created_at, id);
CREATE INDEX webhooks_by_name ON webhooks (org_id, name, id, created_at);

-- created_at is that of the object: the newest of each value are found at the end of their range.
CREATE TABLE labels (
    collection TEXT NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    org_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    object_id TEXT NOT NULL,
    PRIMARY KEY (collection, field, value, org_id, created_at, object_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX labels_of_object ON labels (object_id, collection);
