"""The tables of the event store in SQLite."""

from typing import Final

# A rowid table: rows of all partitions go to the end of the file, whatever their partition. With (partition,
# position) as the primary key WITHOUT ROWID the same load spread over 64 partitions was written at half the speed.
_FIRST_SCHEMA: Final = """
CREATE TABLE event (
    partition INTEGER NOT NULL,
    position INTEGER NOT NULL,
    recorded_us INTEGER NOT NULL,
    workspace BLOB NOT NULL,
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    command_id BLOB NOT NULL,
    type TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    payload BLOB NOT NULL,
    metadata BLOB NOT NULL,
    subject BLOB NOT NULL,
    number INTEGER,
    -- On the last event of each batch of its partition: the hash chain up to here.
    link BLOB,
    UNIQUE (partition, position),
    UNIQUE (stream, version)
) STRICT;

-- Where each partition ends.
CREATE TABLE head (
    partition INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    recorded_us INTEGER NOT NULL,
    link BLOB NOT NULL
) STRICT;

-- The last number given out in each workspace. A column with an index on the events would cost more than the events.
CREATE TABLE workspace_number (
    workspace BLOB PRIMARY KEY,
    number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE answer (
    id INTEGER PRIMARY KEY,
    caller BLOB NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    answer BLOB NOT NULL,
    partition INTEGER NOT NULL,
    position INTEGER NOT NULL,
    kept_us INTEGER NOT NULL,
    UNIQUE (caller, key)
) STRICT;

CREATE TABLE snapshot (
    stream TEXT PRIMARY KEY,
    subject BLOB NOT NULL,
    version INTEGER NOT NULL,
    schema TEXT NOT NULL,
    state BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'The log is append-only: no event is ever changed.'); END;
CREATE TRIGGER event_is_never_removed BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'The log is append-only: no event is ever removed.'); END;
CREATE TRIGGER event_is_never_replaced BEFORE INSERT ON event
WHEN EXISTS (SELECT 1 FROM event WHERE partition = NEW.partition AND position = NEW.position)
    OR EXISTS (SELECT 1 FROM event WHERE stream = NEW.stream AND version = NEW.version)
BEGIN SELECT RAISE(ABORT, 'The log is append-only: no event is ever replaced.'); END;

CREATE TRIGGER head_never_goes_back BEFORE UPDATE ON head WHEN NEW.position <= OLD.position
BEGIN SELECT RAISE(ABORT, 'The log is append-only: its end never goes back.'); END;
CREATE TRIGGER head_is_never_removed BEFORE DELETE ON head
BEGIN SELECT RAISE(ABORT, 'The log is append-only: its end is never removed.'); END;
"""

EVENT_MIGRATIONS: Final = (_FIRST_SCHEMA,)
"""Only ever extended."""
