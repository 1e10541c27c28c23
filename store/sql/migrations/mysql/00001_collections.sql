-- +goose Up
-- A table for each collection of store.All, and the labels of them all. Times are microseconds since 1970.
--
-- VARBINARY compares bytes, as the other engines do; the collations of text would take "a" and "a " for equal. Unique values lead
-- their indexes, so that one index answers a lookup with and without the organisation; an empty value is NULL, which is not
-- unique. The indexes of text columns carry created_at, so that a search reads the index alone.
--
-- MySQL cannot undo a CREATE TABLE, so each step may be made again after a failure in the middle.

CREATE TABLE IF NOT EXISTS `organisations` (
    id VARBINARY(255) NOT NULL PRIMARY KEY,
    org_id VARBINARY(64) NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    name VARBINARY(191) NOT NULL,
    slug VARBINARY(191),
    cname VARBINARY(191),
    sealed LONGTEXT NOT NULL,
    doc LONGTEXT NOT NULL,
    UNIQUE INDEX organisations_slug (slug),
    UNIQUE INDEX organisations_cname (cname),
    INDEX organisations_by_created_at (org_id, created_at, id),
    INDEX organisations_by_name (org_id, name, id, created_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS `users` (
    id VARBINARY(255) NOT NULL PRIMARY KEY,
    org_id VARBINARY(64) NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    email VARBINARY(191) NOT NULL,
    name VARBINARY(191) NOT NULL,
    group_id VARBINARY(191) NOT NULL,
    active BIGINT NOT NULL,
    email_key VARBINARY(191),
    access_key VARBINARY(191),
    sealed LONGTEXT NOT NULL,
    doc LONGTEXT NOT NULL,
    UNIQUE INDEX users_email_key (email_key, org_id),
    UNIQUE INDEX users_access_key (access_key),
    INDEX users_by_created_at (org_id, created_at, id),
    INDEX users_by_email (org_id, email, id, created_at),
    INDEX users_by_name (org_id, name, id, created_at),
    INDEX users_by_group_id (org_id, group_id, id, created_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS `apis` (
    id VARBINARY(255) NOT NULL PRIMARY KEY,
    org_id VARBINARY(64) NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    name VARBINARY(191) NOT NULL,
    slug_text VARBINARY(191) NOT NULL,
    active BIGINT NOT NULL,
    api_id VARBINARY(191),
    slug VARBINARY(191),
    route VARBINARY(191),
    sealed LONGTEXT NOT NULL,
    doc LONGTEXT NOT NULL,
    UNIQUE INDEX apis_api_id (api_id),
    UNIQUE INDEX apis_slug (slug, org_id),
    UNIQUE INDEX apis_route (route, org_id),
    INDEX apis_by_created_at (org_id, created_at, id),
    INDEX apis_by_name (org_id, name, id, created_at),
    INDEX apis_by_slug_text (org_id, slug_text, id, created_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS `policies` (
    id VARBINARY(255) NOT NULL PRIMARY KEY,
    org_id VARBINARY(64) NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    name VARBINARY(191) NOT NULL,
    state VARBINARY(191) NOT NULL,
    active BIGINT NOT NULL,
    policy_id VARBINARY(191),
    name_key VARBINARY(191),
    sealed LONGTEXT NOT NULL,
    doc LONGTEXT NOT NULL,
    UNIQUE INDEX policies_policy_id (policy_id),
    UNIQUE INDEX policies_name_key (name_key, org_id),
    INDEX policies_by_created_at (org_id, created_at, id),
    INDEX policies_by_name (org_id, name, id, created_at),
    INDEX policies_by_state (org_id, state, id, created_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS `keys` (
    id VARBINARY(255) NOT NULL PRIMARY KEY,
    org_id VARBINARY(64) NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    alias VARBINARY(191) NOT NULL,
    oauth_client_id VARBINARY(191) NOT NULL,
    expires BIGINT NOT NULL,
    inactive BIGINT NOT NULL,
    basic_auth BIGINT NOT NULL,
    sealed LONGTEXT NOT NULL,
    doc LONGTEXT NOT NULL,
    INDEX keys_by_created_at (org_id, created_at, id),
    INDEX keys_by_alias (org_id, alias, id, created_at),
    INDEX keys_by_oauth_client_id (org_id, oauth_client_id, id, created_at),
    INDEX keys_by_expires (org_id, expires, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS `webhooks` (
    id VARBINARY(255) NOT NULL PRIMARY KEY,
    org_id VARBINARY(64) NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    name VARBINARY(191) NOT NULL,
    webhook_id VARBINARY(191),
    sealed LONGTEXT NOT NULL,
    doc LONGTEXT NOT NULL,
    UNIQUE INDEX webhooks_webhook_id (webhook_id, org_id),
    INDEX webhooks_by_created_at (org_id, created_at, id),
    INDEX webhooks_by_name (org_id, name, id, created_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- created_at is that of the object: the newest of each value are found at the end of their range.
CREATE TABLE IF NOT EXISTS labels (
    collection VARBINARY(64) NOT NULL,
    field VARBINARY(64) NOT NULL,
    value VARBINARY(191) NOT NULL,
    org_id VARBINARY(64) NOT NULL,
    created_at BIGINT NOT NULL,
    object_id VARBINARY(255) NOT NULL,
    PRIMARY KEY (collection, field, value, org_id, created_at, object_id),
    INDEX labels_of_object (object_id, collection)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
