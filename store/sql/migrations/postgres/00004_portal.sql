-- +goose Up
-- The documents of the classic developer portal.

CREATE TABLE portal_documents (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    type text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    portal_key text COLLATE "C",
    sso_key text COLLATE "C",
    sealed text NOT NULL,
    doc json NOT NULL
);
CREATE UNIQUE INDEX portal_documents_portal_key ON portal_documents (portal_key, org_id);
CREATE UNIQUE INDEX portal_documents_sso_key ON portal_documents (sso_key, org_id);
CREATE INDEX portal_documents_by_created_at ON portal_documents (org_id, created_at, id);
CREATE INDEX portal_documents_by_type ON portal_documents (org_id, type, id, created_at);
CREATE INDEX portal_documents_by_name ON portal_documents (org_id, name, id, created_at);
