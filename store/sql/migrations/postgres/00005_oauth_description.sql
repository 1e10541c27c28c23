-- +goose Up
-- So that the OAuth clients of an API can be sorted by their description, which the start fills in.

ALTER TABLE oauth_clients ADD COLUMN description text COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX oauth_clients_by_description ON oauth_clients (org_id, description, id, created_at);
