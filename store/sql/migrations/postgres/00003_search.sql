-- +goose Up
-- An index of the parts of aliases and ids, for searches among a million keys. It needs the extension pg_trgm, which whoever may create
-- things in the database may switch on. Where that is refused, or the extension is not installed, searches look at every key: to make them
-- fast later, let an administrator run CREATE EXTENSION pg_trgm, and create the index below.

-- +goose StatementBegin
DO $$
DECLARE
    home text;
BEGIN
    BEGIN
        CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
    EXCEPTION WHEN OTHERS THEN
        RAISE NOTICE 'no extension pg_trgm: %', SQLERRM;
    END;
    SELECT n.nspname INTO home FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm';
    IF home IS NOT NULL THEN
        EXECUTE format('CREATE INDEX keys_search ON keys USING gin (alias %1$I.gin_trgm_ops, lower(id) %1$I.gin_trgm_ops)', home);
    END IF;
EXCEPTION WHEN OTHERS THEN
    RAISE NOTICE 'no index of the parts of aliases: %', SQLERRM;
END
$$;
-- +goose StatementEnd
