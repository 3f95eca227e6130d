-- A key ring, in a database of its own: its backups are kept for a shorter time than those of the log.

CREATE TABLE {schema}.subject_key (
    subject uuid PRIMARY KEY,
    wrapped bytea,                -- null: destroyed. The row stays, so that nobody makes the subject a new key.
    changed_at timestamptz NOT NULL DEFAULT now()
);

-- Something known, sealed by the wrapping key: a wrong one is noticed at the start, not at the first event.
CREATE TABLE {schema}.proof (
    id integer PRIMARY KEY CHECK (id = 1),
    sealed bytea NOT NULL
);
