-- +goose Up
-- User groups.

CREATE TABLE IF NOT EXISTS `user_groups` (
    id VARBINARY(255) NOT NULL PRIMARY KEY,
    org_id VARBINARY(64) NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    active BIGINT NOT NULL,
    name VARBINARY(191) NOT NULL,
    sealed LONGTEXT NOT NULL,
    doc LONGTEXT NOT NULL,
    INDEX user_groups_by_created_at (org_id, created_at, id),
    INDEX user_groups_by_active (org_id, active, id, created_at),
    INDEX user_groups_by_name (org_id, name, id, created_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
