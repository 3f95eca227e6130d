-- Who does what only one replica of a service shall do.

CREATE TABLE {schema}.lease (
    name text PRIMARY KEY,
    epoch bigint NOT NULL,               -- Grows with every holder. The row stays, so that none comes twice.
    holder text NOT NULL,
    held_until timestamptz NOT NULL      -- By the clock of this server: those of the replicas do not matter.
);
