-- +goose Up
-- The documents of the classic developer portal.

CREATE TABLE portal_documents (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    portal_key TEXT,
    sso_key TEXT,
    sealed TEXT NOT NULL,
    doc TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX portal_documents_portal_key ON portal_documents (portal_key, org_id);
CREATE UNIQUE INDEX portal_documents_sso_key ON portal_documents (sso_key, org_id);
CREATE INDEX portal_documents_by_created_at ON portal_documents (org_id, created_at, id);
CREATE INDEX portal_documents_by_type ON portal_documents (org_id, type, id, created_at);
CREATE INDEX portal_documents_by_name ON portal_documents (org_id, name, id, created_at);
