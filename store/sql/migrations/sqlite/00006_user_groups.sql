-- +goose Up
-- User groups.

CREATE TABLE user_groups (
    id TEXT NOT NULL PRIMARY KEY,
    org_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    active INTEGER NOT NULL,
    name TEXT NOT NULL,
    sealed TEXT NOT NULL,
    doc TEXT NOT NULL
) STRICT;
CREATE INDEX user_groups_by_created_at ON user_groups (org_id, created_at, id);
CREATE INDEX user_groups_by_active ON user_groups (org_id, active, id, created_at);
CREATE INDEX user_groups_by_name ON user_groups (org_id, name, id, created_at);
