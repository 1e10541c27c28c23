-- +goose Up
-- So that the OAuth clients of an API can be sorted by their description, which the start fills in.

-- MySQL ends a transaction before it changes a table, so a step that was made without being noted comes again; and it
-- knows no ADD COLUMN IF NOT EXISTS.
SET @make = IF(
    EXISTS (SELECT 1 FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'oauth_clients' AND column_name = 'description'),
    'DO 0',
    'ALTER TABLE `oauth_clients` ADD COLUMN description VARBINARY(191) NOT NULL DEFAULT '''', ADD INDEX oauth_clients_by_description (org_id, description, id, created_at)'
);
PREPARE make FROM @make;
EXECUTE make;
DEALLOCATE PREPARE make;
