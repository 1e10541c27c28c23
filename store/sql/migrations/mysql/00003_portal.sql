-- +goose Up
-- The documents of the classic developer portal.

CREATE TABLE IF NOT EXISTS `portal_documents` (
    id VARBINARY(255) NOT NULL PRIMARY KEY,
    org_id VARBINARY(64) NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    type VARBINARY(191) NOT NULL,
    name VARBINARY(191) NOT NULL,
    portal_key VARBINARY(191),
    sso_key VARBINARY(191),
    sealed LONGTEXT NOT NULL,
    doc LONGTEXT NOT NULL,
    UNIQUE INDEX portal_documents_portal_key (portal_key, org_id),
    UNIQUE INDEX portal_documents_sso_key (sso_key, org_id),
    INDEX portal_documents_by_created_at (org_id, created_at, id),
    INDEX portal_documents_by_type (org_id, type, id, created_at),
    INDEX portal_documents_by_name (org_id, name, id, created_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
