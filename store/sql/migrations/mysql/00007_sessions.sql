-- +goose Up
-- Who signed in, and what may be done once. Both are found by the hash of a token.

CREATE TABLE IF NOT EXISTS `sessions` (
    id VARBINARY(255) NOT NULL PRIMARY KEY,
    org_id VARBINARY(64) NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    user_id VARBINARY(191) NOT NULL,
    ends BIGINT NOT NULL,
    token VARBINARY(191),
    sealed LONGTEXT NOT NULL,
    doc LONGTEXT NOT NULL,
    UNIQUE INDEX sessions_token (token),
    INDEX sessions_by_created_at (org_id, created_at, id),
    INDEX sessions_by_user_id (org_id, user_id, id, created_at),
    INDEX sessions_by_ends (ends)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS `tickets` (
    id VARBINARY(255) NOT NULL PRIMARY KEY,
    org_id VARBINARY(64) NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    ends BIGINT NOT NULL,
    token VARBINARY(191),
    sealed LONGTEXT NOT NULL,
    doc LONGTEXT NOT NULL,
    UNIQUE INDEX tickets_token (token),
    INDEX tickets_by_created_at (org_id, created_at, id),
    INDEX tickets_by_ends (ends)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
