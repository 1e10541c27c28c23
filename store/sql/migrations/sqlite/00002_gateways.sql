-- +goose Up
-- The gateways that registered, OAuth clients, certificates, and what the installation keeps for itself.

CREATE TABLE nodes (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    hostname TEXT NOT NULL,
    last_seen INTEGER NOT NULL,
    session TEXT,
    sealed TEXT NOT NULL,
    doc TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX nodes_session ON nodes (session);
CREATE INDEX nodes_by_created_at ON nodes (org_id, created_at, id);
CREATE INDEX nodes_by_hostname ON nodes (org_id, hostname, id, created_at);
CREATE INDEX nodes_by_last_seen ON nodes (org_id, last_seen, id);

CREATE TABLE oauth_clients (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    api_id TEXT NOT NULL,
    policy_id TEXT NOT NULL,
    client_id TEXT,
    sealed TEXT NOT NULL,
    doc TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX oauth_clients_client_id ON oauth_clients (client_id);
CREATE INDEX oauth_clients_by_created_at ON oauth_clients (org_id, created_at, id);
CREATE INDEX oauth_clients_by_api_id ON oauth_clients (org_id, api_id, id, created_at);
CREATE INDEX oauth_clients_by_policy_id ON oauth_clients (org_id, policy_id, id, created_at);

CREATE TABLE certificates (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    subject_cn TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    not_after INTEGER NOT NULL,
    has_private INTEGER NOT NULL,
    sealed TEXT NOT NULL,
    doc TEXT NOT NULL
) STRICT;
CREATE INDEX certificates_by_created_at ON certificates (org_id, created_at, id);
CREATE INDEX certificates_by_subject_cn ON certificates (org_id, subject_cn, id, created_at);
CREATE INDEX certificates_by_fingerprint ON certificates (org_id, fingerprint, id, created_at);
CREATE INDEX certificates_by_not_after ON certificates (org_id, not_after, id);

CREATE TABLE settings (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    sealed TEXT NOT NULL,
    doc TEXT NOT NULL
) STRICT;
CREATE INDEX settings_by_created_at ON settings (org_id, created_at, id);
