-- +goose Up
-- A table for each collection of store.All, and the labels of them all. Times are microseconds since 1970.
--
-- COLLATE "C" compares bytes, as the other engines do. json, unlike jsonb, keeps the text of a document as it is.
-- Unique values lead their indexes, so that one index answers a lookup with and without the organisation; an empty value is
-- NULL, which is not unique. The indexes of text columns carry created_at, so that a search reads the index alone.

CREATE TABLE organisations (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    slug text COLLATE "C",
    cname text COLLATE "C",
    sealed text NOT NULL,
    doc json NOT NULL
);
CREATE UNIQUE INDEX organisations_slug ON organisations (slug);
CREATE UNIQUE INDEX organisations_cname ON organisations (cname);
CREATE INDEX organisations_by_created_at ON organisations (org_id, created_at, id);
CREATE INDEX organisations_by_name ON organisations (org_id, name, id, created_at);

CREATE TABLE users (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    email text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    group_id text COLLATE "C" NOT NULL,
    active bigint NOT NULL,
    email_key text COLLATE "C",
    access_key text COLLATE "C",
    sealed text NOT NULL,
    doc json NOT NULL
);
CREATE UNIQUE INDEX users_email_key ON users (email_key, org_id);
CREATE UNIQUE INDEX users_access_key ON users (access_key);
CREATE INDEX users_by_created_at ON users (org_id, created_at, id);
CREATE INDEX users_by_email ON users (org_id, email, id, created_at);
CREATE INDEX users_by_name ON users (org_id, name, id, created_at);
CREATE INDEX users_by_group_id ON users (org_id, group_id, id, created_at);

CREATE TABLE apis (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    slug_text text COLLATE "C" NOT NULL,
    active bigint NOT NULL,
    api_id text COLLATE "C",
    slug text COLLATE "C",
    route text COLLATE "C",
    sealed text NOT NULL,
    doc json NOT NULL
);
CREATE UNIQUE INDEX apis_api_id ON apis (api_id);
CREATE UNIQUE INDEX apis_slug ON apis (slug, org_id);
CREATE UNIQUE INDEX apis_route ON apis (route, org_id);
CREATE INDEX apis_by_created_at ON apis (org_id, created_at, id);
CREATE INDEX apis_by_name ON apis (org_id, name, id, created_at);
CREATE INDEX apis_by_slug_text ON apis (org_id, slug_text, id, created_at);

CREATE TABLE policies (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    active bigint NOT NULL,
    policy_id text COLLATE "C",
    name_key text COLLATE "C",
    sealed text NOT NULL,
    doc json NOT NULL
);
CREATE UNIQUE INDEX policies_policy_id ON policies (policy_id);
CREATE UNIQUE INDEX policies_name_key ON policies (name_key, org_id);
CREATE INDEX policies_by_created_at ON policies (org_id, created_at, id);
CREATE INDEX policies_by_name ON policies (org_id, name, id, created_at);
CREATE INDEX policies_by_state ON policies (org_id, state, id, created_at);

CREATE TABLE keys (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    alias text COLLATE "C" NOT NULL,
    oauth_client_id text COLLATE "C" NOT NULL,
    expires bigint NOT NULL,
    inactive bigint NOT NULL,
    basic_auth bigint NOT NULL,
    sealed text NOT NULL,
    doc json NOT NULL
);
CREATE INDEX keys_by_created_at ON keys (org_id, created_at, id);
CREATE INDEX keys_by_alias ON keys (org_id, alias, id, created_at);
CREATE INDEX keys_by_oauth_client_id ON keys (org_id, oauth_client_id, id, created_at);
CREATE INDEX keys_by_expires ON keys (org_id, expires, id);

CREATE TABLE webhooks (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    webhook_id text COLLATE "C",
    sealed text NOT NULL,
    doc json NOT NULL
);
CREATE UNIQUE INDEX webhooks_webhook_id ON webhooks (webhook_id, org_id);
CREATE INDEX webhooks_by_created_at ON webhooks (org_id, created_at, id);
CREATE INDEX webhooks_by_name ON webhooks (org_id, name, id, created_at);

-- created_at is that of the object: the newest of each value are found at the end of their range.
CREATE TABLE labels (
    collection text COLLATE "C" NOT NULL,
    field text COLLATE "C" NOT NULL,
    value text COLLATE "C" NOT NULL,
    org_id text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    object_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (collection, field, value, org_id, created_at, object_id)
);
CREATE INDEX labels_of_object ON labels (object_id, collection);
