-- The log of one context, in a schema of its own. {schema} is that schema's name.

-- One row per partition: the lock of its writers, its counter and the end of its hash chain.
-- Half of each page stays free, so that an update finds room beside the row and touches no index.
CREATE TABLE {schema}.partition (
    head bigint NOT NULL DEFAULT 0,
    recorded_us bigint NOT NULL DEFAULT 0,
    partition smallint PRIMARY KEY,
    chain bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex')
) WITH (fillfactor = 50);

INSERT INTO {schema}.partition (partition) SELECT generate_series(0, 63);

-- Columns of fixed size come first: no byte is lost to alignment.
CREATE TABLE {schema}.event (
    position bigint NOT NULL,
    recorded_us bigint NOT NULL,
    number bigint,
    version integer NOT NULL,
    schema_version integer NOT NULL,
    partition smallint NOT NULL,
    workspace uuid NOT NULL,
    command_id uuid NOT NULL,
    subject uuid NOT NULL,
    stream text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    payload bytea NOT NULL,
    metadata bytea NOT NULL,
    PRIMARY KEY (partition, position),
    UNIQUE (stream, version)
);

-- What is sealed does not compress: do not try.
ALTER TABLE {schema}.event ALTER COLUMN payload SET STORAGE EXTERNAL;

-- The hash chain: one link for each batch of events committed together in a partition.
CREATE TABLE {schema}.link (
    last_position bigint NOT NULL,
    partition smallint NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (partition, last_position)
);

-- The last number that each workspace has given out. Guarded by the lock on its partition.
CREATE TABLE {schema}.number (
    last bigint NOT NULL,
    workspace uuid PRIMARY KEY
) WITH (fillfactor = 80);

-- Answers to idempotency keys.
CREATE TABLE {schema}.answer (
    position bigint NOT NULL,
    recorded_us bigint NOT NULL,
    partition smallint NOT NULL,
    caller uuid NOT NULL,
    key text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    answer bytea NOT NULL,
    PRIMARY KEY (caller, key)
);

CREATE INDEX answer_by_age ON {schema}.answer (recorded_us);

CREATE TABLE {schema}.snapshot (
    version integer NOT NULL,
    subject uuid NOT NULL,
    stream text COLLATE "C" PRIMARY KEY,
    schema text NOT NULL,
    state bytea NOT NULL
);

ALTER TABLE {schema}.snapshot ALTER COLUMN state SET STORAGE EXTERNAL;

-- What has happened stays: for every role, the owner and superusers included, and also where triggers are
-- off for replication.
CREATE FUNCTION {schema}.refuse_to_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The log is append-only: % of %.% is refused.', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.event
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse_to_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.link
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse_to_change();
ALTER TABLE {schema}.event ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE {schema}.link ENABLE ALWAYS TRIGGER append_only;
