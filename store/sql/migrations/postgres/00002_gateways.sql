-- +goose Up
-- The gateways that registered, OAuth clients, certificates, and what the installation keeps for itself.

CREATE TABLE nodes (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    hostname text COLLATE "C" NOT NULL,
    last_seen bigint NOT NULL,
    session text COLLATE "C",
    sealed text NOT NULL,
    doc json NOT NULL
);
CREATE UNIQUE INDEX nodes_session ON nodes (session);
CREATE INDEX nodes_by_created_at ON nodes (org_id, created_at, id);
CREATE INDEX nodes_by_hostname ON nodes (org_id, hostname, id, created_at);
CREATE INDEX nodes_by_last_seen ON nodes (org_id, last_seen, id);

CREATE TABLE oauth_clients (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    api_id text COLLATE "C" NOT NULL,
    policy_id text COLLATE "C" NOT NULL,
    client_id text COLLATE "C",
    sealed text NOT NULL,
    doc json NOT NULL
);
CREATE UNIQUE INDEX oauth_clients_client_id ON oauth_clients (client_id);
CREATE INDEX oauth_clients_by_created_at ON oauth_clients (org_id, created_at, id);
CREATE INDEX oauth_clients_by_api_id ON oauth_clients (org_id, api_id, id, created_at);
CREATE INDEX oauth_clients_by_policy_id ON oauth_clients (org_id, policy_id, id, created_at);

CREATE TABLE certificates (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    subject_cn text COLLATE "C" NOT NULL,
    fingerprint text COLLATE "C" NOT NULL,
    not_after bigint NOT NULL,
    has_private bigint NOT NULL,
    sealed text NOT NULL,
    doc json NOT NULL
);
CREATE INDEX certificates_by_created_at ON certificates (org_id, created_at, id);
CREATE INDEX certificates_by_subject_cn ON certificates (org_id, subject_cn, id, created_at);
CREATE INDEX certificates_by_fingerprint ON certificates (org_id, fingerprint, id, created_at);
CREATE INDEX certificates_by_not_after ON certificates (org_id, not_after, id);

CREATE TABLE settings (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    sealed text NOT NULL,
    doc json NOT NULL
);
CREATE INDEX settings_by_created_at ON settings (org_id, created_at, id);
