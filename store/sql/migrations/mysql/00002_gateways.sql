-- +goose Up
-- The gateways that registered, OAuth clients, certificates, and what the installation keeps for itself.

CREATE TABLE IF NOT EXISTS `nodes` (
    id VARBINARY(255) NOT NULL PRIMARY KEY,
    org_id VARBINARY(64) NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    hostname VARBINARY(191) NOT NULL,
    last_seen BIGINT NOT NULL,
    session VARBINARY(191),
    sealed LONGTEXT NOT NULL,
    doc LONGTEXT NOT NULL,
    UNIQUE INDEX nodes_session (session),
    INDEX nodes_by_created_at (org_id, created_at, id),
    INDEX nodes_by_hostname (org_id, hostname, id, created_at),
    INDEX nodes_by_last_seen (org_id, last_seen, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS `oauth_clients` (
    id VARBINARY(255) NOT NULL PRIMARY KEY,
    org_id VARBINARY(64) NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    api_id VARBINARY(191) NOT NULL,
    policy_id VARBINARY(191) NOT NULL,
    client_id VARBINARY(191),
    sealed LONGTEXT NOT NULL,
    doc LONGTEXT NOT NULL,
    UNIQUE INDEX oauth_clients_client_id (client_id),
    INDEX oauth_clients_by_created_at (org_id, created_at, id),
    INDEX oauth_clients_by_api_id (org_id, api_id, id, created_at),
    INDEX oauth_clients_by_policy_id (org_id, policy_id, id, created_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS `certificates` (
    id VARBINARY(255) NOT NULL PRIMARY KEY,
    org_id VARBINARY(64) NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    subject_cn VARBINARY(191) NOT NULL,
    fingerprint VARBINARY(191) NOT NULL,
    not_after BIGINT NOT NULL,
    has_private BIGINT NOT NULL,
    sealed LONGTEXT NOT NULL,
    doc LONGTEXT NOT NULL,
    INDEX certificates_by_created_at (org_id, created_at, id),
    INDEX certificates_by_subject_cn (org_id, subject_cn, id, created_at),
    INDEX certificates_by_fingerprint (org_id, fingerprint, id, created_at),
    INDEX certificates_by_not_after (org_id, not_after, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS `settings` (
    id VARBINARY(255) NOT NULL PRIMARY KEY,
    org_id VARBINARY(64) NOT NULL,
    revision BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    sealed LONGTEXT NOT NULL,
    doc LONGTEXT NOT NULL,
    INDEX settings_by_created_at (org_id, created_at, id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
