-- +goose Up
-- User groups.

CREATE TABLE user_groups (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    org_id text COLLATE "C" NOT NULL,
    revision bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    active bigint NOT NULL,
    name text COLLATE "C" NOT NULL,
    sealed text NOT NULL,
    doc json NOT NULL
);
CREATE INDEX user_groups_by_created_at ON user_groups (org_id, created_at, id);
CREATE INDEX user_groups_by_active ON user_groups (org_id, active, id, created_at);
CREATE INDEX user_groups_by_name ON user_groups (org_id, name, id, created_at);
