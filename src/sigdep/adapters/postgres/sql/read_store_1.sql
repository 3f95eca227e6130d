-- The catalogue of read models. Their tables are made by their builds, and called after them.

CREATE TABLE {schema}.build (
    build bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,    -- Never used twice.
    name text NOT NULL,
    fingerprint text NOT NULL,
    shape text NOT NULL,
    tables text[] NOT NULL,
    state text NOT NULL CHECK (state IN ('filling', 'live', 'retired'))
);
CREATE UNIQUE INDEX ON {schema}.build (name) WHERE state = 'live';

CREATE TABLE {schema}.checkpoint (
    build bigint NOT NULL REFERENCES {schema}.build ON DELETE CASCADE,
    partition smallint NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (build, partition)
);
