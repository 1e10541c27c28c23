-- +goose Up
-- What was done, by whom. Nothing is ever changed in here, and lists are in the order of time. The indexes of actor and object go on with
-- the time, so that a page of them is read at once; the rest is compared in what they find.

CREATE TABLE IF NOT EXISTS `audit_records` (
    id VARBINARY(255) NOT NULL PRIMARY KEY,
    org_id VARBINARY(64) NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    actor VARBINARY(191) NOT NULL,
    object VARBINARY(191) NOT NULL,
    action VARBINARY(191) NOT NULL,
    method VARBINARY(191) NOT NULL,
    ip VARBINARY(191) NOT NULL,
    url VARBINARY(191) NOT NULL,
    status BIGINT NOT NULL,
    sealed LONGTEXT NOT NULL,
    doc LONGTEXT NOT NULL,
    INDEX audit_records_by_created_at (org_id, created_at, id),
    INDEX audit_records_by_actor (org_id, actor, created_at, id),
    INDEX audit_records_by_object (org_id, object, created_at, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
